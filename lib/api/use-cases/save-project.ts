/** Creates, changes and deletes projects, with their secrets and with what a change means for their mirrors. */

import type { Mirror } from '../../model/mirror.ts';
import type { Project, ProjectSettings } from '../../model/project.ts';
import type { ApiDeps } from '../api-deps.ts';
import { conflict, invalidField, projectNotFound } from '../http/api-error.ts';
import type { Call, ProjectCall } from '../http/endpoint.ts';
import { reservedWords } from '../http/route-path.ts';
import { dropReplaced, dropSecret, withOwnSecret } from '../input/own-secret.ts';
import { type GivenAddress, type RemoteAddress, resolveAddress } from '../input/remote-address.ts';
import { deleteChannelsOf } from './save-channel.ts';
import { checkProjectPlace, requestNow } from './save-mirror.ts';

/** The words of GitLab for a path that is in use. */
const taken = () => invalidField('path', 'has already been taken');

/** Refuses with 400. */
export async function createProject(call: Pick<Call<unknown>, 'deps' | 'token'>, path: string, given: GivenAddress): Promise<Project> {
  const { deps, token } = call;
  checkPath(path);
  const { address, ownCredential } = await resolveAddress(given, undefined, token, deps);
  const made = await withOwnSecret(
    { value: ownCredential, otherwise: address.credential, kind: 'project' },
    (credential) => deps.records.projects.create({ path, ...settingsOf(address), credential }, deps.clock.now()),
    (result) => result === undefined,
    deps,
  );
  if (made === undefined) throw taken();
  return made;
}

/** A change of URL, credentials or host keys resets all its mirrors and asks for their runs. Refuses with 400. */
export async function updateProject(
  call: Pick<ProjectCall<unknown>, 'deps' | 'token' | 'project'>,
  path: string | undefined,
  given: GivenAddress,
): Promise<Project> {
  const { deps, token, project: before } = call;
  if (path !== undefined) checkPath(path);
  const stored = { ...before, url: before.repositoryUrl };
  const { address, ownCredential, changed, parsed } = await resolveAddress(given, stored, token, deps);
  const mirrors = changed ? await deps.records.mirrors.ofProject(before.id) : [];
  if (given.url !== undefined) checkProjectPlace(parsed, given.urlField, mirrors);
  const after = await withOwnSecret(
    { value: ownCredential, otherwise: address.credential, kind: 'project' },
    (credential) =>
      deps.records.projects.update(
        before.id,
        { ...(path === undefined ? {} : { path }), ...(changed ? { ...settingsOf(address), credential } : {}) },
        before,
      ),
    (result) => result === undefined || typeof result === 'string',
    deps,
  );
  if (after === 'changed')
    throw conflict('The project was changed by somebody else at the same time: nothing of this change is saved; read it again');
  if (after === 'path_taken') throw taken();
  if (after === undefined) throw projectNotFound();
  await dropReplaced(before.credential, after.credential, deps);
  await requestNow(call, await resetMirrors(mirrors, deps));
  return after;
}

/** Resolves with those that are enabled. */
export async function resetMirrors(mirrors: readonly Mirror[], { records }: Pick<ApiDeps, 'records'>): Promise<readonly Mirror[]> {
  const reset = await Promise.all(mirrors.map((mirror) => records.mirrors.update(mirror, {}, { resetStatus: true })));
  return reset.flatMap((mirror) => (mirror?.enabled === true ? mirror : []));
}

function settingsOf({ url, authMethod, hostKeys, publicKey }: RemoteAddress): Omit<ProjectSettings, 'path' | 'credential'> {
  return { repositoryUrl: url, authMethod, hostKeys, publicKey };
}

/** With its mirrors, hooks, channels and their secrets. */
export async function deleteProject({ deps, project }: Pick<ProjectCall<unknown>, 'deps' | 'project'>): Promise<void> {
  const gone = await deps.records.projects.delete(project.id);
  if (gone === undefined) throw projectNotFound();
  for (const { credential } of [gone.project, ...gone.mirrors]) await dropSecret(credential, deps);
  await deleteChannelsOf(project.id, deps);
}

const segment = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/** GitLab's rules, and no word that a route uses. */
function checkPath(path: string): void {
  const segments = path.split('/');
  if (segments.length < 2) throw invalidField('path', 'must be of the form group/name');
  if (!segments.every((word) => segment.test(word) && !/\.(git|atom)?$/i.test(word)))
    throw invalidField(
      'path',
      "can contain only letters, digits, '_', '-' and '.', cannot start with '-' or '.', and cannot end in '.', '.git' or '.atom'",
    );
  const reserved = segments.find((word) => reservedWords.includes(word.toLowerCase()));
  if (reserved !== undefined) throw invalidField('path', `'${reserved}' is a reserved name`);
}
