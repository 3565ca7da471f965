/** The signed statement by which an App says who it is ("Generating a JSON Web Token for a GitHub App"): RS256, for nine minutes. */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { GitferryError } from '../../core/errors.ts';

/** GitHub takes ten minutes by its own clock: a minute is left for clocks that differ, in both directions. */
const before = 60;
const after = 9 * 60;

/** `nowSeconds` by the host's clock. `signText` = RSASSA-PKCS1-v1_5 with SHA-256. */
export async function appJwt(appId: string, nowSeconds: number, signText: (text: string) => Promise<Buffer>): Promise<string> {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ iat: nowSeconds - before, exp: nowSeconds + after, iss: appId })}`;
  return `${text}.${(await signText(text)).toString('base64url')}`;
}

/** Throws `app_key_invalid`; the message holds nothing of the key. */
export function signWith(pem: string): (text: string) => Promise<Buffer> {
  const key = rsaKeyOf(pem);
  if (key === undefined) throw new GitferryError('app_key_invalid');
  return async (text) => sign('RSA-SHA256', Buffer.from(text), key);
}

/** PKCS #1 or PKCS #8; undefined = no RSA private key, or one with a passphrase. */
export function rsaKeyOf(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'rsa' ? key : undefined;
  } catch {
    return undefined;
  }
}
