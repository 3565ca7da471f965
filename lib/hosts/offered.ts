/** What a reply of a host means for what was asked: done, not permitted, or refused. */
import { GitferryError } from '../core/errors.ts';
import type { ByHand, Offered, Unavailable } from './host.ts';
import type { HostReply } from './host-api.ts';

export function done<T>(value: T): Offered<T> {
  return { kind: 'done', value };
}

export function notOffered(why: string, byHand: ByHand): Unavailable {
  return { kind: 'not_offered', why, byHand };
}

export function notPermitted(reply: Exclude<HostReply<unknown>, { readonly kind: 'ok' }>, byHand: ByHand): Unavailable {
  const missing = reply.kind === 'forbidden' && reply.missing !== '' ? ` It wants ${reply.missing}.` : '';
  const words = reply.words === '' ? '' : ` The host says: ${reply.words}`;
  return { kind: 'not_permitted', why: `This account or token may not do this, or does not see the repository.${missing}${words}`, byHand };
}

/** The value, or what a person does instead. Throws `request_refused` with the host's words for what was wrong with the request. */
export function offered<T, V>(reply: HostReply<T>, byHand: ByHand, toValue: (value: T) => V): Offered<V> {
  if (reply.kind === 'ok') return done(toValue(reply.value));
  if (reply.kind === 'refused') throw refusal(reply);
  return notPermitted(reply, byHand);
}

export function refusal({ status, words }: { readonly status: number; readonly words: string }): GitferryError {
  return new GitferryError('request_refused', { detail: `HTTP ${status}`, words });
}
