/** One webhook of ours at a repository, however often it is asked for. */
import { GitferryError } from '../core/errors.ts';
import type { ByHand, EnsuredWebhook, HostWebhook, Offered, Webhook } from './host.ts';
import type { HostReply } from './host-api.ts';
import { done, notPermitted } from './offered.ts';

export interface WebhookCalls {
  list(): Promise<HostReply<readonly HostWebhook[]>>;
  create(webhook: Webhook): Promise<HostReply<HostWebhook>>;
  /** Everything, the secret too. */
  update(id: string, webhook: Webhook): Promise<HostReply<unknown>>;
  remove(id: string): Promise<HostReply<unknown>>;
}

/** A hook that is there is written again in any case: no host tells the secret that it has. Further ones with the same URL go, because each would announce every push. */
export async function ensureWebhook(calls: WebhookCalls, webhook: Webhook, byHand: ByHand): Promise<Offered<EnsuredWebhook>> {
  const found = await calls.list();
  if (found.kind !== 'ok') return notPermitted(found, byHand);
  const [first, ...others] = found.value.filter(({ url }) => url === webhook.url);
  if (first === undefined) {
    const made = await calls.create(webhook);
    if (made.kind === 'ok') return done({ id: made.value.id, change: 'created' });
    return unlessRefused(made, byHand);
  }
  const updated = await calls.update(first.id, webhook);
  if (updated.kind !== 'ok') return unlessRefused(updated, byHand);
  for (const { id } of others) {
    const removed = await calls.remove(id);
    if (removed.kind === 'forbidden' || removed.kind === 'refused') return unlessRefused(removed, byHand);
  }
  return done({ id: first.id, change: first.isRight && others.length === 0 ? 'unchanged' : 'repaired' });
}

export async function removeWebhook(calls: WebhookCalls, url: string, byHand: ByHand): Promise<Offered<number>> {
  const found = await calls.list();
  if (found.kind !== 'ok') return notPermitted(found, byHand);
  const ours = found.value.filter((hook) => hook.url === url);
  for (const { id } of ours) {
    const removed = await calls.remove(id);
    // Gone meanwhile is as good.
    if (removed.kind === 'forbidden' || removed.kind === 'refused') return unlessRefused(removed, byHand);
  }
  return done(ours.length);
}

function unlessRefused(reply: Exclude<HostReply<unknown>, { readonly kind: 'ok' }>, byHand: ByHand) {
  if (reply.kind === 'refused') throw new GitferryError('webhook_refused', { detail: `HTTP ${reply.status}`, words: reply.words });
  return notPermitted(reply, byHand);
}
