import { describe, expect, it } from 'vitest';
import { type Provider, providers } from '../../lib/model/hook.ts';
import { providerRegistry } from '../../lib/webhook/provider-registry.ts';
import { basic, delivery, type Headers, hex, proof, sample, standardHeaders } from './samples.ts';

const now = Date.parse('2026-01-02T03:04:05Z');
const secret = 'x-_kLm3qTz9cAe1bYw8UvRr0PoIi5HhGg4FfDd2SsJQ';

/** Provider, sample, kind, refs. */
const events: readonly [Provider, string, string, readonly string[] | undefined][] = [
  ['github', 'push-branch', 'push', ['refs/heads/main']],
  ['github', 'push-tag', 'push', ['refs/tags/simple-tag']],
  ['github', 'push-deleted-branch', 'push', ['refs/heads/feature/search']],
  ['github', 'create-branch', 'push', ['refs/heads/feature/search']],
  ['github', 'create-tag', 'push', ['refs/tags/v1.0']],
  ['github', 'delete-tag', 'push', ['refs/tags/v1.0']],
  ['github', 'ping', 'ping', undefined],
  ['github', 'issues', 'other', undefined],
  ['gitlab', 'push', 'push', ['refs/heads/main']],
  ['gitlab', 'push-deleted-branch', 'push', ['refs/heads/feature/search']],
  ['gitlab', 'tag-push', 'push', ['refs/tags/v1.0.0']],
  ['gitlab', 'system-push', 'push', ['refs/heads/main']],
  ['gitlab', 'system-repository-update', 'push', ['refs/heads/main', 'refs/tags/v2.0']],
  ['gitlab', 'merge-request', 'other', undefined],
  ...(['forgejo', 'gitea', 'gogs'] as const).flatMap((provider): [Provider, string, string, readonly string[] | undefined][] => [
    [provider, 'push', 'push', ['refs/heads/develop']],
    [provider, 'push-tag', 'push', ['refs/tags/v1.0']],
    [provider, 'push-deleted-branch', 'push', ['refs/heads/feature/search']],
    [provider, 'create-tag', 'push', ['refs/tags/v1.0']],
    [provider, 'issues', 'other', undefined],
  ]),
  ['bitbucket_cloud', 'push', 'push', ['refs/heads/main']],
  ['bitbucket_cloud', 'push-many', 'push', ['refs/heads/topic/one', 'refs/heads/topic/two', 'refs/tags/v1.0']],
  ['bitbucket_cloud', 'pullrequest-created', 'other', undefined],
  ['bitbucket_data_center', 'refs-changed', 'push', ['refs/heads/main']],
  ['bitbucket_data_center', 'refs-changed-many', 'push', ['refs/heads/topic/one', 'refs/heads/topic/two', 'refs/tags/v1.0']],
  ['bitbucket_data_center', 'refs-changed-with-links', 'push', ['refs/heads/main']],
  ['bitbucket_data_center', 'mirror-synchronized', 'push', undefined],
  ['bitbucket_data_center', 'ping', 'ping', undefined],
  ['bitbucket_data_center', 'comment-added', 'other', undefined],
  ['azure_devops', 'git-push', 'push', ['refs/heads/main']],
  ['azure_devops', 'git-push-many', 'push', ['refs/heads/one', 'refs/tags/v1']],
  ['azure_devops', 'git-push-minimal', 'push', undefined],
  ['azure_devops', 'git-push-none', 'push', undefined],
  ['azure_devops', 'pullrequest-created', 'other', undefined],
  ['generic', 'repository-and-ref', 'push', ['refs/heads/main']],
  ['generic', 'repository-and-refs', 'push', ['refs/heads/main', 'refs/tags/v1']],
  ['generic', 'nothing', 'push', undefined],
];

const read = (provider: Provider, headers: Headers, payload: unknown) => providerRegistry[provider].readEvent(delivery(headers), payload);

