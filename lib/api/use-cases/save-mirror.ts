/** Creates, changes and deletes mirrors: record, secret and first run belong together. */
import { isSameRepository, parseRepositoryUrl, type RepositoryUrl } from '../../git/transport/repository-url.ts';
import { type RequestDeps, requestRuns, updateNow } from '../../jobs/requests/request-run.ts';
import type { Mirror, MirrorKey, MirrorSettings } from '../../model/mirror.ts';
import type { ApiDeps } from '../api-deps.ts';
import { conflict, invalidField, notFound, projectNotFound } from '../http/api-error.ts';
import type { ProjectCall } from '../http/endpoint.ts';
import { type GivenRules, resolveRules } from '../input/mirror-rules.ts';
import { dropReplaced, dropSecret, withOwnSecret } from '../input/own-secret.ts';
import { type AddressChange, type GivenAddress, resolveAddress } from '../input/remote-address.ts';

export interface GivenMirror {
  readonly address: GivenAddress;
  readonly rules: GivenRules;
}

type SaveCall = Pick<ProjectCall<unknown>, 'deps' | 'project' | 'token'>;

/** With its first run asked for, if it is enabled. Refuses with 400, 409 (there is a pull mirror already). */
export async function createMirror(call: SaveCall, direction: 'push' | 'pull', given: GivenMirror): Promise<Mirror> {
  const { deps, project, token } = call;
  const rules = await resolveRules(given.rules, deps.guard);
  const change = await resolveAddress(given.address, undefined, token, deps);
  await checkPlace(call, direction, given.address.urlField, change.parsed);
  const now = deps.clock.now();
  const made = await withOwnSecret(
    { value: change.ownCredential, otherwise: change.address.credential, kind: 'mirror' },
    (credential) => deps.records.mirrors.create(project.id, direction, { ...rules, ...change.address, credential }, { now, dueAt: now }),
    (result) => result === undefined || result === 'exists',
    deps,
  );
  if (made === undefined) throw projectNotFound();
  if (made === 'exists') throw conflict('The project has a pull mirror already');
  await keepFirst(call, made, given.address.urlField);
  if (made.enabled) await startNow(call, made);
  return (await deps.records.mirrors.get(made)) ?? made;
}

/** A change of URL, credentials or host keys starts anew; so does enabling it. Refuses with 400, 404, 409 (what it depends on was changed meanwhile). */
export async function updateMirror(call: SaveCall, before: Mirror, given: GivenMirror): Promise<Mirror> {
  const { deps, token } = call;
  const rules = await resolveRules(given.rules, deps.guard, before);
  const change = await resolveAddress(given.address, before, token, deps);
  if (given.address.url !== undefined) await checkPlace(call, before.direction, given.address.urlField, change.parsed, before);
  const after = await withOwnSecret(
    { value: change.ownCredential, otherwise: change.address.credential, kind: 'mirror' },
    (credential) =>
      deps.records.mirrors.update(before, changesOf(before, { ...rules, ...change.address, credential }, change), {
        resetStatus: change.changed,
        basis: before,
      }),
    (result) => result === undefined || result === 'changed',
    deps,
  );
  if (after === 'changed')
    throw conflict('The mirror was changed by somebody else at the same time: nothing of this change is saved; read it again');
  if (after === undefined) throw notFound();
  await dropReplaced(before.credential, after.credential, deps);
  if (after.enabled && (change.changed || !before.enabled)) await startNow(call, after);
  return (await deps.records.mirrors.get(after)) ?? after;
}

/** Refuses with 404. */
export async function deleteMirror({ deps }: SaveCall, mirror: Mirror): Promise<void> {
  const gone = await deps.records.mirrors.delete(mirror);
  if (gone === undefined) throw notFound();
  await dropSecret(gone.credential, deps);
}

async function startNow({ deps, token }: SaveCall, mirror: Mirror): Promise<void> {
  await updateNow(mirror, { who: token.name, confirmDeletions: false }, requestDeps(deps));
}

/** Many at once, paused ones too: something about them was put right. */
export async function requestNow({ deps, token }: Pick<SaveCall, 'deps' | 'token'>, keys: readonly MirrorKey[]): Promise<void> {
  if (keys.length > 0) await requestRuns(keys, { trigger: { kind: 'manual', who: token.name }, resume: true }, requestDeps(deps));
}

export function requestDeps({ jobs, queue, records, clock, log }: ApiDeps): RequestDeps {
  return { jobs, queue, settings: records.settings, clock, log };
}

/** Only what differs is written, so that two calls about different settings do not undo each other. */
function changesOf(before: Mirror, wanted: MirrorSettings, { changed }: AddressChange): Partial<MirrorSettings> {
  const address = new Set(['url', 'authMethod', 'credential', 'hostKeys', 'publicKey']);
  const stored = new Map<string, unknown>(Object.entries(before));
  const differs = ([name, value]: [string, unknown]) => (address.has(name) ? changed : stored.get(name) !== value);
  return Object.fromEntries(Object.entries(wanted).filter(differs));
}

/** A mirror of a repository to itself, or twice to one place, is refused with 400 at `field`. */
export async function checkPlace(
  { deps, project }: SaveCall,
  direction: 'push' | 'pull',
  field: string,
  url: RepositoryUrl,
  self?: Mirror,
): Promise<void> {
  if (isAt(url, project.repositoryUrl)) throw invalidField(field, "is the project's own repository");
  if (direction === 'pull') return;
  const others = await deps.records.mirrors.ofProject(project.id);
  if (others.some((other) => other.direction === 'push' && other.id !== self?.id && isAt(url, other.url)))
    throw invalidField(field, 'is already a push mirror of this project');
}

/** Of several that were made at the same time for one repository, the first stays. Refuses with 400. */
async function keepFirst(call: SaveCall, made: Mirror, field: string): Promise<void> {
  if (made.direction === 'pull') return;
  const { url } = parseRepositoryUrl(made.url, field);
  const others = await call.deps.records.mirrors.ofProject(made.projectId);
  if (!others.some((other) => other.direction === 'push' && other.id < made.id && isAt(url, other.url))) return;
  await deleteMirror(call, made);
  throw invalidField(field, 'is already a push mirror of this project');
}

function isAt(url: RepositoryUrl, stored: string): boolean {
  return isSameRepository(url, parseRepositoryUrl(stored, 'url').url);
}

/** A project's repository must not be that of one of its mirrors. Refuses with 400. */
export function checkProjectPlace(url: RepositoryUrl, field: string, mirrors: readonly Mirror[]): void {
  if (mirrors.some((mirror) => isAt(url, mirror.url))) throw invalidField(field, 'is the repository of one of its mirrors');
}
