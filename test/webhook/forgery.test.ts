/** Forged webhooks: every trick for every provider is refused and asks for nothing. */
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { handle } from 'hono/aws-lambda';
import { describe, expect, it } from 'vitest';
import { createLog } from '../../lib/core/log.ts';
import { type Provider, providers } from '../../lib/model/hook.ts';
import { hookSecret, newHookToken } from '../../lib/model/hook-secret.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { createWebhookApp } from '../../lib/webhook/receive.ts';
import { aHook, aMirror, aProject, basic, type Headers, hex, proof, standardHeaders } from './samples.ts';

// What a forger knows: the address, one delivery that he has seen, and every other secret but this hook's.

const signingKey = Buffer.alloc(32, 9).toString('base64url');
const now = Date.parse('2026-03-01T12:00:00Z');
const day = 86_400_000;
const token = newHookToken(1);
const secretOf = (generation: number, of = token): string => hookSecret(signingKey, { tokenHash: hashToken(of), generation });
/** The third of this hook; the second was good until a moment ago. */
const secret = secretOf(3);
const body = JSON.stringify({ ref: 'refs/heads/main', eventType: 'git.push', object_kind: 'push', push: { changes: [] }, changes: [] });

function setUp(provider: Provider) {
  const asked: string[] = [];
  const hook = aHook({ provider, tokenHash: hashToken(token), generation: 3, previousUntil: now - 1 });
  const app = createWebhookApp({
    projects: { contents: async (id) => (id === 1 ? { project: aProject(), mirrors: [aMirror({ id: 7 })], hooks: [hook] } : undefined) },
    hooks: { noteDelivery: async () => {} },
    secrets: { signingKey: async () => signingKey },
    requestRuns: async (keys, who) => {
      asked.push(who);
      return keys.map(() => 'queued' as const);
    },
    clock: { now: () => now, random: () => 0 },
    log: createLog(() => {}, 'debug'),
  });
  /** By API Gateway: names in lower case, values that were sent twice joined by a comma. */
  const send = async (headers: Headers, sent: Partial<Sent> = {}): Promise<number> => {
    const { path = `/hooks/${token}`, query = '', text = body, base64 = false } = sent;
    const event = {
      ...{ version: '2.0', routeKey: 'POST /hooks/{token}', rawPath: path, rawQueryString: query, body: text, isBase64Encoded: base64 },
      headers: { host: 'h.example.org', 'content-type': 'application/json', ...headers },
      requestContext: { domainName: 'h.example.org', http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1' } },
    };
    return ((await handle(app)(event as never)) as APIGatewayProxyStructuredResultV2).statusCode ?? 0;
  };
  return { send, asked };
}

interface Sent {
  readonly path: string;
  readonly query: string;
  readonly text: string;
  readonly base64: boolean;
}
interface Attempt {
  readonly headers: Headers;
  readonly sent?: Partial<Sent>;
}

/** Every header that any provider proves itself with, filled by `value`. */
const everyHeader = (value: (prefix: string) => string): Headers => ({
  ...Object.fromEntries(['x-hub-signature-256', 'x-hub-signature', 'x-signature'].map((name) => [name, value('sha256=')])),
  ...Object.fromEntries(
    ['x-forgejo-signature', 'x-gitea-signature', 'x-gogs-signature', 'x-gitlab-token'].map((name) => [name, value('')]),
  ),
  ...{ 'webhook-id': 'msg_1', 'webhook-timestamp': String(now / 1000), 'webhook-signature': value('v1,') },
  authorization: `Basic ${Buffer.from(`gitferry:${value('')}`).toString('base64')}`,
});
const mapped = (headers: Headers, change: (value: string) => string): Headers =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name.startsWith('webhook-') && name !== 'webhook-signature' ? value : change(value),
    ]),
  );
const ownProof = (provider: Provider): Headers => proof(provider, secret, body, now);
const signsItsBody = (provider: Provider): boolean => provider !== 'gitlab' && provider !== 'azure_devops';

