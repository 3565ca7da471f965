/** /projects/{id}/incoming_hooks: addresses and secrets with which Git hosts announce pushes. */
import { z } from 'zod';
import { type Hook, providers } from '../../model/hook.ts';
import { hookSecret, newHookToken } from '../../model/hook-secret.ts';
import { hashToken } from '../../model/token-hash.ts';
import type { ApiDeps } from '../api-deps.ts';
import { created, isoTime, isoTimeOrNull, noContent, ok, type Shown } from '../http/answer.ts';
import { badParameter, notFound, projectNotFound } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';
import { hasRole } from '../http/authenticate.ts';
import { type ProjectCall, projectEndpoint } from '../http/endpoint.ts';
import { choice } from '../http/fields.ts';
import { pageAnswer, pageInput, pageOfArray, pageRequest } from '../http/pagination.ts';

export const hookSchema = z
  .object({
    id: z.int(),
    project_id: z.int(),
    provider: z.enum(providers),
    url: z.string().optional().meta({ description: 'Whole when the hook is created, masked later on; not for reporters' }),
    created_at: z.iso.datetime(),
    last_delivery_at: z.iso.datetime().nullable(),
    last_delivery_of: z.enum(['project', 'upstream']).nullable(),
    silent_since: z.iso.datetime().nullable().meta({ description: 'Since when changes are found that it did not announce' }),
    previous_secret_valid_until: z.iso.datetime().nullable(),
  })
  .meta({ id: 'IncomingHook' });
export const hookWithSecretSchema = hookSchema
  .extend({ secret: z.string().meta({ description: 'Shown this once' }) })
  .meta({ id: 'IncomingHookWithSecret' });

const hookPath = '/projects/{id}/incoming_hooks/{hook_id}';

export const incomingHookEndpoints = {
  list: projectEndpoint(
    {
      method: 'GET',
      path: '/projects/{id}/incoming_hooks',
      summary: 'Hooks and whether their deliveries still come',
      role: 'reporter',
      input: pageInput,
      answers: { 200: z.array(hookSchema) },
    },
    async (call) => {
      const request = pageRequest(call.input);
      const page = pageOfArray(await call.deps.records.hooks.ofProject(call.project.id), request);
      return pageAnswer(
        call,
        request,
        page,
        page.items.map((hook) => shown(call, hook)),
      );
    },
  ),
  create: projectEndpoint(
    {
      method: 'POST',
      path: '/projects/{id}/incoming_hooks',
      summary: 'Make a hook; paste its url and secret at the provider',
      role: 'maintainer',
      input: z.object({ provider: choice(providers) }),
      answers: { 201: hookWithSecretSchema },
    },
    async (call) => {
      const { deps, project, input } = call;
      // Before anything is written: without it the hook would have no secret to show.
      const signingKey = await deps.secrets.signingKey();
      if ((await deps.records.hooks.ofProject(project.id)).length >= apiLimits.hooks)
        throw badParameter('provider', `is invalid: a project has at most ${apiLimits.hooks} hooks`);
      const token = newHookToken(project.id);
      const hook = await deps.records.hooks.create(project.id, { provider: input.provider, tokenHash: hashToken(token) }, deps.clock.now());
      if (hook === undefined) throw projectNotFound();
      return created({ ...shown(call, hook), url: hookUrl(deps, token), secret: hookSecret(signingKey, hook) });
    },
  ),
  show: projectEndpoint(
    { method: 'GET', path: hookPath, summary: 'A hook', role: 'reporter', input: z.object({}), answers: { 200: hookSchema } },
    async (call) => {
      const id = call.pathId('hook_id');
      const hook = (await call.deps.records.hooks.ofProject(call.project.id)).find((candidate) => candidate.id === id);
      if (hook === undefined) throw notFound();
      return ok(shown(call, hook));
    },
  ),
  renewSecret: projectEndpoint(
    {
      method: 'PUT',
      path: hookPath,
      summary: 'Make a new secret; the old one is valid for another day',
      role: 'maintainer',
      input: z.object({}),
      answers: { 200: hookWithSecretSchema },
    },
    async (call) => {
      const { deps, project } = call;
      const signingKey = await deps.secrets.signingKey();
      const hook = await deps.records.hooks.rotate(project.id, call.pathId('hook_id'), deps.clock.now() + apiLimits.previousSecretMs);
      if (hook === undefined) throw notFound();
      return ok({ ...shown(call, hook), secret: hookSecret(signingKey, hook) });
    },
  ),
  remove: projectEndpoint(
    { method: 'DELETE', path: hookPath, summary: 'Delete a hook', role: 'maintainer', input: z.object({}), answers: { 204: null } },
    async ({ deps, project, pathId }) => {
      if (!(await deps.records.hooks.delete(project.id, pathId('hook_id')))) throw notFound();
      return noContent;
    },
  ),
};

/** Only the hash of the token in the address is kept. */
function shown({ deps, token }: Pick<ProjectCall<unknown>, 'deps' | 'token'>, hook: Hook): Shown<typeof hookSchema> {
  const isValid = hook.previousUntil !== null && hook.previousUntil > deps.clock.now();
  return {
    id: hook.id,
    project_id: hook.projectId,
    provider: hook.provider,
    ...(hasRole(token, 'maintainer') ? { url: hookUrl(deps, '*****') } : {}),
    created_at: isoTime(hook.createdAt),
    last_delivery_at: isoTimeOrNull(hook.lastDeliveryAt),
    last_delivery_of: hook.lastDeliveryOf,
    silent_since: isoTimeOrNull(hook.silentSince),
    previous_secret_valid_until: isValid ? isoTimeOrNull(hook.previousUntil) : null,
  };
}

function hookUrl({ publicUrl }: Pick<ApiDeps, 'publicUrl'>, token: string): string {
  return `${publicUrl}/hooks/${token}`;
}
