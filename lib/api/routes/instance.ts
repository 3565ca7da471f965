/** /user and /version: what clients ask before anything else. */
import { z } from 'zod';
import { commit, version } from '../../core/version.ts';
import { roles } from '../../model/access-token.ts';
import { isoTime, ok } from '../http/answer.ts';
import { instanceEndpoint } from '../http/endpoint.ts';

/** The GitLab whose calls these are; clients compare it. */
const gitlabVersion = '17.6.0';

const userSchema = z
  .object({
    id: z.int(),
    username: z.string(),
    name: z.string(),
    state: z.string(),
    is_admin: z.boolean(),
    role: z.enum(roles),
    projects: z.array(z.int()).nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'User' });

export const instanceEndpoints = {
  user: instanceEndpoint(
    { method: 'GET', path: '/user', summary: 'Whom the token stands for', input: z.object({}), answers: { 200: userSchema } },
    async ({ token }) =>
      ok({
        id: token.id,
        username: token.name,
        name: token.name,
        state: 'active',
        is_admin: token.role === 'owner' && token.projectIds === null,
        role: token.role,
        projects: token.projectIds,
        created_at: isoTime(token.createdAt),
      }),
  ),
  version: instanceEndpoint(
    {
      method: 'GET',
      path: '/version',
      summary: 'Versions',
      input: z.object({}),
      answers: { 200: z.object({ version: z.string(), revision: z.string(), enterprise: z.boolean(), gitferry: z.string() }) },
    },
    async () => ok({ version: `${gitlabVersion}-gitferry`, revision: commit, enterprise: false, gitferry: version }),
  ),
};
