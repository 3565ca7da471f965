/** A signed webhook as Standard Webhooks has it (standardwebhooks.com): id, time and body signed together. */
import { createHmac, randomBytes } from 'node:crypto';
import { printableJson } from '../../core/printable.ts';
import type { Message } from './message.ts';
import type { Post } from './post.ts';

const prefix = 'whsec_';

/** In the form that every Standard Webhooks library takes. */
export function newSigningSecret(): string {
  return `${prefix}${randomBytes(32).toString('base64')}`;
}

/** Whether it is `whsec_` and the base64 of 24 to 64 bytes. */
export function isSigningSecret(text: string): boolean {
  if (!/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(text)) return false;
  const { length } = Buffer.from(text.slice(prefix.length), 'base64');
  return length >= 24 && length <= 64;
}

export function webhookRequest({ id, at, events, more }: Message, signingSecret: string): Post {
  const timestamp = String(Math.floor(at / 1000));
  const [first] = events;
  const isDigest = events.length !== 1 || more > 0;
  const body = printableJson({
    type: isDigest ? 'digest' : first?.type,
    timestamp: isDigest ? new Date(at).toISOString() : first?.occurred_at,
    data: isDigest ? { events, more } : first,
  });
  const key = Buffer.from(signingSecret.slice(prefix.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { body, headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` } };
}
