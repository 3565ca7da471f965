/** SSH key pairs: made, checked by use, and read from the forms in which people keep private keys. */
import { promisify } from 'node:util';
import ssh2, { type ParsedKey } from 'ssh2';
import { hostKeyTypes } from '../host-keys/host-key.ts';
import { outerPublicKey, readablePrivateKey, unusableKey } from './ssh-private-key.ts';

export type SshKeyType = 'ed25519' | 'rsa';

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
  const readable = readablePrivateKey(`${text.replace(/\r\n?/g, '\n').trim()}\n`);
  // ssh2 reads the private half alone: another public one in front of it would go unnoticed.
  const outer = outerPublicKey(readable);
  const key = utils.parseKey(readable);
  // ssh2's own message could quote the key.
  if (key instanceof Error) throw unusableKey('it is damaged, or in a format that is not known here.');
  if (!key.isPrivateKey()) throw unusableKey('it is the public half.');
  if (!hostKeyTypes.includes(key.type)) throw unusableKey(`keys of type ${key.type} are not used.`);
  if (outer !== undefined && !outer.equals(key.getPublicSSH())) throw unusableKey('it is damaged: its two halves do not belong together.');
  if (!signs(key, key)) throw unusableKey('it is damaged: what it signs cannot be verified.');
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
