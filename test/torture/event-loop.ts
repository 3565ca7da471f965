/** Whether one request holds up the others: the service with everything at once that takes long to read, compile or match, and a watch on its event loop. */
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, temporaryFolder } from '../support/git.ts';
import { startGitHttpServer } from '../support/git-http-server.ts';
import { sendHalf } from '../support/half-sent.ts';
import { type RunningService, startService } from '../support/service.ts';
import type { TorturePart } from './torture-part.ts';

/** The figure of the promise, on a machine that does nothing else. */
const mostMs = 200;
/** Beside other tests, which hold up every process for a while: what was mended held the loop for seconds. */
const mostQuickMs = 1_500;
/** On a busy one: this many times the longest delay of the same service under ordinary requests, if that is more. */
const mostTimes = 4;
const tries = 3;
const mostMiB = 200;
const MiB = 1024 * 1024;

/** Runs in the service's process: says the longest delay of its event loop since it was last asked, by signal. */
const watch = `
import { monitorEventLoopDelay } from 'node:perf_hooks';
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.on('SIGUSR2', () => {
  process.stderr.write('event loop: ' + Math.round(delay.max / 1e6) + ' ms, memory: ' + Math.round(process.memoryUsage().rss / 1048576) + ' MiB\\n');
  delay.reset();
});
`;

interface Scene {
  readonly service: RunningService;
  readonly project: number;
  readonly hook: { readonly url: string; readonly secret: string };
  readonly token: string;
  /** Of a maintainer's session in the console. */
  readonly cookie: string;
}

interface Attack {
  readonly name: string;
  run(scene: Scene): Promise<unknown>;
}

const signed = (body: string) => ({
  name: `a signed webhook of ${Math.round(body.length / 1024)} KiB beginning with ${body.slice(0, 14)}`,
  run: ({ service, hook }: Scene) =>
    service.deliver(hook.url, { 'x-signature': `sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}` }, body),
});

const call = (method: string, path: string, type: string, body: string) => ({
  name: `${method} ${path} with ${Math.round(body.length / 1024)} KiB of ${type} beginning with ${body.slice(0, 14)}`,
  run: ({ service, project, token }: Scene) =>
    fetch(`${service.origin}/api/v4${path.replace(':id', String(project))}`, {
      method,
      headers: { 'private-token': token, 'content-type': type },
      body,
    }).then((answer) => answer.text(), String),
});

const page = (path: string, body: string) => ({
  name: `a form of ${Math.round(body.length / 1024)} KiB for ${path} beginning with ${body.slice(0, 14)}`,
  run: ({ service: { origin }, project, cookie }: Scene) =>
    fetch(origin + path.replace(':id', String(project)), {
      method: 'POST',
      redirect: 'manual',
      headers: { origin, cookie, 'content-type': form },
      body,
    }).then((answer) => answer.text(), String),
});

const preview = (regex: string) => ({
  name: `a preview of ${regex.slice(0, 30)} (${regex.length} characters)`,
  run: ({ service, project }: Scene) =>
    service.api('POST', `/projects/${project}/mirror/preview`, { direction: 'push', mirror_branch_regex: regex, mirror_tags: regex }),
});

const json = 'application/json';
const form = 'application/x-www-form-urlencoded';
const multipart = `multipart/form-data; boundary=b`;
const names = (count: number): string => Array.from({ length: count }, (_, index) => `"k${index}":1`).join();

