/** Previews of a mirror whose settings are not saved: what its rules match at the source, and what its first run would do. */

import { z } from 'zod';
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { Turns } from '../../core/turns.ts';
import type { Credential } from '../../credentials/credential.ts';
import { passwordMethod } from '../../credentials/registry.ts';
import { branchPrefix, tagPrefix } from '../../git/ref-name.ts';
import type { SourceListing } from '../../jobs/list-source.ts';
import { rulesOf } from '../../jobs/runs/run-sync.ts';
import { unsavedSecret } from '../../jobs/runs/unsaved-secret.ts';
import { compileRules } from '../../mirror/rules.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Project } from '../../model/project.ts';
import type { Shown } from '../http/answer.ts';
import { ApiError, codedError, invalidField } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';
import type { ProjectCall } from '../http/endpoint.ts';
import { initialRules, resolveRules } from '../input/mirror-rules.ts';
import { type RemoteAddress, resolveAddress } from '../input/remote-address.ts';
import { planMirror, type planSchema } from './plan-mirror.ts';
import { checkPlace, type GivenMirror } from './save-mirror.ts';

const matchesSchema = z.object({
  total: z.int(),
  matched: z.int(),
  names: z.array(z.object({ name: z.string(), matched: z.boolean() })).meta({ description: 'The first 1,000, matched ones first' }),
});
export const previewSchema = z
  .object({ branches: matchesSchema, tags: matchesSchema, branch_filter: z.string().nullable() })
  .meta({ id: 'MirrorPreview' });

export interface UnsavedMirror extends GivenMirror {
  readonly direction: 'push' | 'pull';
  /** Completes what is given. */
  readonly stored: Mirror | undefined;
}

type PreviewCall = Pick<ProjectCall<unknown>, 'deps' | 'project' | 'token'>;

/** A push mirror's source is the project, so its URL need not be given. Refuses with 400, 409 in silent mode, 504. */
export async function previewUnsaved(call: PreviewCall, unsaved: UnsavedMirror): Promise<Shown<typeof previewSchema>> {
  const { deps, project } = call;
  const rules = await resolveRules(unsaved.rules, call.deps.guard, unsaved.stored);
  const { silentModeEnabled } = await deps.records.settings.get();
  if (silentModeEnabled) throw new ApiError(409, { message: 'Silent mode is on: no host is contacted', code: 'silent_mode' });
  const { settings, credential } = unsaved.direction === 'push' ? { settings: undefined } : await settingsOf(call, unsaved);
  const mirror = { ...blankMirror(project, unsaved), ...rules, ...settings };
  const listed = await deps.listSource({
    mirror,
    project,
    timeoutMs: apiLimits.answerMs,
    ...(credential === undefined ? {} : { credential }),
  });
  if ('error' in listed) throw codedError(listed.error.code === 'deadline_exceeded' ? 504 : 400, listed.error);
  const compiled = await compileRules(rulesOf({ mirror, project, confirmDeletions: false, maxDeletionsPercent: 100 }));
  await compiled.prepare(fullNames(listed)).catch((error: unknown) => {
    throw error instanceof GitferryError ? codedError(400, error) : error;
  });
  return {
    branches: await matches(listed.branches, compiled.branchMatches),
    tags: await matches(listed.tags, compiled.tagMatches),
    branch_filter: compiled.branchFilter ?? null,
  };
}

/** With the roles, addresses and places that saving asks for. Refuses as saving and `planMirror` do. */
export async function planUnsaved(call: PreviewCall, unsaved: UnsavedMirror): Promise<Shown<typeof planSchema>> {
  const rules = await resolveRules(unsaved.rules, call.deps.guard, unsaved.stored);
  const { settings, credential } = await settingsOf(call, unsaved);
  return planMirror(call, { ...blankMirror(call.project, unsaved), ...rules, ...settings }, credential);
}

async function settingsOf(
  call: PreviewCall,
  { direction, address, stored }: UnsavedMirror,
): Promise<{ readonly settings: RemoteAddress; readonly credential?: Credential }> {
  const change = await resolveAddress(address, stored, call.token, call.deps);
  if (address.url !== undefined) await checkPlace(call, direction, 'url', change.parsed, stored);
  const { ownCredential: credential } = change;
  if (credential?.publicKey !== undefined && credential.publicKey !== stored?.publicKey)
    throw invalidField('auth_method', 'makes a new key, which the host does not know yet: save, give it the public key, then ask again');
  return credential === undefined
    ? { settings: change.address }
    : { settings: { ...change.address, credential: unsavedSecret }, credential };
}

/** Made one by one: the long list of a repository is not there twice, nor made at once. */
function fullNames({ branches, tags }: SourceListing): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      for (const name of branches) yield branchPrefix + name;
      for (const name of tags) yield tagPrefix + name;
    },
  };
}

/** In short turns, so that nobody waits for a long list. */
async function matches(names: readonly string[], fits: (name: string) => boolean): Promise<Shown<typeof matchesSchema>> {
  const turns = new Turns(limits.turnMs);
  const [fitting, others]: [string[], string[]] = [[], []];
  let matched = 0;
  for (const name of names) {
    const isMatched = fits(name);
    if (isMatched) matched++;
    const shown = isMatched ? fitting : others;
    if (shown.length < apiLimits.previewNames) shown.push(name);
    const pause = turns.pause();
    if (pause !== undefined) await pause;
  }
  const all = [...fitting.map((name) => ({ name, matched: true })), ...others.map((name) => ({ name, matched: false }))];
  return { total: names.length, matched, names: all.slice(0, apiLimits.previewNames) };
}

/** Nothing of it is ever written. */
function blankMirror(project: Project, { direction, stored }: UnsavedMirror): Mirror {
  return (
    stored ?? {
      projectId: project.id,
      mirror: direction === 'pull' ? 'pull' : 0,
      id: 0,
      direction,
      createdAt: 0,
      ...initialRules,
      url: project.repositoryUrl,
      authMethod: passwordMethod,
      credential: null,
      hostKeys: [],
      publicKey: null,
      updateStatus: 'none',
      lastUpdateStartedAt: null,
      lastUpdateAt: null,
      lastSuccessfulUpdateAt: null,
      lastError: null,
      lastRun: null,
      paused: false,
      failedRuns: 0,
      failingSince: null,
      attempts: 0,
      heldBackDeletions: 0,
      requestedSeq: 0,
      doneSeq: 0,
      startedSeq: 0,
      queuedAt: null,
      queuedFor: null,
      queuedTrigger: null,
      waiting: null,
      dueAt: null,
      leaseToken: null,
      leaseBeat: 0,
      runTrigger: null,
      runConfirmDeletions: false,
    }
  );
}