describe('readEvent', () => {
  it.each(events)('%s, %s: %s', (provider, name, kind, refs) => {
    const { headers, payload } = sample(provider, name);
    expect(read(provider, headers, payload)).toMatchObject({ kind, refs });
  });

  it.each([
    [
      'github',
      'push-branch',
      ['https://github.example.com/codertocat/hello-world.git', 'git@github.example.com:codertocat/hello-world.git'],
    ],
    ['gitlab', 'push', ['https://gitlab.example.com/mike/diaspora.git', 'git@gitlab.example.com:mike/diaspora.git']],
    ['gitlab', 'system-repository-update', ['https://gitlab.example.com/mike/diaspora.git']],
    ['forgejo', 'push', ['https://forgejo.example.com/ada/webhooks.git', 'ssh://git@forgejo.example.com:2222/ada/webhooks.git']],
    ['bitbucket_cloud', 'push', ['https://bitbucket.org/example-team/widgets']],
    ['bitbucket_data_center', 'refs-changed', ['/scm/PROJECT_1/repository']],
    ['bitbucket_data_center', 'refs-changed-with-links', ['https://bitbucket.example.com/context/scm/project_1/repository.git']],
    ['azure_devops', 'git-push', ['https://fabrikam@dev.azure.com/fabrikam/Fabrikam%20Git/_git/fiber']],
    ['generic', 'repository-and-ref', ['https://git.example.com/tools/anvil.git']],
  ] as const)('%s, %s names its repository', (provider, name, urls) => {
    const { headers, payload } = sample(provider, name);
    expect(read(provider, headers, payload).repositories).toEqual(expect.arrayContaining([...urls]));
  });

  it.each([
    ['azure_devops', 'git-push-minimal'],
    ['azure_devops', 'git-push-none'],
    ['generic', 'nothing'],
  ] as const)('%s, %s: names no repository, which is not the same as an unreadable one', (provider, name) => {
    const { headers, payload } = sample(provider, name);
    expect(read(provider, headers, payload).repositories).toBeUndefined();
  });

  it.each([
    ['github', { 'x-github-event': 'push' }],
    ['gitlab', { 'x-gitlab-event': 'Push Hook' }],
    ['forgejo', { 'x-forgejo-event': 'push' }],
    ['bitbucket_cloud', { 'x-event-key': 'repo:push' }],
    ['bitbucket_data_center', { 'x-event-key': 'repo:refs_changed' }],
  ] as const)('%s: an event without a repository is nobody’s', (provider, headers) => {
    expect(read(provider, headers, {}).repositories).toEqual([]);
  });

  it.each([5, {}, [], true])('generic: a repository that is %j is nobody’s', (repository) => {
    expect(read('generic', {}, { repository }).repositories).toEqual([]);
  });

  it.each([
    ['generic', {}, { ref: 'main' }],
    ['generic', {}, { ref: 7 }],
    ['generic', {}, { refs: ['refs/heads/a', 7] }],
    ['github', { 'x-github-event': 'push' }, { ref: ['refs/heads/a'] }],
    ['gitlab', {}, { object_kind: 'push' }],
    ['bitbucket_cloud', { 'x-event-key': 'repo:push' }, { push: { changes: [{ new: null, old: null }] } }],
    ['bitbucket_cloud', { 'x-event-key': 'repo:push' }, { push: { changes: [] } }],
    ['bitbucket_data_center', { 'x-event-key': 'repo:refs_changed' }, { changes: [{ refId: 'refs/heads/a' }, {}] }],
    ['azure_devops', {}, { eventType: 'git.push', resource: { refUpdates: [] } }],
  ] as const)('%s: refs that it does not tell completely are not known', (provider, headers, payload) => {
    expect(read(provider, headers, payload)).toMatchObject({ kind: 'push', refs: undefined });
  });

  it.each([
    ['github', 'push-branch'],
    ['forgejo', 'push'],
    ['gitlab', 'push'],
    ['bitbucket_cloud', 'push'],
    ['bitbucket_data_center', 'refs-changed'],
  ] as const)('%s: knows a push by its body where a proxy has dropped the event header', (provider, name) => {
    expect(read(provider, {}, sample(provider, name).payload)).toMatchObject({ kind: 'push' });
  });

  it.each(providers)('%s: reads nothing into payloads of any shape', (provider) => {
    for (const payload of [
      undefined,
      null,
      1,
      'x',
      [],
      [[]],
      { repository: null, project: 1, push: { changes: 1 }, changes: {}, resource: [] },
    ])
      expect(['push', 'ping', 'other']).toContain(read(provider, {}, payload).kind);
  });
});

