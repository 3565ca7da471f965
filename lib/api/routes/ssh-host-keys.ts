/** /ssh_host_keys/detect: the keys that a server offers. */
import { z } from '@hono/zod-openapi';
import { GitferryError } from '../../core/errors.ts';
import { urlField } from '../address-input.ts';
import { codedError } from '../api-error.ts';
import { requireRole } from '../authenticate.ts';
import { instanceEndpoint } from '../endpoint.ts';

export const sshHostKeyEndpoints = [
  instanceEndpoint(
    {
      method: 'POST',
      path: '/ssh_host_keys/detect',
      summary: 'The keys that a server offers, to be verified by a person (maintainer)',
      input: z.object({ url: urlField() }),
      answers: { 200: z.unknown() },
    },
    async ({ token }) => {
      requireRole(token, 'maintainer');
      throw codedError(501, new GitferryError('ssh_unavailable'));
    },
  ),
];
