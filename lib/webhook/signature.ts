/** Proofs by shared secret: hexadecimal HMAC-SHA256 in a header, or the secret itself. */
import { createHmac } from 'node:crypto';
import { isEqualInConstantTime } from '../core/constant-time.ts';
import type { Delivery } from './delivery.ts';

const hexDigest = /^[0-9a-fA-F]{64}$/;

/**
 * Whether `value` is `prefix` and the hexadecimal HMAC-SHA256 of the body under one of the secrets. Anything that is not 64 digits (empty, short, odd,
 * sent twice) is refused before a digest is made.
 */
export function isHexSignature(value: string | undefined, prefix: string, body: Uint8Array, secrets: readonly string[]): boolean {
  if (value === undefined || !value.startsWith(prefix)) return false;
  const digits = value.slice(prefix.length);
  if (!hexDigest.test(digits)) return false;
  const claimed = Buffer.from(digits, 'hex');
  return secrets.some((secret) => isEqualInConstantTime(createHmac('sha256', secret).update(body).digest(), claimed));
}

/** Whether `value` is one of the secrets. */
export function isSecret(value: string | undefined, secrets: readonly string[]): boolean {
  if (value === undefined || value === '') return false;
  return secrets.some((secret) => isEqualInConstantTime(secret, value));
}

/** Whether the password of an HTTP Basic header (RFC 7617) is one of the secrets. The user name is not looked at. */
export function isBasicPassword({ header }: Pick<Delivery, 'header'>, secrets: readonly string[]): boolean {
  const encoded = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(header('authorization') ?? '')?.[1];
  if (encoded === undefined) return false;
  const pair = Buffer.from(encoded, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon >= 0 && isSecret(pair.slice(colon + 1), secrets);
}
