/** Private keys as people have them, made readable for ssh2: PKCS#8 becomes the form it knows; encrypted ones are refused by name. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { GitferryError } from '../../../core/errors.ts';

const openSshMagic = 'openssh-key-v1\0';

/** The key in a form that ssh2 reads. Throws `private_key_unusable`; messages never hold any of it. */
export function readablePrivateKey(text: string): string {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (label === undefined) throw unusableKey(whatElse(text));
  if (isEncrypted(text, label)) throw unusableKey('it is encrypted with a passphrase.');
  if (label.includes('PUBLIC')) throw unusableKey('it is the public half.');
  return label === 'PRIVATE KEY' ? fromPkcs8(text) : text.trim();
}

export function unusableKey(why: string, cause?: unknown): GitferryError {
  return new GitferryError('private_key_unusable', { detail: `The private key: ${why}`, cause });
}

/** What people take for the private key, by how it begins. */
function whatElse(text: string): string {
  if (/^\s*(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ AAAA/.test(text))
    return 'it is the public half: the private one is in the file without .pub.';
  if (/^\s*PuTTY-User-Key-File-/.test(text)) return "it is in PuTTY's format; `puttygen KEY.ppk -O private-openssh -o KEY` writes another.";
  return 'it does not begin with -----BEGIN.';
}

/**
 * The public half that OpenSSH's format holds in front of the private one (PROTOCOL.key), where readers look that do not know the passphrase; undefined for
 * other formats. Throws `private_key_unusable` unless it is one unencrypted key and nothing else.
 */
export function outerPublicKey(text: string): Buffer | undefined {
  if (!text.includes('-----BEGIN OPENSSH PRIVATE KEY-----')) return undefined;
  const body = Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');
  let at = openSshMagic.length;
  const field = (): Buffer => {
    const length = at + 4 <= body.length ? body.readUInt32BE(at) : body.length;
    if (length > body.length - at - 4) throw unusableKey('it is damaged.');
    at += 4 + length;
    return body.subarray(at - length, at);
  };
  const [cipher, keyDerivation, options] = [field().toString('latin1'), field().toString('latin1'), field()];
  const count = at + 4 <= body.length ? body.readUInt32BE(at) : 0;
  at += 4;
  const publicKey = field();
  field();
  const isPlain = cipher === 'none' && keyDerivation === 'none' && options.length === 0;
  if (body.toString('latin1', 0, openSshMagic.length) !== openSshMagic || !isPlain || count !== 1 || at !== body.length)
    throw unusableKey('it is damaged, or holds more than one key.');
  return publicKey;
}

/** PEM says so in a header, OpenSSH's format by the name of its cipher (PROTOCOL.key). */
function isEncrypted(text: string, label: string): boolean {
  if (label.includes('ENCRYPTED') || /^Proc-Type: 4,ENCRYPTED/m.test(text)) return true;
  if (label !== 'OPENSSH PRIVATE KEY') return false;
  const body = Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');
  if (!body.toString('latin1').startsWith(openSshMagic) || body.length < openSshMagic.length + 8) return false;
  const cipherBytes = body.readUInt32BE(openSshMagic.length);
  const from = openSshMagic.length + 4;
  return body.toString('latin1', from, from + Math.min(cipherBytes, 64)) !== 'none';
}

function fromPkcs8(text: string): string {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch (cause) {
    throw unusableKey('it cannot be read.', cause);
  }
  const type = key.asymmetricKeyType;
  if (type === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString();
  if (type === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString();
  if (type === 'ed25519') return openSshEd25519(key);
  throw unusableKey(`keys of the type ${type ?? 'unknown'} cannot be used with SSH.`);
}

/** PROTOCOL.key of OpenSSH, without encryption. */
function openSshEd25519(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')];
  const type = sshString(Buffer.from('ssh-ed25519'));
  const publicKey = Buffer.concat([type, sshString(point)]);
  const check = Buffer.alloc(8); // twice the same number, to notice a wrong passphrase
  const secret = Buffer.concat([check, type, sshString(point), sshString(Buffer.concat([seed, point])), sshString(Buffer.alloc(0))]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const none = sshString(Buffer.from('none'));
  const count = Buffer.from([0, 0, 0, 1]);
  const body = Buffer.concat([
    Buffer.from(openSshMagic),
    ...[none, none, sshString(Buffer.alloc(0)), count, sshString(publicKey), sshString(Buffer.concat([secret, padding]))],
  ]);
  const lines = body.toString('base64').replace(/.{70}(?!$)/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function sshString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
