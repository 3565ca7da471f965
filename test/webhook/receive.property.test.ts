import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../lib/core/log.ts';
import { type Provider, providers } from '../../lib/model/hook.ts';
import { hookSecret, newHookToken } from '../../lib/model/hook-secret.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { createWebhookApp } from '../../lib/webhook/receive.ts';
import { aHook, aMirror, aProject, proof } from './samples.ts';

const signingKey = Buffer.alloc(32, 7).toString('base64url');
const token = newHookToken(1);
const tokenHash = hashToken(token);
const secret = hookSecret(signingKey, { tokenHash, generation: 1 });

/** A project whose one hook is of this provider, without any AWS behind it: what is asked for is only counted. */
function setUp(provider: Provider) {
  const asked: string[] = [];
  const project = aProject();
  const mirrors = [aMirror({ id: 7, mirrorBranchRegex: '^a' }), aMirror({ id: 8, direction: 'pull', url: 'https://up.example.com/a.git' })];
  const contents = { project, mirrors, hooks: [aHook({ provider, tokenHash })] };
  const app = createWebhookApp({
    projects: { contents: async (id) => (id === 1 ? contents : undefined) },
    hooks: { noteDelivery: async () => {} },
    secrets: { signingKey: async () => signingKey },
    requestRuns: async (keys, who) => {
      asked.push(who);
      return keys.map(() => 'queued' as const);
    },
    clock: { now: Date.now, random: () => 0 },
    log: createLog(() => {}, 'debug'),
  });
  const send = async (path: string, headers: [string, string][], body: Uint8Array<ArrayBuffer>) =>
    app.request(path, { method: 'POST', headers, body });
  return { send, asked };
}

const headerNames = [
  ...['authorization', 'content-type', 'content-length', 'x-hub-signature', 'x-hub-signature-256', 'x-gitlab-token', 'x-gitea-signature'],
  ...['x-forgejo-signature', 'x-gogs-signature', 'x-signature', 'webhook-id', 'webhook-timestamp', 'webhook-signature', 'x-github-event'],
  ...['x-gitlab-event', 'x-gitea-event', 'x-event-key', 'x-github-delivery', 'transfer-encoding'],
];
const hexText = fc.stringMatching(/^[0-9a-fA-F]{0,70}$/);
const headerValue = fc.oneof(
  fc.stringMatching(/^[\x20-\x7e]{0,80}$/),
  hexText,
  hexText.map((digits) => `sha256=${digits}`),
  fc.base64String({ maxLength: 60 }).map((digits) => `v1,${digits}`),
  fc.base64String({ maxLength: 60 }).map((digits) => `Basic ${digits}`),
  fc.constantFrom('push', 'ping', 'repo:push', 'Push Hook', String(Math.floor(Date.now() / 1000))),
);
const header = fc.tuple(fc.constantFrom(...headerNames), headerValue);
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => new Uint8Array(array));

/** JSON in which the names that are looked for turn up in any place, with any value. */
const payload = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom<unknown>(
      null,
      true,
      0,
      '',
      'refs/heads/a',
      'refs/tags/',
      'branch',
      'tag',
      'push',
      'git.push',
      'https://git.example.com/tools/anvil',
      '/scm/a/b',
    ),
    fc.string({ maxLength: 20, unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        ...[
          'ref',
          'refs',
          'ref_type',
          'repository',
          'project',
          'clone_url',
          'git_http_url',
          'object_kind',
          'event_name',
          'push',
          'changes',
          'new',
          'old',
        ],
        ...[
          'name',
          'type',
          'links',
          'html',
          'href',
          'clone',
          'slug',
          'key',
          'full_name',
          'resource',
          'refUpdates',
          'remoteUrl',
          'eventType',
          'refId',
        ],
        ...['__proto__', 'constructor', 'toString'],
      ),
      tie('value'),
      { maxKeys: 5 },
    ),
  ),
})).value;

describe('createWebhookApp, whatever is sent', () => {
  it.each(providers)('%s: nothing without proof passes, and nothing is answered with 5xx', async (provider) => {
    const { send, asked } = setUp(provider);
    const path = fc.oneof(
      fc.constant(`/hooks/${token}`),
      fc.webPath().map((text) => `/hooks${text}`),
      fc.webPath(),
    );
    await fc.assert(
      fc.asyncProperty(path, fc.array(header, { maxLength: 8 }), bytes, async (where, headers, body) => {
        const { status } = await send(where === '' ? '/' : where, headers, body);
        expect([400, 401, 404, 413]).toContain(status);
      }),
      { numRuns: 400 },
    );
    expect(asked).toEqual([]);
  });

  it.each(providers)('%s: what is proved is answered 202, whatever it says', async (provider) => {
    const { send } = setUp(provider);
    await fc.assert(
      fc.asyncProperty(payload, fc.array(header, { maxLength: 4 }), async (value, more) => {
        const body = Buffer.from(JSON.stringify(value) ?? '');
        const proved = Object.entries(proof(provider, secret, body, Date.now()));
        const names = new Set([...proved.map(([name]) => name), 'content-length', 'transfer-encoding']);
        const signatures = /signature|token|authorization/;
        const rest = more.filter(([name]) => !names.has(name) && !signatures.test(name));
        const answer = await send(`/hooks/${token}`, [...proved, ...rest], new Uint8Array(body));
        expect(answer.status).toBe(202);
        expect(['queued', 'ignored']).toContain(((await answer.json()) as { status: string }).status);
      }),
      { numRuns: 300 },
    );
    expect(({} as Record<string, unknown>)['ref']).toBeUndefined();
  });

  it.each(providers)('%s: a proved body of any bytes is answered 202', async (provider) => {
    const { send } = setUp(provider);
    await fc.assert(
      fc.asyncProperty(bytes, async (body) => {
        const proved = Object.entries(proof(provider, secret, body, Date.now()));
        expect((await send(`/hooks/${token}`, proved, body)).status).toBe(202);
      }),
      { numRuns: 200 },
    );
  });
});
