/** Every page of the console in a real browser: what it looks like, keyboard, without script. */
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { errorCatalogue } from '../../lib/core/error-catalogue.ts';
import type { Run, RunRef } from '../../lib/model/run.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { openBrowser } from '../support/browser.ts';
import { startTestConsole, type TestConsole } from '../support/console.ts';
import { isAvailable } from '../support/programs.ts';
import { sampleMirror, sampleProject, sampleRun } from '../support/sample-records.ts';

/** A folder for pictures of the pages, to be looked at; docs/images holds two of them. Not set in tests. */
const pictures = process.env['GITFERRY_SCREENSHOTS'];
const minute = 60_000;
const hour = 60 * minute;
const ownerToken = 'gf_owner-of-the-pages';

interface Served {
  readonly site: TestConsole;
  readonly origin: string;
}

/** The app on a port of its own, over tables that hold whatever the test puts there; nothing runs behind it. */
async function served(): Promise<Served> {
  let answer: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 });
  const server = createAdaptorServer({ fetch: (request) => answer(request) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const site = await startTestConsole((deps) => ({ ...deps, publicUrl: origin }));
  answer = (request) => site.fetch(request);
  onTestFinished(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await site.close();
  });
  const { tokens } = site.deps.records;
  await tokens.create({
    name: 'mina',
    role: 'owner',
    projectIds: null,
    expiresAt: null,
    createdAt: Date.now(),
    tokenHash: hashToken(ownerToken),
  });
  return { site, origin };
}

const oid = (letter: string): string => `${letter}4c9e7${letter}b0123456789abcdef0123456789abcdef0`;

const failedRefs: readonly RunRef[] = [
  { ref: 'refs/heads/main', result: 'rejected', old: oid('3'), new: oid('9'), reason: 'protected branch hook declined' },
  {
    ref: 'refs/heads/release/2.4',
    result: 'diverged',
    old: oid('a'),
    new: oid('b'),
    reason: 'the target has commits that the source does not have',
  },
  { ref: 'refs/heads/feature/rope-length', result: 'created', old: null, new: oid('c'), reason: null },
  { ref: 'refs/heads/fix/tide-table', result: 'updated', old: oid('d'), new: oid('e'), reason: null },
  { ref: 'refs/tags/v2.4.0', result: 'created', old: null, new: oid('f'), reason: null },
  { ref: 'refs/heads/old/dock', result: 'kept', old: oid('7'), new: null, reason: 'it has commits that the default branch does not have' },
];

