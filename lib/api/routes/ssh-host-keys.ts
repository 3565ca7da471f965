/** /ssh_host_keys/detect: the keys that a server offers. */
import { z } from 'zod';
import { ok } from '../http/answer.ts';
import { requireRole } from '../http/authenticate.ts';
import { instanceEndpoint } from '../http/endpoint.ts';
import { urlField } from '../input/address-input.ts';
import { detectedKeysSchema, detectForApi } from '../use-cases/detect-for-api.ts';

export const sshHostKeyEndpoints = {
  detect: instanceEndpoint(
    {
      method: 'POST',
      path: '/ssh_host_keys/detect',
      summary: 'The keys that a server offers, to be verified by a person (maintainer)',
      input: z.object({ url: urlField() }),
      answers: { 200: detectedKeysSchema },
      mayTimeOut: true,
    },
    async ({ deps, input, token }) => {
      requireRole(token, 'maintainer');
      return ok(await detectForApi(input.url, deps));
    },
  ),
};
