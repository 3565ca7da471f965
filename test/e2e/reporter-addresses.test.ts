/** What reporters read, of the API and in the console: no URL, host or path of either end, whatever error a run ended with. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../lib/api/endpoints.ts';
import { createConsole } from '../../lib/console/create-console.tsx';
import { type ErrorCode, errorCatalogue } from '../../lib/core/error-catalogue.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import { newHookToken } from '../../lib/model/hook-secret.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { type Browser, startTestConsole, type TestConsole } from '../support/console.ts';
import { sampleMirror, sampleProject, sampleRun } from '../support/sample-records.ts';
import { hook } from '../support/scenario.ts';
import { until } from '../support/service.ts';
import { createProject, ok, serviceScenario } from '../support/service-scenario.ts';

const ends = {
  source: 'https://forge.inside.example:8443/hidden-source/one.git',
  target: 'ssh://mirror.inside.example:2222/hidden-target/two.git',
  upstream: 'https://upstream.inside.example/hidden-upstream/three.git',
  lfs: 'https://lfs.inside.example:9443/hidden-store/four',
} as const;
/** No part of these may be read. */
const places = /inside\.example|hidden-(?:source|target|upstream|store)|10\.9\.8\.7|fd00:|8443|2222|9443/i;

/** As hosts, Node and gitferry itself name a place. */
const wordsOn = (...urls: readonly string[]): string =>
  urls
    .map((url) => new URL(url))
    .flatMap(({ href, host, hostname, pathname }) => [
      `No entry at ${href}: ${href.toUpperCase()} is private.`,
      `${host} and ${hostname.toUpperCase()}: reset.`,
      `'${pathname}' and ${pathname.slice(1).replace('.git', '')} not found; ${JSON.stringify(pathname).replaceAll('/', '\\/')}.`,
      `GET /api/v4/projects/${encodeURIComponent(pathname.slice(1).replace('.git', ''))}`,
    ])
    .concat('connect ECONNREFUSED 10.9.8.7:443, [fd00::1]:22', 'getaddrinfo ENOTFOUND deep.inside.example')
    .concat('moved to https://elsewhere.inside.example/x and git://old.inside.example/y', 'deep.inside.example:9000: closed.')
    .join(' ');

type Ids = Readonly<Record<string, string>>;
let site: TestConsole;
let ids: Ids;
let mirrors: number;
let runs: readonly string[];

beforeAll(async () => {
  site = await startTestConsole();
  ({ ids, mirrors, runs } = await everything());
});
afterAll(() => site.close());

/** One of everything, each error that there is among the runs, and the words wherever a host or a failure may have put them. */
async function everything() {
  const { records, jobs } = site.deps;
  const now = Date.now();
  const project = await records.projects.create(sampleProject({ path: 'team/app', repositoryUrl: ends.source }), now);
  if (project === undefined) throw new Error('no project');
  await records.projects.protectBranch(project.id, 'main');
  const settings = { lfsUrl: ends.lfs, lfs: 'on' } as const;
  const mirrors = [
    await records.mirrors.create(project.id, 'push', sampleMirror({ ...settings, url: ends.target }), { now, dueAt: now }),
    await records.mirrors.create(project.id, 'pull', sampleMirror({ ...settings, url: ends.upstream }), { now, dueAt: now }),
  ].flatMap((mirror) => (mirror === undefined || mirror === 'exists' ? [] : [mirror]));
  const codes = Object.keys(errorCatalogue) as ErrorCode[];
  for (const mirror of mirrors) {
    const words = wordsOn(mirror.url, ends.source, ends.lfs);
    for (const [index, code] of codes.entries()) {
      const failure = new GitferryError(code, { detail: words, words, href: mirror.url, hint: words });
      const error = { code, message: failure.message, hint: failure.hint };
      const run = sampleRun({
        ...{
          id: `${index + 1}-${code}`,
          startedAt: now - 1000 - index,
          outcome: 'partial',
          error,
          notes: [words],
          counts: { rejected: 1 },
        },
        refs: [{ ref: 'refs/heads/main', result: 'rejected', old: null, new: 'a'.repeat(40), reason: words }],
        lfs: { moved: 0, skipped: 0, failed: 1, bytes: 0 },
        lfsFailures: [{ oid: 'b'.repeat(64), size: 1, code: 'lfs_object_missing', reason: words, path: 'big.bin' }],
      });
      await records.runs.put(mirror.id, run);
      if (index > 0) continue;
      const status = {
        updateStatus: 'failed',
        paused: true,
        lastUpdateAt: now,
        lastError: error,
        lastRun: run,
        heldBackDeletions: 12,
      } as const;
      await jobs.request(mirror, { trigger: { kind: 'manual', who: 'x' }, now, startAt: now, confirmDeletions: false, resume: false });
      await jobs.acquire(mirror, { token: 'lease', now });
      await jobs.release(mirror, 'lease', { status, now, nextDueAt: null, followUpAt: now });
    }
  }
  const hook = await records.hooks.create(project.id, { provider: 'github', tokenHash: hashToken(newHookToken(project.id)) }, now);
  if (hook !== undefined) await records.hooks.noteDelivery(hook, { now, of: 'upstream' });
  const push = String(mirrors[0]?.mirror);
  return {
    ids: { id: String(project.id), mirror_id: push, mirror: push, hook_id: String(hook?.id), hook: String(hook?.id), name: 'main' },
    mirrors: mirrors.length,
    runs: codes.map((code, index) => `${index + 1}-${code}`),
  };
}