const tricks: readonly (readonly [string, (provider: Provider) => Attempt | undefined])[] = [
  ['no header at all', () => ({ headers: {} })],
  ['every header, empty', () => ({ headers: everyHeader(() => '') })],
  ['every header, with nothing behind the prefix', () => ({ headers: everyHeader((prefix) => prefix) })],
  ['every header, with zeros', () => ({ headers: everyHeader((prefix) => prefix + '0'.repeat(64)) })],
  ['every header, signed with an empty secret', () => ({ headers: everyHeader((prefix) => prefix + hex('', body)) })],
  ['every header, with the word undefined', () => ({ headers: everyHeader((prefix) => `${prefix}undefined`) })],
  ['every header, with the token of its address', () => ({ headers: everyHeader(() => token) })],
  ['every header, signed with the token of its address', () => ({ headers: everyHeader((prefix) => prefix + hex(token, body)) })],
  ['every header, signed with the hash of that token', () => ({ headers: everyHeader((prefix) => prefix + hex(hashToken(token), body)) })],
  ['the proof of another hook', (provider) => ({ headers: proof(provider, secretOf(3, newHookToken(1)), body, now) })],
  ['the secret before, after its day', (provider) => ({ headers: proof(provider, secretOf(2), body, now) })],
  ['the first secret', (provider) => ({ headers: proof(provider, secretOf(1), body, now) })],
  ['the next secret, which is not made yet', (provider) => ({ headers: proof(provider, secretOf(4), body, now) })],
  ['its proof on another address', (provider) => ({ headers: ownProof(provider), sent: { path: `/hooks/${newHookToken(1)}` } })],
  [
    'its proof, with another token in the query',
    (provider) => {
      const path = `/hooks/${newHookToken(1)}`;
      return { headers: ownProof(provider), sent: { path, query: `token=${token}` } };
    },
  ],
  ['its proof in the query', (provider) => ({ headers: {}, sent: { query: new URLSearchParams({ ...ownProof(provider) }).toString() } })],
  [
    'its proof in the body',
    (provider) => ({ headers: {}, sent: { text: JSON.stringify({ ...JSON.parse(body), ...ownProof(provider) }) } }),
  ],
  ['its header twice, joined', (provider) => ({ headers: mapped(ownProof(provider), (value) => `${value},${value}`) })],
  [
    'its header behind a wrong one',
    (provider) => ({ headers: mapped(ownProof(provider), (value) => `sha256=${'0'.repeat(64)}, ${value}`) }),
  ],
  ['its header, cut by one', (provider) => ({ headers: mapped(ownProof(provider), (value) => value.replace(/.(={0,2})$/, '$1')) })],
  ['its header, longer by one', (provider) => ({ headers: mapped(ownProof(provider), (value) => value.replace(/(={0,2})$/, 'A$1')) })],
  [
    'its header with a space in between',
    (provider) => ({ headers: mapped(ownProof(provider), (value) => `${value.slice(0, -8)} ${value.slice(-8)}`) }),
  ],
  ['a NUL behind it', (provider) => ({ headers: mapped(ownProof(provider), (value) => `${value}%00`) })],
  ['SHA-1 of the body', () => ({ headers: { ...everyHeader(() => 'sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12') } })],
  [
    'its digest called SHA-1',
    (provider) => {
      const headers = mapped(ownProof(provider), (value) => value.replace('sha256=', 'sha1=').replace('v1,', 'v0,'));
      // Gitea's own header has no prefix.
      return JSON.stringify(headers) === JSON.stringify(ownProof(provider)) || provider === 'gitea' ? undefined : { headers };
    },
  ],
  [
    'its digest in base64 instead of hexadecimal',
    (provider) => {
      const headers = ownProof(provider);
      const digest = Buffer.from(hex(secret, body), 'hex').toString('base64');
      return provider === 'generic' || !signsItsBody(provider)
        ? undefined
        : { headers: mapped(headers, (value) => value.replace(/[0-9a-f]{64}/, digest)) };
    },
  ],
  [
    'its digest in hexadecimal instead of base64',
    (provider) =>
      provider === 'generic'
        ? { headers: { ...standardHeaders(secret, body, now), 'webhook-signature': `v1,${hex(secret, body)}` } }
        : undefined,
  ],
  [
    'its body, changed behind the signature',
    (provider) => (signsItsBody(provider) ? { headers: ownProof(provider), sent: { text: body.replace('main', 'evil') } } : undefined),
  ],
  [
    'its body, with another white space',
    (provider) => (signsItsBody(provider) ? { headers: ownProof(provider), sent: { text: `${body} ` } } : undefined),
  ],
  [
    'its body, with a mark of its byte order',
    (provider) => (signsItsBody(provider) ? { headers: ownProof(provider), sent: { text: `\ufeff${body}` } } : undefined),
  ],
  [
    'its body, written anew',
    (provider) =>
      signsItsBody(provider) ? { headers: ownProof(provider), sent: { text: JSON.stringify(JSON.parse(body), null, 1) } } : undefined,
  ],
  [
    'its body in base64 that says it is none',
    (provider) =>
      signsItsBody(provider) ? { headers: ownProof(provider), sent: { text: Buffer.from(body).toString('base64') } } : undefined,
  ],
  [
    'a signed body that says it is base64, which it is, too',
    (provider) =>
      signsItsBody(provider) ? { headers: proof(provider, secret, 'QUJD', now), sent: { text: 'QUJD', base64: true } } : undefined,
  ],
  [
    'a delivery of ten minutes ago',
    (provider) => (provider === 'generic' ? { headers: proof(provider, secret, body, now - 600_000) } : undefined),
  ],
  ['a delivery of the future', (provider) => (provider === 'generic' ? { headers: proof(provider, secret, body, now + day) } : undefined)],
  [
    'an old delivery with a new time',
    (provider) =>
      provider === 'generic'
        ? { headers: { ...proof(provider, secret, body, now - day), 'webhook-timestamp': String(now / 1000) } }
        : undefined,
  ],
  [
    'a time in milliseconds',
    (provider) => (provider === 'generic' ? { headers: { ...standardHeaders(secret, body, now * 1000) } } : undefined),
  ],
];
const attempts = providers.flatMap((provider) => tricks.map(([trick, of]) => ({ provider, trick, attempt: of(provider) })));

