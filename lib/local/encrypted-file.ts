/** One JSON value in a file, encrypted with AES-256-GCM under a key in a file beside it; both readable by their owner only. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { chmod, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface EncryptedFile {
  /** undefined = there is none yet. */
  read(): Promise<unknown>;
  /** Durable once it resolves; a crash leaves the former content or the new one. One write at a time. */
  write(value: unknown): Promise<void>;
}

const cipher = 'aes-256-gcm';
const context = Buffer.from('gitferry secrets 1');
const keyBytes = 32;
const ownerOnly = 0o600;

/** Makes the key where there is neither key nor file. Rejects where the file is there and its key is not, or is no key. */
export async function openEncryptedFile(path: string, keyPath: string): Promise<EncryptedFile> {
  const key = await readKey(keyPath);
  const content = await readText(path);
  if (key === undefined && content !== undefined) throw new Error(`${path} cannot be read: its key, ${keyPath}, is missing`);
  const secret = key ?? (await makeKey(keyPath));
  for (const file of content === undefined ? [keyPath] : [keyPath, path]) await chmod(file, ownerOnly);
  return {
    async read() {
      const text = await readText(path);
      return text === undefined ? undefined : decrypt(path, keyPath, text, secret);
    },
    write: (value) => replaceFile(path, encrypt(value, secret)),
  };
}

function encrypt(value: unknown, key: Buffer): string {
  const iv = randomBytes(12);
  const encryption = createCipheriv(cipher, key, iv).setAAD(context);
  const data = Buffer.concat([encryption.update(JSON.stringify(value), 'utf8'), encryption.final()]);
  const parts = { iv: iv.toString('base64'), tag: encryption.getAuthTag().toString('base64'), data: data.toString('base64') };
  return `${JSON.stringify({ format: 1, cipher, ...parts })}\n`;
}

function decrypt(path: string, keyPath: string, text: string, key: Buffer): unknown {
  const broken = (why: string) =>
    new Error(`${path} cannot be read: ${why}. Restore it from a backup, or move it away to start without secrets`);
  const envelope = parseEnvelope(text);
  if (envelope === undefined) throw broken('it is damaged');
  try {
    const decryption = createDecipheriv(cipher, key, envelope.iv, { authTagLength: 16 }).setAAD(context).setAuthTag(envelope.tag);
    return JSON.parse(Buffer.concat([decryption.update(envelope.data), decryption.final()]).toString('utf8')) as unknown;
  } catch {
    throw broken(`it is damaged, or ${keyPath} is not its key`);
  }
}

function parseEnvelope(text: string): { iv: Buffer; tag: Buffer; data: Buffer } | undefined {
  try {
    const { format, iv, tag, data } = JSON.parse(text) as Record<string, unknown>;
    if (format !== 1 || typeof iv !== 'string' || typeof tag !== 'string' || typeof data !== 'string') return undefined;
    return { iv: Buffer.from(iv, 'base64'), tag: Buffer.from(tag, 'base64'), data: Buffer.from(data, 'base64') };
  } catch {
    return undefined;
  }
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== keyBytes) throw new Error(`${path} is not a key (${keyBytes} bytes in base64)`);
  return key;
}

async function makeKey(path: string): Promise<Buffer> {
  const key = randomBytes(keyBytes);
  await replaceFile(path, `${key.toString('base64')}\n`);
  return key;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written beside it, made durable, then renamed over it. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  // One that a crash left may be readable by others.
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', ownerOnly);
  try {
    await file.writeFile(text);
    await file.sync();
  } catch (error) {
    // What is half written takes room that a full disk has not.
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
