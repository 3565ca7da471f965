import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MirrorStatus } from '../../../lib/model/mirror.ts';
import { startTestConsole, type TestConsole } from '../../support/console.ts';
import { sampleMirror, sampleProject, sampleRun } from '../../support/sample-records.ts';

let site: TestConsole;
beforeAll(async () => {
  site = await startTestConsole();
});
afterAll(() => site.close());

const script = '<script>alert(1)</script>"\'&<img src=x onerror=alert(2)>';

async function newProject(path: string): Promise<number> {
  const project = await site.deps.records.projects.create(sampleProject({ path }), Date.now());
  return project?.id ?? 0;
}

async function newMirror(projectId: number, url: string, changes: object = {}): Promise<number> {
  const mirror = await site.deps.records.mirrors.create(projectId, 'push', sampleMirror({ url, ...changes }), {
    now: Date.now(),
    dueAt: Date.now() + 3600_000,
  });
  if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
  return mirror.id;
}

/** A run that ended like this. */
async function settle(projectId: number, mirror: number, status: Partial<MirrorStatus>): Promise<void> {
  const key = { projectId, mirror };
  const { jobs } = site.deps;
  const now = Date.now();
  await jobs.request(key, { trigger: { kind: 'manual', who: 'x' }, now, startAt: now, confirmDeletions: false, resume: false });
  if ((await jobs.acquire(key, { token: 'lease', now })) === undefined) throw new Error('no lease');
  await jobs.release(key, 'lease', { status, now, nextDueAt: now + 3600_000, followUpAt: now });
}

describe('the overview', () => {
  it('says what to do first on an empty instance', async () => {
    expect((await (await site.signedIn()).get('/')).text).toContain('href="/projects/new"');
    const others = [await site.api.newToken('reporter'), await site.api.newToken('owner', { projectIds: [1] })];
    for (const token of others) expect((await (await site.signedIn(token)).get('/')).text).not.toContain('href="/projects/new"');
  });

  it('shows mirrors with their targets, and projects that have none', async () => {
    const project = await newProject('shown/app');
    const mirror = await newMirror(project, 'https://target.example/app.git');
    const bare = await newProject('shown/bare');
    const { text } = await (await site.signedIn()).get('/');
    expect(text).toContain(`id="mirror-${mirror}"`);
    expect(text).toContain('target.example/app.git');
    expect(text).toContain(`id="project-${bare}"`);
    expect(text).toContain(`action="/projects/${project}/mirrors/${mirror}/update"`);
  });

  it('shows reporters no URL and no forms, and people with some projects only these', async () => {
    const mine = await newProject('mine/app');
    const hidden = await newProject('hidden/app');
    for (const project of [mine, hidden]) await newMirror(project, 'https://secret-host.example/app.git');
    const reporter = await site.signedIn(await site.api.newToken('reporter', { projectIds: [mine] }));
    const { text } = await reporter.get('/');
    expect(text).toContain('mine/app');
    expect(text).not.toContain('hidden/app');
    expect(text).not.toContain('secret-host.example');
    expect(text).not.toContain('/update"');
    expect((await reporter.get('/?q=secret-host')).text).not.toContain('mine/app');
  });

  it('shows script in names, addresses and errors as text', async () => {
    const project = await newProject('xss/app');
    const mirror = await newMirror(project, `https://target.example/${encodeURIComponent(script)}.git`);
    const error = { code: 'refs_rejected', message: `refs/heads/${script}`, hint: script } as const;
    await settle(project, mirror, { updateStatus: 'failed', lastError: error, lastRun: sampleRun({ error }) });
    const person = await site.signedIn();
    for (const path of [
      '/',
      `/?q=${encodeURIComponent(script)}`,
      `/?state=${encodeURIComponent(script)}&page=${encodeURIComponent(script)}`,
    ]) {
      const { status, text } = await person.get(path);
      expect(status).toBe(200);
      expect(text).not.toContain('<script>alert');
      expect(text).not.toContain('<img');
    }
    expect((await person.get('/')).text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });

  it('asks for itself again only while something runs', async () => {
    const project = await newProject('polled/app');
    const mirror = await newMirror(project, 'https://polled.example/app.git');
    const person = await site.signedIn();
    expect((await person.get('/?q=polled')).text).not.toContain('hx-get');
    const now = Date.now();
    const request = { trigger: { kind: 'manual', who: 'x' }, now, startAt: now, confirmDeletions: false, resume: false } as const;
    await site.deps.jobs.request({ projectId: project, mirror }, request);
    const { text } = await person.get('/?q=polled');
    expect(text).toContain('hx-get="/?q=polled"');
    expect(text).toContain('href="/?q=polled"');
  });

  it('says that silent mode is on', async () => {
    const person = await site.signedIn();
    expect((await person.get('/')).text).not.toContain('message-silent');
    await person.post('/settings/silent-mode', { silent_mode_enabled: 'true' });
    expect((await person.get('/')).text).toContain('message-silent');
    await person.post('/settings/silent-mode');
    expect((await person.get('/')).text).not.toContain('message-silent');
  });

  it('comes in pages of a bounded size, with script and style within their budget', async () => {
    const project = await newProject('paged/app');
    const error = 'The host refused the connection. '.repeat(10);
    const lastError = { code: 'refs_rejected', message: error, hint: error } as const;
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const mirror = await newMirror(project, `https://target-${index}.example/${'x'.repeat(100)}.git`);
        await settle(project, mirror, { updateStatus: 'failed', lastError, lastRun: sampleRun() });
      }),
    );
    const person = await site.signedIn();
    const first = await person.get('/?q=paged');
    expect(first.text.match(/id="mirror-/g)).toHaveLength(50);
    expect(first.text).toContain('href="/?q=paged&amp;page=2"');
    const second = await person.get('/?q=paged&page=2');
    expect(second.text.match(/id="mirror-/g)).toHaveLength(10);
    expect(second.text).not.toContain('rel="next"');
    // Pages stay within search and filter, which begin anew with the first page.
    expect(second.text).toContain('href="/?q=paged&amp;state=failing"');
    const failing = await person.get('/?q=paged&state=failing&page=2');
    expect(failing.text).toContain('href="/?q=paged&amp;state=failing" rel="prev"');
    expect(failing.text).toMatch(/<form method="get"[^>]*>.*<input type="hidden" name="state" value="failing"\/>.*<\/form>/s);
    expect((await person.get('/?q=paged&page=99')).status).toBe(200);
    expect(first.text.length).toBeLessThanOrEqual(250 * 1024);
    const assets = [...first.text.matchAll(/(?:href|src)="(\/assets\/[^"]+\.(?:css|js))"/g)].map(([, path]) => path ?? '');
    expect(assets).toHaveLength(3);
    let bytes = 0;
    for (const path of assets) {
      const response = await site.fetch(new Request(site.origin + path, { headers: { 'accept-encoding': 'gzip' } }));
      expect([response.status, response.headers.get('content-encoding')]).toEqual([200, 'gzip']);
      bytes += (await response.arrayBuffer()).byteLength;
    }
    expect(bytes).toBeLessThanOrEqual(60 * 1024);
  });
});
