/** /projects/{id}/remote_mirrors: push mirrors. */
import { z } from 'zod';
import { updateNow } from '../../jobs/requests/request-run.ts';
import type { Mirror } from '../../model/mirror.ts';
import { created, noContent, ok } from '../http/answer.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { type ProjectCall, projectEndpoint } from '../http/endpoint.ts';
import { flag } from '../http/fields.ts';
import { pageAnswer, pageInput, pageOfArray, pageRequest } from '../http/pagination.ts';
import { givenAddress, signInFields, urlField } from '../input/address-input.ts';
import { givenPushRules, givenRules, pushRuleFields, ruleFields } from '../input/mirror-rules.ts';
import { pushMirrorSchema, showPushMirror, stateOfInstance } from '../output/show-mirror.ts';
import { planMirror, planSchema } from '../use-cases/plan-mirror.ts';
import { createMirror, deleteMirror, type GivenMirror, requestDeps, updateMirror } from '../use-cases/save-mirror.ts';

const settings = { ...signInFields, ...ruleFields, ...pushRuleFields };
const changes = z.object({ ...settings, url: urlField().optional() });
const mirrorPath = '/projects/{id}/remote_mirrors/{mirror_id}';

const update = async (call: ProjectCall<z.output<typeof changes>>) => {
  const { input, token } = call;
  return ok(showPushMirror(await updateMirror(call, await pushMirrorOf(call), given(input.url, input)), token, call.project));
};

export const remoteMirrorEndpoints = {
  list: projectEndpoint(
    {
      method: 'GET',
      path: '/projects/{id}/remote_mirrors',
      summary: 'Push mirrors',
      role: 'reporter',
      input: pageInput,
      answers: { 200: z.array(pushMirrorSchema) },
    },
    async (call) => {
      const request = pageRequest(call.input);
      const [mirrors, state] = await Promise.all([call.deps.records.mirrors.ofProject(call.project.id), stateOfInstance(call)]);
      const page = pageOfArray(
        mirrors.filter(({ direction }) => direction === 'push'),
        request,
      );
      return pageAnswer(
        call,
        request,
        page,
        page.items.map((mirror) => showPushMirror(mirror, call.token, call.project, state)),
      );
    },
  ),
  create: projectEndpoint(
    {
      method: 'POST',
      path: '/projects/{id}/remote_mirrors',
      summary: 'Create a push mirror; its first run starts at once unless it is disabled',
      role: 'maintainer',
      input: z.object({ ...settings, url: urlField() }),
      answers: { 201: pushMirrorSchema },
    },
    async (call) => {
      const { input, token } = call;
      return created(showPushMirror(await createMirror(call, 'push', given(input.url, input)), token, call.project));
    },
  ),
  show: projectEndpoint(
    {
      method: 'GET',
      path: mirrorPath,
      summary: 'A push mirror',
      role: 'reporter',
      input: z.object({}),
      answers: { 200: pushMirrorSchema },
    },
    async (call) => ok(showPushMirror(await pushMirrorOf(call), call.token, call.project, await stateOfInstance(call))),
  ),
  change: projectEndpoint(
    {
      method: 'PUT',
      path: mirrorPath,
      summary: 'Change a push mirror',
      role: 'maintainer',
      input: changes,
      answers: { 200: pushMirrorSchema },
    },
    update,
  ),
  changeByPost: projectEndpoint(
    {
      method: 'POST',
      path: mirrorPath,
      summary: 'Change a push mirror (as some clients send it)',
      role: 'maintainer',
      input: changes,
      answers: { 200: pushMirrorSchema },
    },
    update,
  ),
  remove: projectEndpoint(
    {
      method: 'DELETE',
      path: mirrorPath,
      summary: 'Delete a push mirror',
      role: 'maintainer',
      input: z.object({}),
      answers: { 204: null },
    },
    async (call) => {
      await deleteMirror(call, await pushMirrorOf(call));
      return noContent;
    },
  ),
  start: projectEndpoint(
    {
      method: 'POST',
      path: `${mirrorPath}/sync`,
      summary: 'Update now',
      role: 'maintainer',
      input: z.object({ confirm_deletions: flag().optional() }),
      answers: { 204: null },
    },
    async (call) => {
      const { deps, input, token } = call;
      const mirror = await pushMirrorOf(call);
      const answer = await updateNow(mirror, { who: token.name, confirmDeletions: input.confirm_deletions ?? false }, requestDeps(deps));
      if (answer === undefined) throw notFound();
      if (answer.status === 'disabled') throw new ApiError(400, { message: disabled });
      return noContent;
    },
  ),
  plan: projectEndpoint(
    {
      method: 'GET',
      path: `${mirrorPath}/plan`,
      summary: 'What a run would do',
      role: 'maintainer',
      input: z.object({}),
      answers: { 200: planSchema },
      mayTimeOut: true,
    },
    async (call) => ok(await planMirror(call, await pushMirrorOf(call))),
  ),
};

const disabled = 'Cannot proceed with the push mirroring. Please verify your mirror configuration. The mirror is disabled.';

/** Of this project; refuses with 400 or 404. */
export async function pushMirrorOf({ deps, project, pathId }: Pick<ProjectCall<unknown>, 'deps' | 'project' | 'pathId'>): Promise<Mirror> {
  const mirror = await deps.records.mirrors.get({ projectId: project.id, mirror: pathId('mirror_id') });
  if (mirror === undefined) throw notFound();
  return mirror;
}

function given(url: string | undefined, input: Omit<z.output<typeof changes>, 'url'>): GivenMirror {
  return { address: givenAddress('url', url, input), rules: { ...givenRules(input), ...givenPushRules(input) } };
}
