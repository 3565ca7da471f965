/** One delivery from its token to its answer: prove, read, choose mirrors, ask for their updates, note that it came. */
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { printable } from '../core/printable.ts';
import type { BodyRefusal, HeldBody } from '../core/request-bodies.ts';
import type { Hook } from '../model/hook.ts';
import { parseHookToken } from '../model/hook-secret.ts';
import type { MirrorKey } from '../model/mirror.ts';
import type { ProjectContents } from '../model/records.ts';
import { checkProof, findHook, type Proof } from './check-proof.ts';
import { type Choice, chooseMirrors, mirrored } from './choose-mirrors.ts';
import type { Delivery, WebhookEvent } from './delivery.ts';
import type { NoteDelivery } from './delivery-notes.ts';
import { parsePayload } from './payload.ts';
import type { ProjectCache } from './project-cache.ts';
import { providerRegistry } from './provider-registry.ts';
import { webhookLimits } from './webhook-limits.ts';

export type RequestResult = 'queued' | 'merged' | 'ignored';
/** Asks for an update of each of these mirrors on behalf of `who` (the provider); `refs` = all that moved, undefined = any may have. Throws `storage_unavailable`. */
export type RequestRuns = (
  keys: readonly MirrorKey[],
  who: string,
  refs?: readonly string[] | undefined,
) => Promise<readonly RequestResult[]>;

export interface HandlingDeps {
  readonly cache: ProjectCache;
  readonly signingKey: () => Promise<string>;
  readonly noteDelivery: NoteDelivery;
  readonly requestRuns: RequestRuns;
  readonly clock: Clock;
  readonly log: Log;
}

/** `refused` = no such token, or no proof: the sender is not told which. `too_large`: not by its bytes, but by what parsing would take. */
export type DeliveryAnswer = { readonly status: RequestResult; readonly reason: string } | 'refused' | BodyRefusal;

/** What came, with its body still to be read. */
export interface IncomingDelivery {
  readonly token: string;
  header(name: string): string | undefined;
  /** Reads the body of a delivery for this project. */
  body(projectId: number): Promise<HeldBody | BodyRefusal>;
}

/**
 * The body is read only for a token that exists. Throws `storage_unavailable` or `secrets_unavailable` if the delivery could not be checked or recorded:
 * worth sending again.
 */
export async function handleDelivery(incoming: IncomingDelivery, deps: HandlingDeps): Promise<DeliveryAnswer> {
  const parsed = parseHookToken(incoming.token);
  const [signingKey, found] = await Promise.all([deps.signingKey(), parsed === undefined ? undefined : findFor(parsed, deps)]);
  if (found === undefined) {
    // The whole internet tries addresses.
    deps.log.write('info', 'delivery_refused', { project: parsed?.projectId, why: 'unknown_token' });
    return 'refused';
  }
  const body = await incoming.body(found.hook.projectId);
  if (typeof body === 'string') return body;
  try {
    return await handleBody({ header: incoming.header, body: body.bytes }, found, { ...deps, signingKey });
  } finally {
    body.release();
  }
}

interface FoundHook {
  readonly tokenHash: string;
  readonly hook: Hook;
  readonly contents: ProjectContents;
}

async function findFor(
  { projectId, tokenHash }: { readonly projectId: number; readonly tokenHash: string },
  { cache }: Pick<HandlingDeps, 'cache'>,
): Promise<FoundHook | undefined> {
  // The hook may be newer than what is remembered of its project.
  for (const maxAgeMs of [webhookLimits.contentsMs, webhookLimits.recheckMs]) {
    const contents = await cache.read(projectId, maxAgeMs);
    const hook = findHook(contents?.hooks ?? [], tokenHash);
    if (contents !== undefined && hook !== undefined) return { tokenHash, hook, contents };
  }
  return undefined;
}

async function handleBody(
  delivery: Delivery,
  found: FoundHook,
  { signingKey, cache, requestRuns, noteDelivery, clock, log }: Omit<HandlingDeps, 'signingKey'> & { readonly signingKey: string },
): Promise<DeliveryAnswer> {
  const read = (maxAgeMs: number): Promise<ProjectContents | undefined> => cache.read(found.hook.projectId, maxAgeMs);
  const check = (hook: Hook): Proof => checkProof(delivery, hook, { signingKey, now: clock.now() });
  let { hook, contents } = found;
  let proof = check(hook);
  if (proof === 'refused') {
    // Its secret may just have changed.
    const fresh = await read(webhookLimits.recheckMs);
    const freshHook = findHook(fresh?.hooks ?? [], found.tokenHash);
    if (fresh !== undefined && fresh !== contents && freshHook !== undefined) {
      [hook, contents] = [freshHook, fresh];
      proof = check(hook);
    }
  }
  if (proof === 'refused') {
    // A hook whose deliveries fail is somebody's mistake.
    log.write('warn', 'delivery_refused', { project: hook.projectId, hook: hook.id, provider: hook.provider, why: 'no_proof' });
    return 'refused';
  }
  if (proof === 'unsigned_ping')
    return { status: 'ignored', reason: 'the address is right; this test was not signed, so the secret is not tested' };

  const payload = parsePayload(delivery.body);
  const rules = providerRegistry[hook.provider];
  if (payload === 'too_large') {
    log.write('warn', 'delivery_refused', { project: hook.projectId, hook: hook.id, provider: hook.provider, why: 'too_many_values' });
    return 'too_large';
  }
  const event = payload.readable ? rules.readEvent(delivery, payload.value) : unreadable;
  const choice = payload.readable ? await choose(event, contents, read) : { of: null, keys: [], reason: 'the body is not JSON' };
  const [answer] = await Promise.all([ask(choice, { hook, refs: event.refs }, requestRuns), noteDelivery(hook, choice.of)]);
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
  { hook, refs }: { readonly hook: Hook; readonly refs: readonly string[] | undefined },
  requestRuns: RequestRuns,
): Promise<{ readonly status: RequestResult; readonly reason: string }> {
  if (keys.length === 0) return { status: 'ignored', reason: words(reason ?? 'no mirror is concerned') };
  const results = await requestRuns(keys, hook.provider, mirrored(refs));
  if (results.includes('queued'))
    return { status: 'queued', reason: keys.length === 1 ? 'the mirror will be updated' : 'the mirrors will be updated' };
  if (results.includes('merged')) return { status: 'merged', reason: 'an update that is already asked for will carry this' };
  return { status: 'ignored', reason: 'the mirrors are disabled, paused or deleted' };
}

/** What a stranger wrote, for an answer or a log. */
function words(text: string): string {
  return printable(text).slice(0, webhookLimits.wordsCharacters);
}
