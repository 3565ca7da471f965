/** One delivery from its token to its answer: prove, read, choose mirrors, ask for their updates, note that it came. */
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { printable } from '../core/printable.ts';
import type { Hook } from '../model/hook.ts';
import { parseHookToken } from '../model/hook-secret.ts';
import type { MirrorKey } from '../model/mirror.ts';
import type { ProjectContents } from '../model/records.ts';
import { checkProof, type Proof } from './check-proof.ts';
import { type Choice, chooseMirrors } from './choose-mirrors.ts';
import type { Delivery, WebhookEvent } from './delivery.ts';
import type { NoteDelivery } from './delivery-notes.ts';
import { parsePayload } from './payload.ts';
import type { ProjectCache } from './project-cache.ts';
import { providerRegistry } from './provider-registry.ts';
import { webhookLimits } from './webhook-limits.ts';

export type RequestResult = 'queued' | 'merged' | 'ignored';
/** Asks for an update of each of these mirrors on behalf of `who` (the provider). Throws `storage_unavailable`. */
export type RequestRuns = (keys: readonly MirrorKey[], who: string) => Promise<readonly RequestResult[]>;

export interface HandlingDeps {
  readonly cache: ProjectCache;
  readonly signingKey: () => Promise<string>;
  readonly noteDelivery: NoteDelivery;
  readonly requestRuns: RequestRuns;
  readonly clock: Clock;
  readonly log: Log;
}

/** `refused` = no such token, or no proof: the sender is not told which. */
export type DeliveryAnswer = { readonly status: RequestResult; readonly reason: string } | 'refused';

/** Throws `storage_unavailable` or `secrets_unavailable` if the delivery could not be checked or recorded: worth sending again. */
export async function handleDelivery(token: string, delivery: Delivery, deps: HandlingDeps): Promise<DeliveryAnswer> {
  const { clock, log } = deps;
  const parsed = parseHookToken(token);
  const read = async (maxAgeMs: number): Promise<ProjectContents | undefined> =>
    parsed === undefined ? undefined : deps.cache.read(parsed.projectId, maxAgeMs);
  const [signingKey, remembered] = await Promise.all([deps.signingKey(), read(webhookLimits.contentsMs)]);
  const check = (contents: ProjectContents | undefined): Proof =>
    checkProof(delivery, contents, { tokenHash: parsed?.tokenHash, signingKey, now: clock.now() });

  let proof = check(remembered);
  if (proof.kind === 'refused') {
    // The hook may be newer than what is remembered of its project, or its secret just changed.
    const fresh = await read(webhookLimits.recheckMs);
    if (fresh !== remembered) proof = check(fresh);
  }
  if (proof.kind === 'refused') {
    const { hook } = proof;
    // The whole internet tries addresses; a hook whose deliveries fail is somebody's mistake.
    if (hook === undefined) log.write('info', 'delivery_refused', { project: parsed?.projectId, why: 'unknown_token' });
    else log.write('warn', 'delivery_refused', { project: hook.projectId, hook: hook.id, provider: hook.provider, why: 'no_proof' });
    return 'refused';
  }
  if (proof.kind === 'unsigned_ping')
    return { status: 'ignored', reason: 'the address is right; this test was not signed, so the secret is not tested' };

  const { hook } = proof;
  const payload = parsePayload(delivery.body);
  const rules = providerRegistry[hook.provider];
  const event = payload.readable ? rules.readEvent(delivery, payload.value) : unreadable;
  const choice = payload.readable ? await choose(event, proof.contents, read) : { of: null, keys: [], reason: 'the body is not JSON' };
  const [answer] = await Promise.all([ask(choice, hook, deps.requestRuns), deps.noteDelivery(hook, choice.of)]);
  log.write('info', 'delivery_received', {
    project: hook.projectId,
    hook: hook.id,
    provider: hook.provider,
    provider_event: words(event.name),
    delivery: words(rules.deliveryHeader === undefined ? '' : (delivery.header(rules.deliveryHeader) ?? '')),
    mirrors: choice.keys.length,
    ...answer,
  });
  return answer;
}

const unreadable: WebhookEvent = { kind: 'other', name: 'unreadable', repositories: [], refs: undefined };

/** Where nothing is to be asked for, the project is looked at again: a mirror may be new, or its rules just changed. */
async function choose(
  event: WebhookEvent,
  contents: ProjectContents,
  read: (maxAgeMs: number) => Promise<ProjectContents | undefined>,
): Promise<Choice> {
  const choice = await chooseMirrors(event, contents);
  if (event.kind !== 'push' || choice.keys.length > 0) return choice;
  const fresh = await read(webhookLimits.recheckMs);
  return fresh === undefined || fresh === contents ? choice : chooseMirrors(event, fresh);
}

/** One answer for all mirrors: queued if a new run was asked for any of them. */
async function ask(
  { keys, reason }: Choice,
  { provider }: Hook,
  requestRuns: RequestRuns,
): Promise<{ readonly status: RequestResult; readonly reason: string }> {
  if (keys.length === 0) return { status: 'ignored', reason: words(reason ?? 'no mirror is concerned') };
  const results = await requestRuns(keys, provider);
  if (results.includes('queued'))
    return { status: 'queued', reason: keys.length === 1 ? 'the mirror will be updated' : 'the mirrors will be updated' };
  if (results.includes('merged')) return { status: 'merged', reason: 'an update that is already asked for will carry this' };
  return { status: 'ignored', reason: 'the mirrors are disabled, paused or deleted' };
}

/** What a stranger wrote, for an answer or a log. */
function words(text: string): string {
  return printable(text).slice(0, webhookLimits.wordsCharacters);
}
