/** Bodies that cost more than they say: half-sent, nested, of very many values. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newHookToken } from '../../lib/model/hook-secret.ts';
import { webhookLimits } from '../../lib/webhook/webhook-limits.ts';
import { sendHalf } from '../support/half-sent.ts';
import { proof } from './samples.ts';
import { startWebhookService, type WebhookService } from './webhook-service.ts';

let service: WebhookService;
beforeAll(async () => {
  service = await startWebhookService();
});
afterAll(() => service.close());

const { bodyBytes, bodies } = webhookLimits;
const most = bodies.senderBytes / bodyBytes;

async function setUp() {
  const { id } = await service.createProject('https://git.example.com/tools/anvil.git');
  await service.createMirror(id);
  return service.createHook(id, 'generic');
}

const half = (path: string) => sendHalf(service.port, 'POST', path, {}, { stated: bodyBytes, sent: bodyBytes / 2 });

describe('a half-sent body', () => {
  it('to an address that nobody knows is answered without being read', async () => {
    const { path } = await setUp();
    const [, projectId] = /\/hooks\/(\d+)\./.exec(path) ?? [];
    for (const unknown of [`/hooks/${newHookToken(Number(projectId))}`, `/hooks/${newHookToken(999_999)}`, '/hooks/none']) {
      const sent = half(unknown);
      expect(await sent.status).toBe(401);
      // Of itself: nobody waits for the rest.
      await sent.closed;
    }
  });

  it('takes memory of its project alone, and gives it back when its sender hangs up', async () => {
    const [hook, other] = [await setUp(), await setUp()];
    const deliver = ({ path, secret }: typeof hook) =>
      service.send('POST', path, proof('generic', secret, '{}', service.clock.now()), '{}');
    const open = Array.from({ length: most }, () => half(hook.path));
    // The last one finds no room: those before it have theirs.
    const refused = await full(hook.path);
    expect(await deliver(hook)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
      json: { message: '503 Service Unavailable' },
    });
    expect((await deliver(other)).status).toBe(202);
    for (const { hangUp } of [...open, ...refused]) hangUp();
    await Promise.all(open.map(({ closed }) => closed));
    for (;;) if ((await deliver(hook)).status === 202) break;
  });
});

/** Sends half bodies until one is turned away: when the others have come is the server's affair. */
async function full(path: string) {
  const sent = [];
  for (;;) {
    const one = half(path);
    sent.push(one);
    const status = await Promise.race([one.status, new Promise<void>((resolve) => setTimeout(resolve, 100))]);
    if (status === 503) return sent;
  }
}

describe('a signed body', () => {
  it.each([
    ['of nested lists', `${'['.repeat(bodyBytes / 2)}${']'.repeat(bodyBytes / 2)}`],
    ['that only opens lists', '['.repeat(bodyBytes)],
    ['of lists of lists', `[${`${'['.repeat(50)}${']'.repeat(50)},`.repeat(40_000)}0]`],
    ['of objects with a name each', `[${Array.from({ length: 200_000 }, (_, index) => `{"k${index}":1}`).join()}]`],
    ['of 300,000 names', `{${Array.from({ length: 300_000 }, (_, index) => `"k${index}":1`).join()}}`],
    ['of the same in a form', `payload=${'%5B'.repeat(bodyBytes / 4)}`],
  ])('%s is refused before it is parsed', async (_, body) => {
    const { path, secret } = await setUp();
    const answer = await service.send('POST', path, proof('generic', secret, body, service.clock.now()), body);
    expect(answer).toMatchObject({ status: 413, json: { message: '413 Content Too Large' } });
    expect(service.logged.at(-1)).toContain('too_many_values');
  });

  it('of the largest push that GitHub sends is taken', async () => {
    const { path, secret } = await setUp();
    const person = { name: 'Ada', email: 'ada@example.com', username: 'ada' };
    const commits = Array.from({ length: 2_048 }, (_, index) => ({
      ...{ id: String(index).padStart(40, '0'), tree_id: '0'.repeat(40), distinct: true, message: 'm', timestamp: '2024-01-01T00:00:00Z' },
      ...{ url: 'https://git.example.com/c', author: person, committer: person },
      ...{ added: Array(20).fill('a/file'), removed: [], modified: ['another/file'] },
    }));
    const body = JSON.stringify({ repository: 'https://git.example.com/tools/anvil.git', ref: 'refs/heads/main', commits });
    const answer = await service.send('POST', path, proof('generic', secret, body, service.clock.now()), body);
    expect(answer).toMatchObject({ status: 202, json: { status: 'queued' } });
  });
});
