/** /personal_access_tokens: who may call the API. A token's value is shown once and kept as a hash. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type AccessToken, deploymentTokenId, roles } from '../../model/access-token.ts';
import { hashToken } from '../../model/token-hash.ts';
import type { ApiDeps } from '../api-deps.ts';
import { created, isoTime, isoTimeOrNull, noContent, ok, type Shown } from '../http/answer.ts';
import { badParameter, conflict, invalidField, notFound } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';
import { isValid } from '../http/authenticate.ts';
import { type Call, instanceEndpoint } from '../http/endpoint.ts';
import { choice, idField, line, text } from '../http/fields.ts';
import { idPageAnswer, idPageInput, idPageRequest } from '../http/pagination.ts';

export const tokenSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    role: z.enum(roles),
    projects: z.array(z.int()).nullable().meta({ description: 'null = all' }),
    active: z.boolean(),
    revoked: z.boolean(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'PersonalAccessToken' });
const newTokenSchema = tokenSchema
  .extend({ token: z.string().meta({ description: 'Shown this once' }) })
  .meta({ id: 'NewPersonalAccessToken' });

const one = '/personal_access_tokens/{token_id}';

export const tokenEndpoints = {
  list: instanceEndpoint(
    {
      method: 'GET',
      path: '/personal_access_tokens',
      summary: 'Tokens',
      role: 'owner',
      input: idPageInput,
      answers: { 200: z.array(tokenSchema) },
    },
    async (call) => {
      const request = idPageRequest(call.input);
      const page = await call.deps.records.tokens.list(request);
      return idPageAnswer(
        call,
        request,
        page,
        page.items.map((token) => shown(token, call.deps)),
      );
    },
  ),
  create: instanceEndpoint(
    {
      method: 'POST',
      path: '/personal_access_tokens',
      summary: 'Make a token',
      role: 'owner',
      input: z.object({
        name: line(255),
        role: choice(roles),
        projects: z
          .preprocess(
            (value) => (typeof value === 'string' ? [value] : value),
            z.array(idField()).min(1).max(apiLimits.tokenProjects).nullable(),
          )
          .optional(),
        expires_at: text(40).nullable().optional().meta({ description: 'A date or a time, ISO 8601', example: '2031-01-31' }),
      }),
      ignored: ['scopes', 'user_id', 'description'],
      answers: { 201: newTokenSchema },
    },
    async ({ deps, input }) => {
      const now = deps.clock.now();
      const expiresAt = expiryOf(input.expires_at ?? null, now);
      const projectIds = input.projects == null ? null : [...new Set(input.projects)];
      for (const id of projectIds ?? []) {
        if ((await deps.records.projects.get(id)) === undefined) throw invalidField('projects', `${id} does not exist`);
      }
      const value = `gf_${randomBytes(32).toString('base64url')}`;
      const { name, role } = input;
      const token = await deps.records.tokens.create({ name, role, projectIds, expiresAt, createdAt: now, tokenHash: hashToken(value) });
      return created({ ...shown(token, deps), token: value });
    },
  ),
  showSelf: instanceEndpoint(
    {
      method: 'GET',
      path: '/personal_access_tokens/self',
      summary: 'The token of this call',
      input: z.object({}),
      answers: { 200: tokenSchema },
    },
    async ({ deps, token }) => ok(shown(token, deps)),
  ),
  removeSelf: instanceEndpoint(
    {
      method: 'DELETE',
      path: '/personal_access_tokens/self',
      summary: 'Give up the token of this call',
      input: z.object({}),
      answers: { 204: null },
    },
    async ({ deps, token }) => remove(deps, token, token),
  ),
  show: instanceEndpoint(
    { method: 'GET', path: one, summary: 'A token', role: 'owner', input: z.object({}), answers: { 200: tokenSchema } },
    async (call) => ok(shown(await tokenOf(call), call.deps)),
  ),
  remove: instanceEndpoint(
    { method: 'DELETE', path: one, summary: 'Delete a token', role: 'owner', input: z.object({}), answers: { 204: null } },
    async (call) => remove(call.deps, await tokenOf(call), call.token),
  ),
};

async function tokenOf({ deps, pathId }: Pick<Call<unknown>, 'deps' | 'pathId'>): Promise<AccessToken> {
  const token = await deps.records.tokens.get(pathId('token_id'));
  if (token === undefined) throw notFound();
  return token;
}

/** A caller who deletes another's token is an owner who stays. */
async function remove(deps: ApiDeps, token: AccessToken, caller: AccessToken) {
  if (token.id === deploymentTokenId) throw conflict('This token came with the deployment: change its secret in Secrets Manager instead');
  // Who signs in at a provider holds no token: without one, nobody could come in while that is down.
  const isOwn = token.id === caller.id || caller.person !== undefined;
  if (isOwn && isFullOwner(token, deps) && !(await hasOtherOwner(deps, token.id)))
    throw conflict('This is the last token of an owner: without it nobody could manage this instance');
  if (!(await deps.records.tokens.delete(token.id))) throw notFound();
  return noContent;
}

function isFullOwner(token: AccessToken, { clock }: ApiDeps): boolean {
  return token.role === 'owner' && token.projectIds === null && isValid(token, clock.now());
}

async function hasOtherOwner(deps: ApiDeps, id: number): Promise<boolean> {
  let border = 0;
  for (;;) {
    const { items, hasNext } = await deps.records.tokens.list({ page: 1, perPage: 100, sort: 'asc', idAfter: border });
    if (items.some((token) => token.id !== id && isFullOwner(token, deps))) return true;
    const last = items.at(-1);
    if (!hasNext || last === undefined) return false;
    border = last.id;
  }
}

/** A date is its first moment in UTC, as with GitLab. Refuses with 400 what has passed. */
function expiryOf(given: string | null, now: number): number | null {
  if (given === null || given === '') return null;
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(given);
  const time = isTime ? Date.parse(given) : Number.NaN;
  // Date.parse takes 30 February for the 2nd of March.
  if (Number.isNaN(time) || new Date(`${given.slice(0, 10)}T00:00:00Z`).toISOString().slice(0, 10) !== given.slice(0, 10))
    throw badParameter('expires_at', 'is invalid');
  if (time <= now) throw invalidField('expires_at', 'must be in the future');
  return time;
}

function shown(token: AccessToken, { clock }: ApiDeps): Shown<typeof tokenSchema> {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    projects: token.projectIds,
    active: isValid(token, clock.now()),
    revoked: false,
    created_at: isoTime(token.createdAt),
    expires_at: isoTimeOrNull(token.expiresAt),
  };
}
