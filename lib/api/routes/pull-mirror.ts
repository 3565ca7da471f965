/** /projects/{id}/mirror/pull: a project's pull mirror, as GitLab has it. */
import { z } from 'zod';
import { updateNow } from '../../jobs/requests/request-run.ts';
import type { Mirror } from '../../model/mirror.ts';
import { created, isoTimeOrNull, noContent, ok } from '../http/answer.ts';
import { ApiError, badParameter } from '../http/api-error.ts';
import { type ProjectCall, projectEndpoint } from '../http/endpoint.ts';
import { flag } from '../http/fields.ts';
import { givenAddress, oneOf, signInFields, urlField } from '../input/address-input.ts';
import { givenRules, ruleFields } from '../input/mirror-rules.ts';
import { pullMirrorSchema, showPullMirror, stateOfInstance } from '../output/show-mirror.ts';
import { planMirror, planSchema } from '../use-cases/plan-mirror.ts';
import { createMirror, deleteMirror, type GivenMirror, requestDeps, updateMirror } from '../use-cases/save-mirror.ts';

const path = '/projects/{id}/mirror/pull';

const settings = z.object({
  ...signInFields,
  ...ruleFields,
  url: urlField().optional(),
  only_mirror_protected_branches: flag().nullable().optional(),
  mirror_overwrites_diverged_branches: flag().optional(),
});
/** GitLab's older names, which createPullMirror of gitbeaker sends. */
const settingsOrStart = settings.extend({
  import_url: urlField().optional(),
  mirror: flag().optional(),
  force: flag().optional(),
  confirm_deletions: flag().optional(),
});
type Settings = z.output<typeof settings>;

/** When the update that was asked for starts. */
const startSchema = z.object({
  message: z.string(),
  status: z.enum(['queued', 'scheduled', 'running']),
  next_run_at: z.iso.datetime().nullable(),
});

const ignored = ['mirror_trigger_builds', 'mirror_user_id'];

export const pullMirrorEndpoints = {
  show: projectEndpoint(
    { method: 'GET', path, summary: 'The pull mirror', role: 'reporter', input: z.object({}), answers: { 200: pullMirrorSchema } },
    async (call) => ok(showPullMirror(await pullMirrorOf(call), call.token, call.project, await stateOfInstance(call))),
  ),
  change: projectEndpoint(
    {
      method: 'PUT',
      path,
      summary: 'Configure the pull mirror',
      role: 'maintainer',
      input: settings,
      ignored,
      answers: { 200: pullMirrorSchema },
    },
    async (call) => ok((await configure(call, given(call.input.url, 'url', call.input.enabled, call.input))).body),
  ),
  changeOrStart: projectEndpoint(
    {
      method: 'POST',
      path,
      summary: 'With a URL: configure the pull mirror. Without: update now',
      role: 'maintainer',
      input: settingsOrStart,
      ignored: [...ignored, 'action'],
      answers: {
        200: z.union([pullMirrorSchema, startSchema]),
        201: pullMirrorSchema,
      },
    },
    async (call) => {
      const { input } = call;
      const url = oneOf('url', input.url, 'import_url', input.import_url);
      if (url !== undefined) {
        const enabled = oneOf('enabled', input.enabled, 'mirror', input.mirror);
        return configure(call, given(url, input.url === undefined ? 'import_url' : 'url', enabled, input));
      }
      const { force = false, confirm_deletions: confirmDeletions = false, ...others } = input;
      const [stray] = Object.keys(others);
      if (stray !== undefined) throw badParameter(stray, `goes with url, or with PUT`);
      return start(call, force, confirmDeletions);
    },
  ),
  remove: projectEndpoint(
    { method: 'DELETE', path, summary: 'Delete the pull mirror', role: 'maintainer', input: z.object({}), answers: { 204: null } },
    async (call) => {
      await deleteMirror(call, await pullMirrorOf(call));
      return noContent;
    },
  ),
  plan: projectEndpoint(
    {
      method: 'GET',
      path: `${path}/plan`,
      summary: 'What a run would do',
      role: 'maintainer',
      input: z.object({}),
      answers: { 200: planSchema },
      mayTimeOut: true,
    },
    async (call) => ok(await planMirror(call, await pullMirrorOf(call))),
  ),
};

type PullCall = Pick<ProjectCall<unknown>, 'deps' | 'project' | 'token'>;

/** 400 in GitLab's words if there is none. */
export async function pullMirrorOf({ deps, project }: Pick<PullCall, 'deps' | 'project'>): Promise<Mirror> {
  const mirror = await deps.records.mirrors.get({ projectId: project.id, mirror: 'pull' });
  if (mirror === undefined) throw new ApiError(400, { message: 'The project is not mirrored' });
  return mirror;
}

async function configure(call: PullCall, wanted: GivenMirror) {
  const before = await call.deps.records.mirrors.get({ projectId: call.project.id, mirror: 'pull' });
  if (before === undefined) return created(showPullMirror(await createMirror(call, 'pull', wanted), call.token, call.project));
  return ok(showPullMirror(await updateMirror(call, before, wanted), call.token, call.project));
}

async function start(call: PullCall, force: boolean, confirmDeletions: boolean) {
  const { deps, token } = call;
  const mirror = await pullMirrorOf(call);
  if (mirror.paused && mirror.enabled && !force)
    throw new ApiError(403, { message: 'Mirroring for the project is on pause. Send force=true to resume it.' });
  const answer = await updateNow(mirror, { who: token.name, confirmDeletions }, requestDeps(deps));
  if (answer === undefined) throw new ApiError(400, { message: 'The project is not mirrored' });
  if (answer.status === 'disabled') throw new ApiError(400, { message: 'The project is not mirrored: its pull mirror is disabled' });
  return ok({ message: messages[answer.status], status: answer.status, next_run_at: isoTimeOrNull(answer.nextRunAt) });
}

const messages = {
  queued: 'The update starts now',
  scheduled: 'The update is scheduled',
  running: 'The project is being updated already; one more update follows',
} as const;

function given(url: string | undefined, urlFieldName: string, enabled: boolean | undefined, input: Settings): GivenMirror {
  const onlyProtected = oneOf(
    'only_mirror_protected_branches',
    // GitLab shows null for "not set", and clients send back what they were shown.
    input.only_mirror_protected_branches === null ? false : input.only_mirror_protected_branches,
    'only_protected_branches',
    input.only_protected_branches,
  );
  return {
    address: givenAddress(urlFieldName, url, input),
    rules: {
      ...givenRules(input),
      enabled,
      onlyProtectedBranches: onlyProtected,
      mirrorOverwritesDivergedBranches: input.mirror_overwrites_diverged_branches,
    },
  };
}