const attacks: readonly Attack[] = [
  signed('['.repeat(4 * MiB)),
  signed('['.repeat(2 * MiB) + ']'.repeat(2 * MiB)),
  signed(`[${`${'['.repeat(50)}${']'.repeat(50)},`.repeat(40_000)}0]`),
  signed(`[${Array.from({ length: 49_000 }, (_, index) => `{"k${index}":1}`).join()}]`),
  signed(`{${names(74_000)}}`),
  signed(`payload=${'+'.repeat(4 * MiB - 8)}`),
  signed('a&'.repeat(2 * MiB)),
  signed(`{"refs":[${Array.from({ length: 16_000 }, (_, index) => `"refs/heads/${'ab'.repeat(118)}${index}"`).join()}]}`),
  call('DELETE', '/projects/:id/mirror/pull', json, '['.repeat(MiB)),
  call('DELETE', '/projects/:id', form, 'a[]=&'.repeat(200_000)),
  call('POST', '/projects/:id/mirror/pull', json, `{${names(20_000)}}`),
  call('POST', '/projects/:id/mirror/pull', json, `{${'"a":1,'.repeat(40_000)}"a":1}`),
  call('POST', '/projects/:id/mirror/pull', json, `{"__proto__":${'1'.repeat(200_000)}}`),
  call('PUT', '/projects/:id', form, 'a[b][c]=&'.repeat(9_000)),
  call('PUT', '/projects/:id', form, '+'.repeat(256 * 1024)),
  call('PUT', '/projects/:id', multipart, `--b\r\n${'a: b\r\n'.repeat(10_000)}`),
  page('/sign-in', `token=${'+'.repeat(256 * 1024)}`),
  page('/projects/:id/mirrors/new', 'a[]=&'.repeat(50_000)),
  page('/projects/:id/mirrors/new', `url=${'https://a@'.repeat(6_000)}`),
  page('/projects/:id/protected-branches', `name=${'%2A'.repeat(20_000)}`),
  call('GET', `/projects?${'a[]=&'.repeat(2_500)}`, json, ''),
  preview('.{1,1000}'.repeat(25)),
  preview('(.{1,30}){1,30}'.repeat(17)),
  preview('(a?b?){199}c'),
  preview('a.{490}c'),
  preview('\\pL'.repeat(49)),
];

export const eventLoop: TorturePart = {
  name: 'event-loop',
  async run({ isQuick, report }) {
    const folder = await temporaryFolder();
    const watching = join(folder.path, 'watch.mjs');
    await writeFile(watching, watch);
    const service = await startService({
      folder: folder.path,
      environment: { GITFERRY_LOG_LEVEL: 'error', NODE_OPTIONS: `--import=file://${watching}` },
    });
    const source = await startSource(folder.path, isQuick ? 500 : 100_000);
    try {
      const scene = await open(service, source.url);
      await ordinary(scene);
      await watched(service);
      await ordinary(scene);
      const usual = await watched(service);
      const most = isQuick ? mostQuickMs : mostMs;
      const bound = Math.max(most, usual.ms * mostTimes);
      let worst = { name: '', ms: 0 };
      const breaches: string[] = [];
      const judge = async (name: string, run: () => Promise<unknown>): Promise<void> => {
        // A busy machine holds up everything now and then, an attack whenever it is made.
        let ms = Number.POSITIVE_INFINITY;
        for (let attempt = 1; attempt <= tries && ms > bound; attempt++) {
          await watched(service);
          await run();
          ms = Math.min(ms, (await watched(service)).ms);
        }
        if (ms > worst.ms) worst = { name, ms };
        if (ms > bound) breaches.push(`${name}: ${ms} ms`);
      };
      // First: what the others leave behind would be taken for room.
      const { mib, statuses } = await halfSent(scene);
      if (mib > mostMiB) breaches.push(`150 half-sent bodies took ${mib} MiB`);
      // 4 MiB each of the 16 that bodies of one project may take.
      if (statuses[408] !== 4 || statuses[503] !== 146) breaches.push(`half-sent bodies were answered ${JSON.stringify(statuses)}`);
      for (const { name, run } of attacks) await judge(name, () => run(scene));
      await judge('all at once', () => Promise.all(attacks.map(({ run }) => run(scene))));
      report({
        fault: `${attacks.length} requests that take long to read, compile or match, one by one and at once; a source of ${source.branches} branches`,
        injected: attacks.length * 2 + 1,
        promised: `no request holds the event loop for more than ${most} ms (or, on a busy machine, ${mostTimes} times what ordinary requests do here); half-sent bodies take less than ${mostMiB} MiB and are answered 503 or 408`,
        seen: `longest ${worst.ms} ms (${worst.name}); ordinary requests ${usual.ms} ms; 150 half-sent bodies took ${mib} MiB, answered ${JSON.stringify(statuses)}`,
        breaches,
      });
    } finally {
      await service.end('SIGKILL');
      await source.close();
      await folder.remove();
    }
  },
};

