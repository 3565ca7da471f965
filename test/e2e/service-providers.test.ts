import { describe, expect, it } from 'vitest';
import { type Provider, providers } from '../../lib/model/hook.ts';
import { createHook, createProject, ok, serviceScenario, type TestRepository, untilAt, untilSettled } from '../support/service-scenario.ts';
import { proof, sample } from '../webhook/samples.ts';

interface ProviderDelivery {
  readonly name: string;
  /** What is replaced in the published example, so that it names the test's repository. */
  readonly repository: (url: string) => object;
}

const deliveries: Readonly<Record<Provider, ProviderDelivery>> = {
  github: { name: 'push-branch', repository: (url) => ({ repository: { clone_url: url } }) },
  gitlab: { name: 'push', repository: (url) => ({ project: { git_http_url: url } }) },
  forgejo: { name: 'push', repository: (url) => ({ repository: { clone_url: url } }) },
  gitea: { name: 'push', repository: (url) => ({ repository: { clone_url: url } }) },
  gogs: { name: 'push', repository: (url) => ({ repository: { clone_url: url } }) },
  bitbucket_cloud: { name: 'push', repository: (url) => ({ repository: { links: { html: { href: url.replace(/\.git$/, '') } } } }) },
  bitbucket_data_center: {
    name: 'refs-changed-with-links',
    repository: (url) => ({ repository: { links: { clone: [{ name: 'http', href: url }] } } }),
  },
  azure_devops: { name: 'git-push', repository: (url) => ({ repository: { remoteUrl: url } }) },
  generic: { name: 'repository-and-ref', repository: (url) => ({ repository: url }) },
};

function bodyFor(
  provider: Provider,
  { url }: TestRepository,
): { readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const { name, repository } = deliveries[provider];
  const { headers, payload } = sample(provider, name);
  const changed = provider === 'azure_devops' ? { resource: { ...(payload['resource'] as object), ...repository(url) } } : repository(url);
  return { headers, body: JSON.stringify({ ...payload, ...changed }) };
}

describe('a delivery to the running service, signed as the provider does', () => {
  it('ends in a mirrored commit, for every provider', async () => {
    const { service, forge } = await serviceScenario();
    const [sources, targets] = [await forge('s'), await forge('t')];
    for (const provider of providers) {
      const [source, target] = [await sources.repository(provider), await targets.repository(provider)];
      await source.commit();
      const project = await createProject(service, `group/${provider}`, source.url);
      ok(await service.api('PUT', '/application/settings', { push_min_interval: 0 }));
      const { id } = ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, enabled: true }));
      const path = `/projects/${project}/remote_mirrors/${id}`;
      await untilSettled(service, path);
      const hook = await createHook(service, project, provider);
      const commit = await source.commit();
      const { headers, body } = bodyFor(provider, source);
      const refused = await service.deliver(
        hook.url,
        { ...headers, ...proof(provider, 'not the secret of this hook', body, Date.now()) },
        body,
      );
      expect([provider, refused.status]).toEqual([provider, 401]);
      const taken = await service.deliver(hook.url, { ...headers, ...proof(provider, hook.secret, body, Date.now()) }, body);
      expect([provider, taken.status, taken.body.status]).toEqual([provider, 202, 'queued']);
      await untilAt(target, commit);
      const [shown] = ok(await service.api('GET', `/projects/${project}/incoming_hooks`));
      expect(shown).toMatchObject({ provider, last_delivery_at: expect.any(String) });
      expect(JSON.stringify(shown)).not.toContain(hook.secret);
    }
  });
});
