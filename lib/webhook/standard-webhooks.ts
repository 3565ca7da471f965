/** The Standard Webhooks scheme (standardwebhooks.com): id, time and body signed together, several signatures in one header. */
import { createHmac } from 'node:crypto';
import { isEqualInConstantTime } from '../core/constant-time.ts';
import type { Delivery } from './delivery.ts';
import { webhookLimits } from './webhook-limits.ts';

const signatureShape = /^(v[0-9a-z]{1,8}),([A-Za-z0-9+/_-]{1,512}={0,2})$/;
const digestShape = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Whether one signature of `webhook-signature` is a v1 signature under one of the secrets, made at most 5 minutes from `now` (milliseconds since 1970).
 * Signatures of other versions are passed over; a header with anything else in it is refused as a whole.
 */
export function isStandardSignature({ header, body }: Delivery, secrets: readonly string[], now: number): boolean {
  const id = header('webhook-id') ?? '';
  const timestamp = header('webhook-timestamp') ?? '';
  if (id === '' || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp) * 1000) > webhookLimits.timestampToleranceMs) return false;
  const claimed = parseSignatures(header('webhook-signature') ?? '');
  if (claimed.length === 0) return false;
  return secrets.flatMap(keysOf).some((key) => {
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
    return claimed.some((signature) => isEqualInConstantTime(expected, signature));
  });
}

function parseSignatures(text: string): readonly Buffer[] {
  if (text.length > webhookLimits.signatureHeaderCharacters) return [];
  const parts = text.split(' ').map((part) => signatureShape.exec(part));
  if (parts.length > webhookLimits.signatures || parts.includes(null)) return [];
  return parts.flatMap((part) => {
    const [, version, digits = ''] = part ?? [];
    return version === 'v1' && digestShape.test(digits) ? [Buffer.from(digits, 'base64')] : [];
  });
}

/** Senders differ in what they take for the key: the secret's characters, or (as `whsec_…`) the bytes that it is the base64 of. */
function keysOf(secret: string): readonly Buffer[] {
  return [Buffer.from(secret, 'base64'), Buffer.from(secret)];
}
