import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mirror, MirrorSettings } from '../../../lib/model/mirror.ts';
import { type Browser, startTestConsole, type TestConsole } from '../../support/console.ts';
import { sampleMirror, sampleRun } from '../../support/sample-records.ts';

let site: TestConsole;
let owner: Browser;
beforeAll(async () => {
  site = await startTestConsole();
  owner = await site.signedIn();
});
afterAll(() => site.close());

async function newMirror(settings: Partial<MirrorSettings> = {}): Promise<{ readonly mirror: Mirror; readonly path: string }> {
  const { id } = await site.api.newProject();
  const mirror = await site.deps.records.mirrors.create(id, 'push', sampleMirror(settings), { now: Date.now(), dueAt: Date.now() });
  if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
  return { mirror, path: `/projects/${id}/mirrors/${mirror.mirror}` };
}

/** What the forms of a mirror's page do, by the last part of their path. */
async function buttonsOf(page: string, person = owner): Promise<readonly string[]> {
  return [...(await person.get(page)).text.matchAll(/action="[^"]*\/mirrors\/[^/"]+\/(\w+)"/g)].map(([, action = '']) => action);
}

describe('the buttons of a mirror', () => {
  it('are Update and Pause while it is enabled, Resume while it is paused, on its page, its runs and its project', async () => {
    const { mirror, path } = await newMirror();
    const run = sampleRun({ outcome: 'failed' });
    await site.deps.records.runs.put(mirror.id, run);
    const buttons = async () =>
      Promise.all([path, `${path}/runs/${run.id}`, `/projects/${mirror.projectId}`].map((page) => buttonsOf(page)));
    expect(await buttons()).toEqual([['update', 'pause'], ['update'], ['update', 'pause']]);
    await owner.post(`${path}/pause`);
    expect(await buttons()).toEqual([['resume'], [], ['resume']]);
  });
});

describe('pausing and resuming', () => {
  it.each([
    ['the page that it was asked from', '/?state=failing&q=x', '/?state=failing&q=x'],
    ['the project, where no page is named', '', undefined],
    ['the overview, where another host is named', 'https://evil.example/', '/'],
    ['the overview, where another host is named without a scheme', '//evil.example/', '/'],
  ])('lead back to %s', async (_, back, expected) => {
    const { mirror, path } = await newMirror();
    for (const [action, enabled] of [
      ['pause', false],
      ['resume', true],
      ['update', true],
    ] as const) {
      const { status, location } = await owner.post(`${path}/${action}`, { back });
      expect([status, location]).toEqual([303, expected ?? `/projects/${mirror.projectId}`]);
      expect(await site.deps.records.mirrors.get(mirror)).toMatchObject({ enabled });
    }
  });
});

describe('a page that asks first', () => {
  it('leads back to the mirror, and posts to what it names', async () => {
    const { path } = await newMirror({ authMethod: 'ssh_public_key', publicKey: 'ssh-ed25519 AAAA' });
    for (const action of ['delete', 'rotate-key']) {
      const { text } = await owner.get(`${path}/${action}`);
      expect(/<a class="button button-quiet" href="([^"]*)">\s*Cancel/.exec(text)?.[1]).toBe(path);
      expect(text).toContain(`action="${path}/${action}"`);
    }
  });

  it('has nothing to ask about the key of a mirror that has none, and says why that of others stays', async () => {
    expect((await owner.get(`${(await newMirror()).path}/rotate-key`)).status).toBe(404);
    const { body } = await site.api.call('POST', '/credentials', {
      body: { name: 'keys', auth_method: 'ssh_public_key', allowed_urls: ['ssh://m.example.org/'] },
    });
    const credential = { kind: 'shared', credentialId: body.id } as const;
    const { mirror, path } = await newMirror({ authMethod: 'ssh_public_key', credential });
    expect((await owner.post(`${path}/rotate-key`)).location).toBe(path);
    expect((await owner.get(path)).text).toMatch(/message-failed"><bdi>[^<]*shared credential/);
    expect((await site.deps.records.credentials.get(body.id))?.publicKey).toBe(body.public_key);
    expect(await site.deps.records.mirrors.get(mirror)).toMatchObject({ credential });
  });
});
