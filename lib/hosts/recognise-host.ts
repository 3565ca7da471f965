/** Which family a host is of: known names first, then what it answers to somebody who has not signed in. */
import { z } from 'zod';
import { HostApi, type HostApiDeps } from './host-api.ts';
import type { HostFamily } from './host-registry.ts';

const knownNames: readonly (readonly [RegExp, HostFamily])[] = [
  [/^(www\.|ssh\.)?github\.com$|\.ghe\.com$/, 'github'],
  [/^(altssh\.)?gitlab\.com$/, 'gitlab'],
  [/^codeberg\.org$/, 'forgejo'],
  [/^gitea\.com$/, 'gitea'],
];

type Looked = Awaited<ReturnType<HostApi['look']>>;

interface Probe {
  readonly path: string;
  readonly family: HostFamily;
  fits(looked: Looked): boolean;
}

const version = z.object({ version: z.string() });
const found = z.object({ ok: z.literal(true) });
const meta = z.object({ verifiable_password_authentication: z.boolean() });
const unauthorized = z.object({ message: z.literal('401 Unauthorized') });

/** In this order: Forgejo answers as Gitea, too, and Gitea as Gogs. */
const probes: readonly Probe[] = [
  { path: '/api/forgejo/v1/version', family: 'forgejo', fits: ({ json }) => version.safeParse(json).success },
  { path: '/api/v1/version', family: 'gitea', fits: ({ json }) => version.safeParse(json).success },
  { path: '/api/v1/users/search?q=gitferry&limit=1', family: 'gogs', fits: ({ json }) => found.safeParse(json).success },
  {
    path: '/api/v3/meta',
    family: 'github',
    // In private mode Enterprise Server refuses strangers, and names itself.
    fits: ({ json, headers }) => meta.safeParse(json).success || headers['x-github-enterprise-version'] !== undefined,
  },
  {
    path: '/api/v4/metadata',
    family: 'gitlab',
    // Without a token this call is refused; GitLab marks every answer of its API.
    fits: ({ status, json, headers }) => headers['x-gitlab-meta'] !== undefined || (status === 401 && unauthorized.safeParse(json).success),
  },
];

/**
 * `plain` = it answers, but like none that is known. No credential is sent: whose host it is shows only afterwards.
 * Throws failures of the network, `rate_limited` and `server_error` by code: such a host is not known yet, and not plain.
 */
export async function recogniseHost(webUrl: URL, deps: HostApiDeps): Promise<HostFamily> {
  const name = webUrl.hostname.toLowerCase();
  const known = knownNames.find(([pattern]) => pattern.test(name));
  if (known !== undefined) return known[1];
  const api = new HostApi({ base: webUrl.origin, headers: {}, secrets: [] }, deps);
  for (const { path, family, fits } of probes) {
    if (fits(await api.look(path))) return family;
  }
  return 'plain';
}
