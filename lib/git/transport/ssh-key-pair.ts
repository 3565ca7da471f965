/** SSH key pairs: made, checked by use, and read from the forms in which people keep private keys. */
import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import ssh2, { type ParsedKey } from 'ssh2';
import { GitferryError } from '../../core/errors.ts';

export const sshKeyTypes = ['ed25519', 'rsa'] as const;
export type SshKeyType = (typeof sshKeyTypes)[number];

export interface SshKeyPair {
  /** Unencrypted, in OpenSSH's own format. */
  readonly privateKey: string;
  /** One line as in authorized_keys: type, key, comment. */
  readonly publicKey: string;
}

interface Halves {
  readonly private: string;
  readonly public: string;
}

const { utils } = ssh2;
const generate = promisify<SshKeyType, object, Halves>(utils.generateKeyPair as never);
const rsaBits = 4096;
/** One in 256 Ed25519 keys comes out unusable (ssh2 1.17.0 drops leading zeros): ten in a row do not. */
const attempts = 10;
const signedText = Buffer.from('gitferry signs this to see whether a key works');

/** A new pair, made outside the event loop, read again, signed with and verified. `comment` is one line without spaces. */
export async function generateSshKeyPair({ type, comment }: { readonly type: SshKeyType; readonly comment: string }): Promise<SshKeyPair> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const halves = await generate(type, type === 'rsa' ? { bits: rsaBits, comment } : { comment });
    const pair = { privateKey: halves.private, publicKey: halves.public };
    if (isPair(pair)) return pair;
  }
  throw new Error(`${attempts} key pairs in a row are unusable`);
}

/** Whether the halves can be read, belong together, and what one signs the other verifies. */
export function isPair({ privateKey, publicKey }: SshKeyPair): boolean {
  const [key, other] = [utils.parseKey(privateKey), utils.parseKey(publicKey)];
  return !(key instanceof Error) && !(other instanceof Error) && key.isPrivateKey() && signs(key, other);
}

/**
 * The key that a private key file holds: OpenSSH's format, PEM (PKCS#1, SEC 1) or PKCS#8, of the types Ed25519, ECDSA and RSA.
 * Throws `private_key_unusable` for encrypted, public, cut off and unknown ones; no message holds any of the text.
 */
export function parsePrivateKey(text: string): ParsedKey {
  const plain = `${text.replace(/\r\n?/g, '\n').trim()}\n`;
  if (isEncrypted(plain)) throw unusable('It is encrypted with a passphrase.');
  const key = utils.parseKey(/^-----BEGIN PRIVATE KEY-----/m.test(plain) ? withoutPkcs8(plain) : plain);
  if (key instanceof Error) throw unusable('It is damaged, or in a format that is not known here.', key);
  if (!key.isPrivateKey()) throw unusable('It is a public key.');
  if (!/^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521))$/.test(key.type)) throw unusable(`Keys of type ${key.type} are not used.`);
  if (!signs(key, key)) throw unusable('It is damaged: what it signs cannot be verified.');
  return key;
}

/** The public half, as in authorized_keys. Throws as `parsePrivateKey` does. */
export function publicKeyOf(privateKey: string, comment: string): string {
  const key = parsePrivateKey(privateKey);
  return `${key.type} ${key.getPublicSSH().toString('base64')} ${comment}`;
}

function signs(key: ParsedKey, verifier: ParsedKey): boolean {
  try {
    const signature = key.sign(signedText, key.type === 'ssh-rsa' ? 'sha512' : undefined);
    if (!Buffer.isBuffer(signature) || !key.getPublicSSH().equals(verifier.getPublicSSH())) return false;
    return verifier.verify(signedText, signature, key.type === 'ssh-rsa' ? 'sha512' : undefined) === true;
  } catch {
    return false;
  }
}

/** PKCS#8, PEM with a passphrase, and OpenSSH's format with a cipher (PROTOCOL.key: the magic, then the cipher's name). */
function isEncrypted(text: string): boolean {
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4,ENCRYPTED/m.test(text)) return true;
  const body = /^-----BEGIN OPENSSH PRIVATE KEY-----\n([^-]*)/.exec(text)?.[1];
  if (body === undefined) return false;
  const bytes = Buffer.from(body, 'base64');
  const magic = Buffer.from('openssh-key-v1\0');
  if (bytes.length < magic.length + 8 || !bytes.subarray(0, magic.length).equals(magic)) return false;
  const length = bytes.readUInt32BE(magic.length);
  return bytes.subarray(magic.length + 4, magic.length + 4 + length).toString('latin1') !== 'none';
}

/** ssh2 does not read PKCS#8: the same key in a form that it reads. */
function withoutPkcs8(text: string): string {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (cause) {
    throw unusable('It is damaged, or in a format that is not known here.', cause);
  }
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return String(key.export({ type: 'pkcs1', format: 'pem' }));
    case 'ec':
      return String(key.export({ type: 'sec1', format: 'pem' }));
    case 'ed25519':
      return opensshEd25519(key);
    default:
      throw unusable(`Keys of type ${key.asymmetricKeyType ?? 'unknown'} are not used.`);
  }
}

/** OpenSSH's PROTOCOL.key, without encryption. */
function opensshEd25519(key: KeyObject): string {
  const { x = '', d = '' } = key.export({ format: 'jwk' });
  const [name, point] = [Buffer.from('ssh-ed25519'), Buffer.from(x, 'base64url')];
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    field(name),
    field(point),
    field(Buffer.concat([Buffer.from(d, 'base64url'), point])),
    field(Buffer.alloc(0)),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const none = field(Buffer.from('none'));
  const count = Buffer.from([0, 0, 0, 1]);
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    none,
    none,
    field(Buffer.alloc(0)),
    count,
    field(Buffer.concat([field(name), field(point)])),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = body.toString('base64').replace(/.{70}/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function unusable(detail: string, cause?: unknown): GitferryError {
  return new GitferryError('private_key_unusable', { detail, ...(cause === undefined ? {} : { cause }) });
}