/** A harbour's worth of projects in every state. Resolves with the mirror that has a history, and its run that failed in part. */
async function fill({
  records,
  jobs,
}: TestConsole['deps']): Promise<{ readonly project: string; readonly mirror: string; readonly run: string }> {
  const now = Date.now();
  let detail = { project: '', mirror: '', run: '' };
  const kinds = [
    { path: 'harbour/pilot', to: 'https://github.com/harbour/pilot.git', state: 'partial' },
    { path: 'harbour/tide-table', to: 'https://gitlab.com/harbour/tide-table.git', state: 'failed' },
    { path: 'harbour/crane', to: 'https://bitbucket.org/harbour/crane.git', state: 'success' },
    { path: 'tools/anvil', to: 'ssh://codeberg.org/tools/anvil.git', state: 'success' },
    { path: 'tools/rope-and-pulley', to: 'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/rope', state: 'running' },
    { path: 'charts/north-sea', to: 'https://github.com/charts/north-sea.git', state: 'success' },
    { path: 'charts/soundings', to: 'https://git.example.org/charts/soundings.git', state: 'disabled' },
    { path: 'museum/lightship', to: 'https://github.com/museum/lightship.git', state: 'success' },
  ] as const;
  for (const [place, { path, to, state }] of kinds.entries()) {
    const repositoryUrl = `https://code.harbour.example/${path}.git`;
    const project = await records.projects.create(sampleProject({ path, repositoryUrl }), now);
    if (project === undefined) throw new Error('no project');
    const settings = sampleMirror({ url: to, enabled: state !== 'disabled', keepDivergentRefs: place === 0 });
    const mirror = await records.mirrors.create(project.id, place === 5 ? 'pull' : 'push', settings, { now, dueAt: now + hour });
    if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
    if (state === 'disabled') continue;
    const outcomes: readonly Run['outcome'][] = [
      'success',
      'success',
      'success',
      'partial',
      'success',
      'failed',
      'success',
      'success',
      'success',
      state === 'running' ? 'success' : state,
    ];
    for (const [turn, outcome] of outcomes.entries()) {
      const startedAt = now - (outcomes.length - turn) * (3 * hour + place * 7 * minute) + 2.5 * hour;
      const token = `token-${place}-${turn}`;
      const code = outcome === 'failed' ? 'credentials_refused' : 'refs_rejected';
      const { sentence, hint } = errorCatalogue[code];
      const refs = outcome === 'partial' ? failedRefs : outcome === 'success' ? failedRefs.slice(2, 4) : [];
      const counts: Record<string, number> = {};
      for (const { result } of refs) counts[result] = (counts[result] ?? 0) + 1;
      const run = sampleRun({
        id: `${startedAt}-${token}`,
        startedAt,
        finishedAt: startedAt + 800 + ((turn * 7919) % 5) * 900,
        trigger: turn % 4 === 3 ? { kind: 'manual', who: 'mina' } : { kind: 'event', who: 'github' },
        outcome,
        refs,
        refsTotal: refs.length,
        counts,
        bytes: refs.length * 48_211,
        error:
          outcome === 'success'
            ? null
            : {
                code,
                message:
                  outcome === 'failed'
                    ? sentence
                    : `${sentence}\nrefs/heads/main\n\n${errorCatalogue.refs_diverged.sentence}\nrefs/heads/release/2.4`,
                hint,
              },
      });
      await records.runs.put(mirror.id, run);
      if (turn < outcomes.length - 1) continue;
      const { finishedAt, error } = run;
      await jobs.request(mirror, { trigger: run.trigger, now: startedAt, startAt: startedAt, confirmDeletions: false, resume: false });
      await jobs.acquire(mirror, { token, now: startedAt });
      await jobs.begin(mirror, token, startedAt);
      const status = {
        updateStatus: outcome === 'success' ? ('finished' as const) : ('failed' as const),
        lastUpdateAt: finishedAt,
        ...(outcome === 'success' ? { lastSuccessfulUpdateAt: finishedAt } : { lastSuccessfulUpdateAt: finishedAt - 3 * hour }),
        lastError: error,
        lastRun: run,
      };
      await jobs.release(mirror, token, { status, now: finishedAt, nextDueAt: now + hour, followUpAt: now });
      if (state === 'running') {
        await jobs.request(mirror, { trigger: run.trigger, now, startAt: now, confirmDeletions: false, resume: false });
        await jobs.acquire(mirror, { token: 'now', now });
        await jobs.begin(mirror, 'now', now);
      }
      if (place === 0 && outcome === 'partial')
        detail = { project: `/projects/${project.id}`, mirror: `/projects/${project.id}/mirrors/${mirror.mirror}`, run: run.id };
    }
  }
  return detail;
}

describe.skipIf(!isAvailable('chromium'))('pages with much on them', () => {
  it('are accessible in both colour schemes, fit a phone, and are quiet', { timeout: 120_000 }, async () => {
    const { site, origin } = await served();
    const { project, mirror, run } = await fill(site.deps);
    const { id } = await site.api.newProject('harbour/master', {});
    await site.deps.records.projects.protectBranch(Number(project.split('/')[2]), 'release/*');
    const browser = await openBrowser(origin);
    const { page } = browser;
    await page.goto(`${origin}/sign-in`);
    await page.getByLabel('Access token').fill(ownerToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Mirrors' }).waitFor();
    await page.goto(`${origin}${project}`);
    await page.getByLabel('Provider').selectOption('gitlab');
    await page.getByRole('button', { name: 'Make a webhook' }).click();
    await page.getByText('shown this once').waitFor();
    const pages: readonly (readonly [string, string])[] = [
      ['webhook-secret', ''],
      ['overview', '/'],
      ['overview-failing', '/?state=failing'],
      ['project', project],
      ['project-of-nothing', `/projects/${id}`],
      ['activity', `${project}/activity`],
      ['mirror', mirror],
      ['mirror-edit', `${mirror}/edit`],
      ['mirror-delete', `${mirror}/delete`],
      ['new-pull-mirror', `${project}/mirrors/new?direction=pull`],
      ['run', `${mirror}/runs/${run}`],
      ['project-new', '/projects/new'],
      ['project-edit', `${project}/edit`],
      ['settings', '/settings'],
      ['settings-tokens', '/settings/tokens'],
      ['settings-credentials', '/settings/credentials'],
    ];
    if (pictures !== undefined) await mkdir(pictures, { recursive: true });
    for (const [name, path] of pages) {
      if (path !== '') expect((await page.goto(`${origin}${path}`))?.status(), path).toBe(200);
      expect(await browser.accessibilityViolations(), name).toEqual([]);
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 860 });
        expect(await browser.overflow(), `${name} at ${width} px`).toBe(0);
        if (pictures === undefined) continue;
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await page.screenshot({ path: join(pictures, `${name}-${colorScheme}-${width}.png`), fullPage: true });
        }
      }
    }
    expect(browser.complaints).toEqual([]);
  });
});