/** The longest delay of the service's event loop since the last look, and its memory now. */
async function watched({ process, output }: RunningService): Promise<{ readonly ms: number; readonly mib: number }> {
  const seen = output().length;
  process.kill('SIGUSR2');
  for (;;) {
    const [, ms, mib] = /event loop: (\d+) ms, memory: (\d+) MiB/.exec(output().slice(seen)) ?? [];
    if (ms !== undefined) return { ms: Number(ms), mib: Number(mib) };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What the service does all day. */
async function ordinary({ service, project, hook }: Scene): Promise<void> {
  const body = JSON.stringify({ ref: 'refs/heads/main' });
  for (let count = 0; count < 20; count++) {
    await service.api('GET', `/projects/${project}`);
    await service.deliver(hook.url, { 'x-signature': `sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}` }, body);
  }
  await service.api('POST', `/projects/${project}/mirror/preview`, { direction: 'push', mirror_branch_regex: '^main' });
}

/** 150 webhooks to a known hook that stop half-way: the memory that they take while they are there, and how they are answered. */
async function halfSent({ service, hook }: Scene): Promise<{ readonly mib: number; readonly statuses: Readonly<Record<number, number>> }> {
  const { mib: before } = await watched(service);
  const { port, pathname } = new URL(hook.url);
  const sent = Array.from({ length: 150 }, () => sendHalf(Number(port), 'POST', pathname, {}, { stated: 4 * MiB, sent: 3 * MiB }));
  const statuses: Record<number, number> = {};
  let most = before;
  let isOver = false;
  // Those that found room are answered last, when their time is up.
  const answered = Promise.all(
    sent.map(async ({ status }) => {
      const code = await status.catch(() => 0);
      statuses[code] = (statuses[code] ?? 0) + 1;
    }),
  ).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    most = Math.max(most, (await watched(service)).mib);
    await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  for (const { hangUp } of sent) hangUp();
  return { mib: most - before, statuses };
}

async function open(service: RunningService, url: string): Promise<Scene> {
  const { id } = (await service.api('POST', '/projects', { path: 'loop/one', repository_url: url })).body;
  const { url: hookUrl, secret } = (await service.api('POST', `/projects/${id}/incoming_hooks`, { provider: 'generic' })).body;
  await service.api('POST', `/projects/${id}/remote_mirrors`, { url: `${url}-mirror`, enabled: true, mirror_branch_regex: '(a?b?){199}c' });
  const { body } = await service.api('POST', '/personal_access_tokens', { name: 'r', role: 'maintainer', projects: [id] });
  const answer = await fetch(`${service.origin}/sign-in`, {
    ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams({ token: body.token }) },
    headers: { origin: service.origin },
  });
  const cookie = answer.headers.getSetCookie().map((line) => line.split(';')[0]);
  if (body.token === undefined || cookie.length === 0) throw new Error('no token, or not signed in');
  return { service, project: id, hook: { url: hookUrl, secret }, token: body.token, cookie: cookie.join('; ') };
}

/** A repository with this many branches of 250 characters. */
async function startSource(folder: string, branches: number) {
  const path = join(folder, 'source.git');
  await git(folder, ['init', '--bare', '--quiet', path]);
  const tree = await git(path, ['mktree']);
  const commit = await git(path, ['commit-tree', '-m', 'x', tree]);
  const names = Array.from({ length: branches }, (_, index) => {
    let [text, state] = ['', index * 2_654_435_761];
    while (text.length < 240) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      text += (state >>> 16) & 1 ? 'a' : 'b';
    }
    return `${text}-${index}`;
  });
  const packed = names.sort().map((name) => `${commit} refs/heads/${name}\n`);
  await writeFile(join(path, 'packed-refs'), `# pack-refs with: peeled fully-peeled sorted \n${packed.join('')}`);
  const server = await startGitHttpServer({ root: folder });
  return { url: server.url('source.git'), branches, close: () => server.close() };
}