describe('proves', () => {
  const body = Buffer.from('{"some":"event"}');
  const digest = hex(secret, body);
  const check = (provider: Provider, headers: Headers, at = now): boolean =>
    providerRegistry[provider].proves(delivery(headers, body), ['retired', secret], at);

  it.each(providers)('%s: accepts its own proof', (provider) => {
    expect(check(provider, proof(provider, secret, body, now))).toBe(true);
  });

  it.each(providers)('%s: refuses its own proof with another secret, and none', (provider) => {
    expect(check(provider, proof(provider, 'another', body, now))).toBe(false);
    expect(check(provider, {})).toBe(false);
    expect(check(provider, proof(provider, '', body, now))).toBe(false);
  });

  const family = new Set<Provider>(['forgejo', 'gitea', 'gogs']);
  const alike = (one: Provider, other: Provider): boolean =>
    (family.has(one) && family.has(other)) || (one.startsWith('bitbucket') && other.startsWith('bitbucket'));
  const strangers = providers.flatMap((provider) => providers.map((other) => [provider, other] as const));
  it.each(
    strangers.filter(
      ([provider, other]) =>
        provider !== other &&
        !alike(provider, other) &&
        !(provider === 'gitlab' && other === 'generic') &&
        !(provider === 'github' && other === 'gitea'),
    ),
  )("%s: refuses %s's proof, though the secret is right", (provider, other) => {
    expect(check(provider, proof(other, secret, body, now))).toBe(false);
  });

  const headerCases: readonly [Provider, Headers, boolean, string][] = [
    ['forgejo', { 'x-gitea-signature': digest }, true, 'as old versions send it'],
    ['forgejo', { 'x-forgejo-signature': '', 'x-gitea-signature': digest }, false, 'unsigned under its own name'],
    ['forgejo', { 'x-forgejo-signature': hex('another', body), 'x-gitea-signature': digest }, false, 'wrong under its own name'],
    ['gitea', { 'x-gitea-signature': '' }, false, 'unsigned'],
    ['gitea', { 'x-gitea-signature': `sha256=${digest}` }, false, "with GitHub's prefix"],
    ['gogs', { 'x-gogs-signature': `${digest}, ${digest}` }, false, 'twice'],
    ['github', { 'x-hub-signature': `sha1=${digest.slice(0, 40)}` }, false, 'the old SHA-1 header'],
    ['github', { 'x-hub-signature': `sha256=${digest}` }, false, "Bitbucket's header"],
    ['github', { 'x-hub-signature-256': digest }, false, 'without prefix'],
    ['gitlab', { 'x-gitlab-token': '' }, false, 'no secret set'],
    ['gitlab', { 'x-gitlab-token': `${secret}, ${secret}` }, false, 'twice'],
    ['gitlab', standardHeaders(Buffer.from(secret, 'base64'), body, now), true, 'a signing token'],
    [
      'gitlab',
      { 'x-gitlab-token': 'wrong', ...standardHeaders(Buffer.from(secret, 'base64'), body, now) },
      true,
      'a signing token beside another token',
    ],
    ['gitlab', standardHeaders(Buffer.from(secret, 'base64'), body, now - 301_000), false, 'a signing token, too old'],
    ['generic', { 'x-signature': `sha256=${digest}` }, true, 'X-Signature'],
    ['generic', { 'x-signature': digest }, false, 'X-Signature without prefix'],
    ['generic', standardHeaders(secret, body, now + 301_000), false, 'a time too far in the future'],
    ['azure_devops', basic('anybody', secret), true, 'any user name'],
    ['azure_devops', basic(secret, secret.slice(1)), false, 'the secret in the wrong place'],
  ];
  it.each(headerCases.map(([provider, headers, expected, what]) => [provider, what, headers, expected] as const))(
    '%s: %s',
    (provider, _, headers, expected) => {
      expect(check(provider, headers)).toBe(expected);
    },
  );
});

describe('isUnsignedPing', () => {
  it.each(providers)('%s: only Bitbucket Data Center has one', (provider) => {
    const { headers, body } = sample('bitbucket_data_center', 'ping');
    expect(providerRegistry[provider].isUnsignedPing?.(delivery(headers, body)) ?? false).toBe(provider === 'bitbucket_data_center');
  });

  it('is not a ping with a wrong signature, nor any other event', () => {
    const { headers } = sample('bitbucket_data_center', 'ping');
    const isPing = (more: Headers): boolean | undefined =>
      providerRegistry.bitbucket_data_center.isUnsignedPing?.(delivery({ ...headers, ...more }));
    expect(isPing({ 'x-hub-signature': `sha256=${hex('another', '')}` })).toBe(false);
    expect(isPing({ 'x-hub-signature': '' })).toBe(false);
    expect(isPing({ 'x-event-key': 'repo:refs_changed' })).toBe(false);
  });
});
