/** One attempt to deliver: claimed before it is sent and settled after it, so that a process that dies in between has it sent once more under the same id. */
import { randomUUID } from 'node:crypto';
import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { createDeadline } from '../core/deadline.ts';
import { toGitferryError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { createRedactor } from '../core/redact.ts';
import { told } from '../core/told.ts';
import type { Channel, ChannelSecret, NoticeDelivery } from '../model/channel.ts';
import type { ChannelRecords, DeliveryRecords, NoticeRecords } from '../model/notice-records.ts';
import type { SecretStore } from '../model/secret-store.ts';
import { type EventDeps, eventOf } from './notice-event.ts';
import { notifyLimits } from './notify-limits.ts';
import type { NoticeEvent } from './published-event.ts';
import type { ChannelAnswer, Message } from './send/message.ts';
import { type SendDeps, sendMessage } from './send/send-message.ts';

export interface DeliverDeps extends EventDeps, SendDeps {
  readonly notices: Pick<NoticeRecords, 'getMany'>;
  readonly channels: Pick<ChannelRecords, 'get' | 'noteHealth'>;
  readonly deliveries: Pick<DeliveryRecords, 'claim' | 'settle'>;
  readonly secrets: Pick<SecretStore, 'read'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** `nothing` = it is done, not due, or somebody else's. */
export type Attempt = 'delivered' | 'retried' | 'given_up' | 'nothing';

/** Throws `storage_unavailable`; what a receiver does is an answer. */
export async function deliver(key: Pick<NoticeDelivery, 'channelId' | 'id'>, deps: DeliverDeps): Promise<Attempt> {
  const { deliveries, channels, clock, log } = deps;
  const claim = randomUUID();
  const delivery = await deliveries.claim(key.channelId, key.id, {
    now: clock.now() + notifyLimits.clockSkewMs,
    until: clock.now() + notifyLimits.claimMs,
    claim,
  });
  if (delivery === undefined) return 'nothing';
  const channel = await channels.get(key.channelId);
  if (channel === undefined || !channel.enabled) {
    await deliveries.settle(key, claim, { state: 'failed', dueAt: null, lastAt: clock.now(), lastAnswer: 'The channel is switched off.' });
    return 'given_up';
  }
  const message = await messageOf(delivery, channel, deps);
  const answer: ChannelAnswer =
    message === undefined ? { ok: true, words: 'What it was about is gone.' } : await sendTo(channel, message, deps);
  const now = clock.now();
  const isLast = answer.ok || answer.isFinal === true || delivery.attempts >= notifyLimits.attempts;
  const waitMs = Math.max(backoffMs(delivery.attempts - 1, notifyLimits.waits, clock), (answer.retryAfterSeconds ?? 0) * 1000);
  await deliveries.settle(key, claim, {
    state: answer.ok ? 'delivered' : isLast ? 'failed' : 'waiting',
    dueAt: isLast ? null : now + Math.min(waitMs, notifyLimits.waits.longestMs),
    lastAt: now,
    lastAnswer: answer.words,
  });
  if (message !== undefined) await noteHealth(channel, answer, deps);
  const attempt = answer.ok ? 'delivered' : isLast ? 'given_up' : 'retried';
  log.write(answer.ok ? 'info' : 'warn', 'notice_delivery', {
    channel: channel.id,
    delivery: key.id,
    attempt,
    attempts: delivery.attempts,
  });
  return attempt;
}

/** A message that tells nothing but that the channel works. Resolves with the other side's answer. */
export async function deliverTest(channel: Channel, deps: Omit<DeliverDeps, 'deliveries' | 'notices'>): Promise<ChannelAnswer> {
  const now = new Date(deps.clock.now()).toISOString();
  const none = { project: null, mirror: null, host: null, credential: null, mirrors: null, decision: null, count: null, error: null };
  const event: NoticeEvent = {
    id: `channel.test-${randomUUID()}`,
    type: 'channel.test',
    severity: 'info',
    occurred_at: now,
    since: now,
    title: 'This is a test of a notification channel of gitferry',
    text: `The channel ${channel.name} works.`,
    link: `${deps.publicUrl}/`,
    ...{ ...none, run_id: null, refs: null, refs_total: null },
  };
  const answer = await sendTo(channel, { id: event.id, at: deps.clock.now(), events: [event], more: 0 }, deps);
  await noteHealth(channel, answer, deps);
  return answer;
}

async function messageOf(delivery: NoticeDelivery, channel: Channel, deps: DeliverDeps): Promise<Message | undefined> {
  const notices = [...(await deps.notices.getMany(delivery.notices))].sort((one, other) => one.at - other.at);
  const events: NoticeEvent[] = [];
  for (const notice of notices.slice(0, notifyLimits.digestEvents)) {
    const event = await eventOf(notice, channel, deps);
    if (event !== undefined) events.push(event);
  }
  if (events.length === 0) return undefined;
  const more = Math.max(0, notices.length - notifyLimits.digestEvents);
  const [first] = notices;
  // A notice's own id where there is one only: whoever gets it over two channels knows it again.
  const id = notices.length === 1 && first !== undefined ? first.id : `${channel.id}-${delivery.id}`;
  return { id, at: deps.clock.now(), events, more };
}

async function sendTo(channel: Channel, message: Message, deps: Omit<DeliverDeps, 'deliveries' | 'notices'>): Promise<ChannelAnswer> {
  const deadline = createDeadline(notifyLimits.attemptMs);
  let secret: ChannelSecret | undefined;
  try {
    // Only lib/api/use-cases/save-channel.ts writes it.
    secret = (await deps.secrets.read(channel.secretName)) as ChannelSecret;
    const answer = await sendMessage({ channel, secret, message, deadline }, deps);
    return { ...answer, words: told(answer.words, createRedactor(secretsOf(secret)), notifyLimits.answerCharacters) };
  } catch (error) {
    const { code, message: words } = toGitferryError(error);
    return {
      ok: false,
      words: told(`${words} (${code})`, createRedactor(secret === undefined ? [] : secretsOf(secret)), notifyLimits.answerCharacters),
    };
  } finally {
    deadline.clear();
  }
}

/** The whole address, too: a chat's is a password. */
function secretsOf(secret: ChannelSecret): readonly { readonly username?: string; readonly password: string }[] {
  if (!('url' in secret)) return [{ username: secret.username, password: secret.password }];
  const { pathname, search } = new URL(secret.url);
  return [secret.url, `${pathname}${search}`, secret.signingSecret ?? '']
    .filter((text) => text.length > 1)
    .map((password) => ({ password }));
}

async function noteHealth(
  { id, failingSince }: Channel,
  { ok, words }: ChannelAnswer,
  { channels, clock }: Pick<DeliverDeps, 'channels' | 'clock'>,
): Promise<void> {
  const now = clock.now();
  await channels.noteHealth(id, { lastAt: now, lastOk: ok, lastAnswer: words, failingSince: ok ? null : (failingSince ?? now) });
}
