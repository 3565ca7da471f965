/** Mirrors that share one service: a host that hangs, and a project that is always busy, do not hold up the others. */

import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { git, temporaryFolder } from '../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { type RunningService, startService, until } from '../support/service.ts';
import type { TortureInput, TorturePart } from './torture-part.ts';

const hangingMirrors = 40;
const busyMirrors = 8;
const busyForMs = 30_000;
/** On one slow host, which the quiet project shares with a busy one: a run there takes seconds, and five times as many wait as there are places. */
const crowd = 40;
const slowHostMs = 700;
/** One run that is under way, the wait of one who is next, and its own run; on a machine with other work. */
const mostCrowdedMs = 30_000;
/** Projects whose source sends a byte now and then, and mirrors of each. */
const drippingProjects = 3;
const drippingMirrors = 10;
const dripEveryMs = 3_000;
/** Mirrors that wait at a host which hangs, and what an update elsewhere may take then. */
const waitingMirrors = 1_000;
const mostBesideMs = 2_000;
/** From "update now" to the commit on the target, while others are in trouble. */
const mostMs = 15_000;

export const neighbours: TorturePart = {
  name: 'neighbours',
  async run({ isQuick, report }) {
    await dripping(isQuick, report);
    await fullHost(isQuick, report);
    if (isQuick) return;
    const promised = `a quiet project's update is on its mirror within ${mostMs / 1000} s`;
    const hanging = await withQuarter(async (quarter) => {
      const tarpit = createServer((socket) => void socket.on('error', () => {}).resume());
      await new Promise<void>((resolve) => tarpit.listen(0, '127.0.0.2', resolve));
      const { port } = tarpit.address() as AddressInfo;
      for (let n = 0; n < hangingMirrors; n++)
        await quarter.mirror(`hang/${n}`, `http://127.0.0.2:${port}/s.git`, `http://127.0.0.2:${port}/${n}.git`);
      const times = await quarter.measure(8);
      tarpit.close();
      return times;
    });
    report({ fault: `a host that hangs has ${hangingMirrors} mirrors waiting`, injected: hangingMirrors, promised, ...verdict(hanging) });
    let updates = 0;
    const busy = await withQuarter(async (quarter) => {
      const mirrors = [];
      for (let n = 0; n < busyMirrors; n++) mirrors.push(await quarter.mirror(`busy/${n}`, 'busy'));
      const end = performance.now() + busyForMs;
      const noise = (async () => {
        while (performance.now() < end) {
          for (const mirror of mirrors) {
            await quarter.service.api('POST', `${mirror}/sync`);
            updates++;
          }
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      })();
      const times = await quarter.measure(8);
      await noise;
      return times;
    });
    report({ fault: `a busy project asks again and again for ${busyMirrors} mirrors`, injected: updates, promised, ...verdict(busy) });
    let crowded = 0;
    const sharing = await withQuarter(
      async (quarter) => {
        const mirrors = await quarter.mirrors('crowd', 'quiet', crowd);
        const stop = new AbortController();
        const noise = (async () => {
          while (!stop.signal.aborted) {
            for (const mirror of mirrors) {
              await quarter.service.api('POST', `${mirror}/sync`);
              crowded++;
            }
            await new Promise((resolve) => setTimeout(resolve, 200));
          }
        })();
        const times = await quarter.measure(6);
        stop.abort();
        await noise;
        return times;
      },
      { quietDelayMs: slowHostMs },
    );
    report({
      fault: `a busy project has ${crowd} mirrors on the quiet one's own slow host, and asks for them again and again`,
      injected: crowded,
      promised: `a quiet project's update is on its mirror within ${mostCrowdedMs / 1000} s`,
      ...verdict(sharing, mostCrowdedMs),
    });
  },
};

async function dripping(isQuick: boolean, report: TortureInput['report']): Promise<void> {
  const times = await withQuarter(async (quarter) => {
    const drips = await Promise.all(Array.from({ length: drippingProjects }, startDrip));
    try {
      for (const [n, { origin }] of drips.entries())
        await quarter.mirrors(`drip/${n}`, `${origin}/s.git`, drippingMirrors, (target) => `${origin}/${target}.git`);
      await until('a dripping source', async () => (drips.every(({ asked }) => asked() > 0) ? true : undefined));
      return await quarter.measure(isQuick ? 2 : 8);
    } finally {
      for (const drip of drips) drip.close();
    }
  });
  const mirrors = drippingProjects * drippingMirrors;
  report({
    fault: `sources of ${drippingProjects} projects with ${mirrors} mirrors send a byte every ${dripEveryMs / 1000} s`,
    injected: mirrors,
    promised: `a quiet project's update is on its mirror within ${mostMs / 1000} s`,
    ...verdict(times),
  });
}

async function fullHost(isQuick: boolean, report: TortureInput['report']): Promise<void> {
  const count = isQuick ? 40 : waitingMirrors;
  const times = await withQuarter(async (quarter) => {
    const tarpit = createServer((socket) => void socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => tarpit.listen(0, '127.0.0.2', resolve));
    const { port } = tarpit.address() as AddressInfo;
    try {
      const projects = Array.from({ length: count }, (_, n) => n);
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let n = projects.pop(); n !== undefined; n = projects.pop())
            await quarter.mirror(`full/${n}`, `http://127.0.0.2:${port}/s.git`, `http://127.0.0.2:${port}/${n}.git`);
        }),
      );
      // Its run comes when the others have found that there is no room for them.
      await quarter.measure(1);
      return await quarter.measure(isQuick ? 2 : 8);
    } finally {
      tarpit.close();
    }
  });
  report({
    fault: `${count} mirrors wait at a host that hangs`,
    injected: count,
    promised: `an update at another host is on its mirror within ${mostBesideMs / 1000} s`,
    // Beside the other tests a run takes longer by itself.
    ...verdict(times, isQuick ? mostMs : mostBesideMs),
  });
}

