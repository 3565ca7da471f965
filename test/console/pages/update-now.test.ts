import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mirror } from '../../../lib/model/mirror.ts';
import { type Browser, startTestConsole, type TestConsole } from '../../support/console.ts';
import { sampleMirror } from '../../support/sample-records.ts';

let site: TestConsole;
let owner: Browser;
beforeAll(async () => {
  site = await startTestConsole();
  owner = await site.signedIn();
});
afterAll(() => site.close());

async function newMirror(direction: 'push' | 'pull' = 'push'): Promise<{ readonly mirror: Mirror; readonly path: string }> {
  const { id } = await site.api.newProject();
  const mirror = await site.deps.records.mirrors.create(id, direction, sampleMirror(), { now: Date.now(), dueAt: Date.now() });
  if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
  return { mirror, path: `/projects/${id}/mirrors/${mirror.mirror}` };
}

async function run(mirror: Mirror): Promise<void> {
  const now = Date.now();
  const trigger = { kind: 'manual', who: 'tester' } as const;
  await site.deps.jobs.request(mirror, { trigger, now, startAt: now, confirmDeletions: false, resume: false });
  await site.deps.jobs.acquire(mirror, { token: 'held', now });
}

/** What the page that follows a form says, with the time behind it. */
async function toldBy(path: string, form = {}): Promise<readonly [string | undefined, string | undefined]> {
  const { location } = await owner.post(path, form);
  const { text } = await owner.get(location ?? '');
  const [, message = ''] = /<div class="flash"[^>]*>(.*?)<\/div>/s.exec(text) ?? [];
  return [/<p class="message message-\w+"><bdi>([^<]*)/.exec(message)?.[1]?.trim(), /datetime="([^"]*)"/.exec(message)?.[1]];
}

describe('"update now" says when it runs', () => {
  it('now, later and when, or after the run under way', async () => {
    const { mirror, path } = await newMirror();
    expect(await toldBy(`${path}/update`)).toEqual(['The update starts now.', undefined]);
    await run(mirror);
    expect(await toldBy(`${path}/update`)).toEqual(['An update is running already; another one follows it.', undefined]);
    const now = Date.now();
    const later = await newMirror('pull');
    await run(later.mirror);
    const status = { updateStatus: 'finished', lastUpdateAt: now } as const;
    await site.deps.jobs.release(later.mirror, 'held', { status, now, nextDueAt: null, followUpAt: now });
    const at = new Date(now + 300_000).toISOString();
    expect(await toldBy(`${later.path}/update`)).toEqual(['The update is queued. It starts', at]);
  });

  it('or that silent mode holds it', async () => {
    const { path } = await newMirror();
    await site.deps.records.settings.update({ silentModeEnabled: true });
    const told = await toldBy(`${path}/update`);
    await site.deps.records.settings.update({ silentModeEnabled: false });
    expect(told[0]).toMatch(/silent mode/);
  });
});
