/** 500 webhooks a second for a minute on the local service with 1,000 mirrors. */
import { fork } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { temporaryFolder } from '../support/git.ts';
import { type RunningService, startService } from '../support/service.ts';
import type { LoadRequest, LoadResult } from './load-generator.ts';
import type { TorturePart } from './torture-part.ts';

const mirrors = Number(process.env['GITFERRY_LOAD_MIRRORS'] ?? 1_000);
const perSecond = Number(process.env['GITFERRY_LOAD_PER_SECOND'] ?? 500);
const seconds = 60;
const mostMs = 100;
/** After the load all that was asked for has been run. */
const servedWithinMs = 180_000;

export const webhookLoad: TorturePart = {
  name: 'webhook-load',
  async run({ isQuick, report }) {
    if (isQuick) return;
    const folder = await temporaryFolder();
    const service = await startService({
      folder: folder.path,
      environment: { GITFERRY_LOG_LEVEL: 'error', GITFERRY_ALLOW_ADDRESSES: '127.0.0.0/8' },
    });
    const hosts = createServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => hosts.listen(0, '0.0.0.0', resolve));
    try {
      const subjects = await register(service, (hosts.address() as AddressInfo).port);
      const requests = subjects.map(({ request }) => request);
      const load = fork(new URL('torture-load.js', import.meta.url).pathname, []);
      const generate = async (rate: number, length: number): Promise<LoadResult> => {
        load.send({ requests, perSecond: rate, seconds: length });
        return (await once(load, 'message'))[0] as LoadResult;
      };
      // What registering brought about is over before the load begins.
      const first = await unserved(service, subjects, { lastAccepted: [] });
      if (first > 0) throw new Error(`${first} mirrors had no first run`);
      // Each mirror once: what a process reads and keeps of a project is there, as on a service that has been up for a while.
      await generate(100, mirrors / 100);
      const cpuBefore = await threadSeconds(service);
      const result = await generate(perSecond, seconds);
      const cpu = (await threadSeconds(service)).map((all, place) => all - (cpuBefore[place] ?? 0));
      load.disconnect();
      const { sent, statuses, p50Ms, p99Ms, longestMs, longestBySecond } = result;
      const slow = longestBySecond.flatMap((longest, second) => (longest > mostMs ? [`${second}: ${longest} ms`] : []));
      const endedAt = performance.now();
      const lost = await unserved(service, subjects, result);
      const servedMs = performance.now() - endedAt;
      const breaches = [
        ...(p99Ms > mostMs ? [`p99 ${p99Ms.toFixed(0)} ms`] : []),
        ...(statuses['202'] === sent ? [] : [`answers: ${JSON.stringify(statuses)}`]),
        ...(lost > 0 ? [`${lost} mirrors had no run after their last event`] : []),
      ];
      report({
        fault: `${perSecond} webhooks/s for ${seconds} s, ${mirrors} mirrors, one process`,
        injected: sent,
        promised: `p99 ≤ ${mostMs} ms, no 5xx, nothing lost`,
        seen: `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, longest ${longestMs.toFixed(0)} ms (seconds with more than ${mostMs} ms: ${slow.join(', ') || 'none'}); ${JSON.stringify(statuses)}; busy: main thread ${share(cpu[0])}, thread of the embedded AWS endpoints ${share(Math.max(...cpu.slice(1)))} of a core; every mirror run within ${Math.round(servedMs / 1000)} s after the end`,
        breaches,
      });
    } finally {
      await service.end('SIGKILL');
      hosts.closeAllConnections();
      hosts.close();
      await folder.remove();
    }
  },
};

interface Subject {
  readonly request: LoadRequest;
  /** In the API. */
  readonly mirror: string;
}

/** Every mirror has a host of its own, which knows no repository: this is about webhooks, and everything of a run but Git is there. */
async function register({ api }: RunningService, port: number): Promise<readonly Subject[]> {
  const subjects: Subject[] = [];
  const one = async (index: number): Promise<void> => {
    const host = `127.1.${Math.floor(index / 250)}.${(index % 250) + 1}:${port}`;
    const source = `http://${host}/source.git`;
    const { id } = (await api('POST', '/projects', { path: `load/${index}`, repository_url: source })).body;
    const mirror = (await api('POST', `/projects/${id}/remote_mirrors`, { url: `http://${host}/mirror.git`, enabled: true })).body;
    const hook = (await api('POST', `/projects/${id}/incoming_hooks`, { provider: 'github' })).body;
    const body = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: `load/${index}`, clone_url: source } });
    const signature = `sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}`;
    const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signature };
    subjects.push({ request: { url: hook.url, headers, body }, mirror: `/projects/${id}/remote_mirrors/${mirror.id}` });
  };
  for (let from = 0; from < mirrors; from += 10) await Promise.all(Array.from({ length: 10 }, (_, n) => one(from + n)));
  return subjects;
}

/** How many had no run after the last event that was accepted. */
async function unserved(
  { api }: RunningService,
  subjects: readonly Subject[],
  { lastAccepted }: Pick<LoadResult, 'lastAccepted'>,
): Promise<number> {
  let left = subjects.map(({ mirror }, place) => ({ mirror, since: lastAccepted[place] ?? 0 }));
  const end = performance.now() + servedWithinMs;
  while (left.length > 0 && performance.now() < end) {
    const next: typeof left = [];
    for (const subject of left) {
      const { last_update_started_at: startedAt } = (await api('GET', subject.mirror)).body;
      if (!(Date.parse(startedAt) >= subject.since)) next.push(subject);
    }
    left = next;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return left.length;
}

/** CPU time of the service's threads since they began, the main one first. */
async function threadSeconds({ process: { pid } }: RunningService): Promise<readonly number[]> {
  const ids = (await readdir(`/proc/${pid}/task`)).sort((a, b) => Number(a) - Number(b));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${pid}/task/${id}/stat`, 'utf8')));
  // proc(5): utime and stime, in hundredths of a second, are the 12th and 13th field behind the name.
  return lines.map((line) => {
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  });
}

function share(cpuSeconds: number | undefined): string {
  return `${Math.round(((cpuSeconds ?? 0) / seconds) * 100)} %`;
}