/** Each route there is, as the two apps themselves say, by each method it knows; for each run and for both mirrors where it names one. */
function requests(surface: 'api' | 'console'): readonly { readonly method: string; readonly path: string }[] {
  const all =
    surface === 'api'
      ? endpoints.map(({ method, path }) => ({ method: method.toUpperCase(), path: `/api/v4${path}` }))
      : createConsole(site.deps).routes.map(({ method, path }) => ({ method, path: path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}') }));
  return all
    .filter(({ method, path }) => method !== 'ALL' && !/sign|asset|\*/.test(path))
    .flatMap(({ method, path }) =>
      (/\{run/.test(path) ? runs : ['1-none']).flatMap((run) =>
        (path.includes('{mirror}') ? [ids['mirror'], 'pull'] : [ids['mirror']]).map((mirror = '') => ({
          method,
          path: path.replace(/\{(\w+)\}/g, (_, name: string) => ({ ...ids, mirror, run, run_id: run })[name] ?? '1'),
        })),
      ),
    );
}

describe('a reporter', () => {
  it.each(['of the API', 'in the console'])('%s reads no address of either end, by any route and method', async (who) => {
    const token = await site.api.newToken('reporter', { projectIds: [Number(ids['id'])] });
    const person = await site.signedIn(token);
    const all = requests(who === 'of the API' ? 'api' : 'console');
    const answered = new Map<number, number>();
    for (const { method, path } of all) {
      const { status, text, headers } =
        who === 'of the API'
          ? await site.fetch(new Request(site.origin + path, { method, headers: { 'private-token': token } })).then(read)
          : await person.request(method, path, { headers: { origin: site.origin } });
      answered.set(status, (answered.get(status) ?? 0) + 1);
      const found = places.exec(text + JSON.stringify([...headers]));
      expect({ method, path, found: found === null ? null : text.slice(Math.max(0, found.index - 200), found.index + 100) }).toEqual({
        method,
        path,
        found: null,
      });
    }
    // Each run of both mirrors was read.
    expect(answered.get(200)).toBeGreaterThan(mirrors * runs.length);
  });

  it('is not told by a search, and a maintainer reads them all', async () => {
    const reporter = await site.signedIn(await site.api.newToken('reporter'));
    const maintainer = await site.signedIn(await site.api.newToken('maintainer'));
    const isFound = async (person: Browser) => (await person.get('/?q=inside.example')).text.includes('team/app');
    expect([await isFound(reporter), await isFound(maintainer)]).toEqual([false, true]);
    const run = `/projects/${ids['id']}/mirrors/${ids['mirror']}/runs/${runs[0]}`;
    expect((await maintainer.get(run)).text).toMatch(places);
    expect((await reporter.get(run)).text).toContain('[host]');
  });
});

describe('a reporter of the running service', () => {
  it('follows every link, and reads no address of hosts that failed in every way', async () => {
    const { service, forge } = await serviceScenario();
    const hosts = await forge('hidden-hosts', {
      intercept: ({ request, response }) => {
        const answer = {
          '/hidden-moved': () => response.writeHead(302, { location: 'https://elsewhere.inside.example/hidden-place/x' }).end(),
          '/hidden-told': () =>
            response
              .writeHead(403, { 'content-type': 'application/json' })
              .end(JSON.stringify({ message: `${request.url} on ${request.headers.host}` })),
          '/hidden-down': () =>
            response.writeHead(503, { 'content-type': 'text/plain' }).end(`http://${request.headers.host}${request.url} is down`),
        }[/^\/hidden-(?:moved|told|down)/.exec(request.url ?? '')?.[0] ?? ''];
        answer?.();
        return answer !== undefined;
      },
    });
    const source = await hosts.repository('hidden-source');
    await source.commit();
    const refusing = await hosts.repository('hidden-refusing');
    await hook(refusing.path, 'pre-receive', `echo "see ${refusing.url} or $PWD" >&2; exit 1`);
    const project = await createProject(service, 'team/app', source.url);
    const at = (path: string) => hosts.server.url(path);
    const closed = 'http://127.0.0.1:9/hidden-closed/x.git';
    const failing = ['hidden-moved', 'hidden-told', 'hidden-down', 'hidden-none.git'].map(at);
    const urls = [...failing, refusing.url, closed, 'https://deep.inside.example/hidden-nowhere.git'];
    const paths: string[] = [];
    for (const url of urls) {
      const { id } = ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url, enabled: true }));
      paths.push(`/projects/${project}/remote_mirrors/${id}`);
    }
    for (const path of paths) await until(path, async () => (ok(await service.api('GET', path)).last_run === null ? undefined : true));
    const { token } = ok(await service.api('POST', '/personal_access_tokens', { name: 'r', role: 'reporter', projects: [project] }));

    const signIn = await fetch(`${service.origin}/sign-in`, {
      ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams({ token }) },
      headers: { origin: service.origin },
    });
    const cookie = signIn.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const texts = new Map<string, string>();
    const waiting = ['/', `/projects/${project}`];
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      if (texts.has(path)) continue;
      const text = await (await fetch(service.origin + path, { headers: { cookie }, redirect: 'manual' })).text();
      texts.set(path, text);
      const links = [...text.matchAll(/ href="(\/[^"#]*)/g)].map(([, link = '']) => link.replaceAll('&amp;', '&'));
      waiting.push(...links.filter((link) => !link.startsWith('/assets')));
    }
    for (const path of paths) {
      const listed = ok(await service.api('GET', `${path}/runs`, undefined, token)) as { readonly id: string }[];
      for (const each of [path, `${path}/runs`, ...listed.map(({ id }) => `${path}/runs/${id}`)])
        texts.set(`API ${each}`, JSON.stringify(ok(await service.api('GET', each, undefined, token))));
    }
    const told = new RegExp(`inside\\.example|hidden-|:${hosts.server.port}|127\\.0\\.0\\.1:9\\b`);
    for (const [path, text] of texts) {
      const found = told.exec(text);
      expect({ path, found: found && text.slice(Math.max(0, found.index - 100), found.index + 100) }).toEqual({ path, found: null });
    }
    expect([...texts.keys()].filter((path) => path.includes('/runs/')).length).toBeGreaterThanOrEqual(2 * urls.length);
    const all = [...texts.values()].join();
    for (const code of [
      'redirect_refused',
      'permission_denied',
      'server_error',
      'repository_not_found',
      'refs_rejected',
      'connection_failed',
    ])
      expect(all).toContain(code);
  });
});

async function read(response: Response) {
  return { status: response.status, headers: response.headers, text: await response.text() };
}