/** What one provider proves itself with is no proof of another, but for relatives, which say the same in headers of the same name. */
const relatives: readonly (readonly Provider[])[] = [
  ['forgejo', 'gitea', 'gogs'],
  ['bitbucket_cloud', 'bitbucket_data_center'],
  ['gitea', 'github'],
  ['gitlab', 'generic'],
];
const strangers = providers.flatMap((one) =>
  providers
    .filter((other) => other !== one && !relatives.some((family) => family.includes(one) && family.includes(other)))
    .map((other) => [one, other] as const),
);

describe('a forged delivery', () => {
  it.each(providers)('%s: its own proof is taken, also in upper case where it is hexadecimal', async (provider) => {
    const { send } = setUp(provider);
    expect(await send(ownProof(provider))).toBe(202);
    expect(await send(ownProof(provider), { text: Buffer.from(body).toString('base64'), base64: true })).toBe(202);
    const upper = mapped(ownProof(provider), (value) => value.replace(/[0-9a-f]{64}/, (digits) => digits.toUpperCase()));
    expect(await send(upper)).toBe(202);
  });

  it('is refused, whatever the trick, and asks for nothing', async () => {
    const taken: string[] = [];
    let tried = 0;
    for (const { provider, trick, attempt } of attempts) {
      if (attempt === undefined) continue;
      const { send, asked } = setUp(provider);
      tried++;
      const status = await send(attempt.headers, attempt.sent);
      if (status !== 401 || asked.length > 0) taken.push(`${provider}: ${trick}: ${status}`);
    }
    expect(taken).toEqual([]);
    expect(tried).toBeGreaterThan(250);
  });

  it.each(strangers)('of %s is none of %s, whose secret it was made with', async (one, other) => {
    const { send, asked } = setUp(other);
    expect(await send(proof(one, secret, body, now))).toBe(401);
    expect(asked).toEqual([]);
  });

  it('with several signatures is judged by its provider’s alone', async () => {
    const wrong = everyHeader((prefix) => prefix + '0'.repeat(64));
    for (const provider of providers) {
      const own = Object.keys(ownProof(provider));
      const { send } = setUp(provider);
      expect([provider, await send({ ...wrong, ...ownProof(provider) })]).toEqual([provider, 202]);
      const others = Object.fromEntries(
        Object.entries(everyHeader((prefix) => prefix + hex(secret, body))).filter(([name]) => !own.includes(name)),
      );
      // All that others prove themselves with, made with the right secret, beside a wrong one of its own.
      const bad = mapped(ownProof(provider), (value) => value.replace(/[0-9A-Za-z]{6}(=*)$/, 'AAAAAA$1'));
      if (provider !== 'generic' && provider !== 'gitlab') expect([provider, await send({ ...others, ...bad })]).toEqual([provider, 401]);
    }
  });

  it('under the secret before is good for its day only', async () => {
    const headers = basic('gitferry', secretOf(2));
    expect(await setUp('azure_devops').send(headers)).toBe(401);
    expect(await setUp('azure_devops').send(basic('gitferry', secret))).toBe(202);
  });
});
