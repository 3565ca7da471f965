/** /ssh_host_keys/detect: the keys that a server offers. */
import { z } from 'zod';
import { ok } from '../http/answer.ts';
import { requireRole } from '../http/authenticate.ts';
import { instanceEndpoint } from '../http/endpoint.ts';
import { urlField } from '../input/address-input.ts';
import { detectForApi } from '../use-cases/detect-for-api.ts';

const fingerprintSchema = z.object({
  type: z.string().meta({ example: 'ssh-ed25519' }),
  label: z.string().meta({ example: 'ED25519' }),
  bits: z.int(),
  md5: z.string(),
  sha256: z.string(),
  known_hosts: z.string().meta({ description: 'The line of this key' }),
});

const schema = z
  .object({
    host: z.string(),
    port: z.int(),
    known_hosts: z.string().meta({ description: 'One line per key: to be given as host_keys once somebody has compared the fingerprints' }),
    fingerprints: z.array(fingerprintSchema),
  })
  .meta({ id: 'DetectedHostKeys' });

export const sshHostKeyEndpoints = [
  instanceEndpoint(
    {
      method: 'POST',
      path: '/ssh_host_keys/detect',
      summary: 'The keys that a server offers, to be verified by a person (maintainer)',
      input: z.object({ url: urlField() }),
      answers: { 200: schema, 504: null },
    },
    async ({ deps, input, token }) => {
      requireRole(token, 'maintainer');
      return ok(await detectForApi(input.url, deps));
    },
  ),
];
