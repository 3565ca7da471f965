/** /projects/{id}/mirror/preview and mirror_plan: what settings that are not saved yet would match and do. Nothing is stored. */
import { z } from 'zod';
import { ok } from '../http/answer.ts';
import { badParameter } from '../http/api-error.ts';
import { type ProjectCall, projectEndpoint } from '../http/endpoint.ts';
import { choice, flag, idField } from '../http/fields.ts';
import { givenAddress, signInFields, urlField } from '../input/address-input.ts';
import { givenPushRules, givenRules, pushRuleFields, ruleFields } from '../input/mirror-rules.ts';
import { planSchema } from '../use-cases/plan-mirror.ts';
import { planUnsaved, previewSchema, previewUnsaved, type UnsavedMirror } from '../use-cases/preview-mirror.ts';
import { pushMirrorOf } from './remote-mirrors.ts';

const input = z.object({
  ...signInFields,
  ...ruleFields,
  direction: choice(['push', 'pull']),
  mirror_id: idField().optional().meta({ description: 'A push mirror whose settings complete the given ones' }),
  url: urlField().optional(),
  ...pushRuleFields,
  mirror_overwrites_diverged_branches: flag().optional(),
});

export const mirrorPreviewEndpoints = {
  preview: projectEndpoint(
    {
      method: 'POST',
      path: '/projects/{id}/mirror/preview',
      summary: 'Which branches and tags the given settings match now; nothing is stored',
      role: 'maintainer',
      input,
      answers: { 200: previewSchema },
      mayTimeOut: true,
    },
    async (call) => ok(await previewUnsaved(call, await unsaved(call))),
  ),
  plan: projectEndpoint(
    {
      method: 'POST',
      path: '/projects/{id}/mirror/plan',
      summary: 'What a run with the given settings would do; nothing is stored',
      role: 'maintainer',
      input,
      answers: { 200: planSchema },
      mayTimeOut: true,
    },
    async (call) => ok(await planUnsaved(call, await unsaved(call))),
  ),
};

/** A project's one pull mirror completes what is given for it by itself. */
async function unsaved(call: ProjectCall<z.output<typeof input>>): Promise<UnsavedMirror> {
  const { deps, project, input: given } = call;
  const { direction, mirror_id: mirrorId } = given;
  if (direction === 'pull' && mirrorId !== undefined) throw badParameter('mirror_id', 'goes with direction push');
  const stored =
    direction === 'pull'
      ? await deps.records.mirrors.get({ projectId: project.id, mirror: 'pull' })
      : mirrorId === undefined
        ? undefined
        : await pushMirrorOf({ deps, project, pathId: () => mirrorId });
  return {
    direction,
    stored,
    address: givenAddress('url', given.url, given),
    rules: {
      ...givenRules(given),
      ...givenPushRules(given),
      mirrorOverwritesDivergedBranches: given.mirror_overwrites_diverged_branches,
    },
  };
}