/** Answers every request with a list of refs that never gets far. */
async function startDrip(): Promise<{ readonly origin: string; asked(): number; close(): void }> {
  let asked = 0;
  const server = createHttpServer((request, response) => {
    asked++;
    request.resume();
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
    const bytes = Buffer.from('001e# service=git-upload-pack\n0000');
    let at = 0;
    const timer = setInterval(() => response.write(bytes.subarray(at % bytes.length, (at++ % bytes.length) + 1)), dripEveryMs);
    response.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked, close };
}

function verdict(times: readonly number[], boundMs = mostMs): { readonly seen: string; readonly breaches: readonly string[] } {
  const sorted = [...times].sort((a, b) => a - b);
  const longest = sorted.at(-1) ?? Number.POSITIVE_INFINITY;
  const seen = `${times.length} updates of the quiet project: median ${Math.round(sorted[Math.floor(times.length / 2)] ?? 0)} ms, longest ${Math.round(longest)} ms`;
  return { seen, breaches: longest > boundMs ? [seen] : [] };
}

interface Quarter {
  readonly service: RunningService;
  /** A mirror of a source (ours, or with `url` any), with its first run asked for. Resolves with its path in the API. */
  mirror(path: string, source: string, url?: string): Promise<string>;
  /** So many of one project, on the server of `source`, or (with `urlOf`) anywhere. */
  mirrors(path: string, source: string, count: number, urlOf?: (target: string) => string): Promise<readonly string[]>;
  /** Updates of the quiet project, one after the other. */
  measure(times: number): Promise<readonly number[]>;
}

async function withQuarter<T>(work: (quarter: Quarter) => Promise<T>, { quietDelayMs = 0 } = {}): Promise<T> {
  const folder = await temporaryFolder();
  const servers: GitHttpServer[] = [];
  const service = await startService({
    folder: folder.path,
    environment: { GITFERRY_LOG_LEVEL: 'error', GITFERRY_ALLOW_ADDRESSES: '127.0.0.0/8' },
  });
  try {
    await service.api('PUT', '/application/settings', { push_min_interval: 0 });
    const serve = async (name: string, delayMs = 0): Promise<GitHttpServer> => {
      await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', join(folder.path, name, 'source.git')]);
      const server = await startGitHttpServer({ root: join(folder.path, name), delayMs });
      servers.push(server);
      return server;
    };
    const sources: Readonly<Record<string, GitHttpServer>> = { busy: await serve('busy'), quiet: await serve('quiet', quietDelayMs) };
    let targets = 0;
    const newTarget = async (source: string): Promise<string> => {
      const name = `target${++targets}.git`;
      await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', join(folder.path, source, name)]);
      return name;
    };
    const register = async (projectId: number, url: string | undefined): Promise<string> => {
      const made = (await service.api('POST', `/projects/${projectId}/remote_mirrors`, { url, enabled: true })).body;
      return `/projects/${projectId}/remote_mirrors/${made.id}`;
    };
    const mirror = async (path: string, source: string, url?: string): Promise<string> => {
      if (url === undefined) await commit(join(folder.path, source, 'source.git'));
      const to = url ?? sources[source]?.url(await newTarget(source));
      const { id } = (await service.api('POST', '/projects', { path, repository_url: sources[source]?.url('source.git') ?? source })).body;
      return register(id, to);
    };
    const mirrors: Quarter['mirrors'] = async (path, source, count, urlOf) => {
      const { id } = (await service.api('POST', '/projects', { path, repository_url: sources[source]?.url('source.git') ?? source })).body;
      const made: string[] = [];
      for (let n = 0; n < count; n++) made.push(await register(id, urlOf?.(String(n)) ?? sources[source]?.url(await newTarget(source))));
      return made;
    };
    const quiet = await mirror('quiet/app', 'quiet');
    const target = join(folder.path, 'quiet', `target${targets}.git`);
    return await work({
      service,
      mirror,
      mirrors,
      async measure(times) {
        const found: number[] = [];
        for (let n = 0; n < times; n++) {
          const oid = await commit(join(folder.path, 'quiet', 'source.git'));
          const startedAt = performance.now();
          await service.api('POST', `${quiet}/sync`);
          const at = async (): Promise<string> => git(target, ['rev-parse', '--verify', '--quiet', 'refs/heads/main']).catch(() => '');
          await until('the quiet mirror', async () => ((await at()) === oid ? true : undefined), 120_000);
          found.push(performance.now() - startedAt);
        }
        return found;
      },
    });
  } catch (error) {
    throw new Error(`${String(error)}\n${service.output().slice(-3000)}`);
  } finally {
    await service.end('SIGKILL');
    await Promise.all(servers.map((server) => server.close()));
    await folder.remove();
  }
}

async function commit(path: string): Promise<string> {
  const parent = await git(path, ['rev-parse', '--verify', '--quiet', 'refs/heads/main']).catch(() => '');
  const tree = await git(path, ['mktree'], { input: '' });
  const oid = await git(path, ['commit-tree', tree, ...(parent === '' ? [] : ['-p', parent]), '-m', String(process.hrtime.bigint())]);
  await git(path, ['update-ref', 'refs/heads/main', oid]);
  return oid;
}
