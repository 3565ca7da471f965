/** Mirrors of a hostile SSH server in the process that also runs those of others: their updates go through while it floods, stalls or stops half-way. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CredentialReference } from '../../lib/credentials/shared-credential.ts';
import { encodePkt } from '../../lib/git/wire/pkt-line.ts';
import type { MirrorKey } from '../../lib/model/mirror.ts';
import { git } from '../support/git.ts';
import { startGitHttpServer } from '../support/git-http-server.ts';
import { sampleMirror, sampleProject } from '../support/sample-records.ts';
import { until } from '../support/service.ts';
import { startSshTestServer } from '../support/ssh-test-server.ts';
import type { FunctionProcess } from './function-process.ts';
import { type Answers, hostileCommit } from './hostile-server.ts';
import { drip, flood, floodStderr } from './hostile-ssh-cases.ts';
import { type SshQuirks, startHostileSshServer } from './hostile-ssh-server.ts';
import type { TorturePart } from './torture-part.ts';
import { TortureWorld } from './torture-world.ts';

/** Runs of hostile mirrors at once, again and again. */
const attackers = 3;
const updates = 6;
/** From the request to the commit on the target, on a machine with other work. */
const mostMs = 15_000;
const MiB = 1024 * 1024;
const mostMiB = 400;
/** As on a small machine: nobody announces a memory, as with `npm start`. */
const heap = ['--max-old-space-size=512'];

interface Peer {
  readonly name: string;
  readonly answers?: Answers;
  readonly quirks?: SshQuirks;
  readonly isQuick?: boolean;
}

const greeting = 'SSH-2.0-held\r\n';
/** The head of a key exchange, and a part of its lists. */
const halfOfKeyExchange = Buffer.concat([Buffer.from(greeting), Buffer.from([0, 0, 3, 252, 8, 20]), Buffer.alloc(100, 'x')]);
function* forever(part: Uint8Array): Generator<Uint8Array> {
  for (;;) yield part;
}

const peers: readonly Peer[] = [
  { name: 'a greeting and then nothing', quirks: { raw: (socket) => void socket.resume().write(greeting) } },
  { name: 'half a key exchange', quirks: { raw: (socket) => void socket.resume().write(halfOfKeyExchange) } },
  { name: 'half a key exchange, in drops', quirks: { raw: (socket) => drip(socket, halfOfKeyExchange) } },
  { name: 'bytes without end in place of a greeting', quirks: { raw: (socket) => flood(socket, Buffer.alloc(60_000, 'x')) } },
  { name: 'a sign-in that is never answered', quirks: { signIn: () => {} } },
  { name: 'a command that says nothing', quirks: { command: () => {} }, isQuick: true },
  { name: 'standard error without end', quirks: { command: floodStderr } },
  {
    name: 'refs without end',
    answers: { 'ls-refs': () => ({ body: forever(encodePkt(`${hostileCommit} refs/heads/x\n`)) }) },
    isQuick: true,
  },
  {
    name: 'words on band 2 without end',
    answers: {
      fetch: () => ({
        body: (function* () {
          yield encodePkt('packfile\n');
          yield* forever(encodePkt(Buffer.from(`\x02${'x'.repeat(60_000)}`)));
        })(),
      }),
    },
  },
];

export const hostileNeighbours: TorturePart = {
  name: 'hostile-neighbours',
  async run({ isQuick, report }) {
    const world = await TortureWorld.open();
    // All are on one address, and the places of a worker that was killed stay taken for a while.
    await world.records.settings.update({ pushMinIntervalSeconds: 0, maxRunsPerHost: 100 });
    const quiet = await openQuiet(world);
    try {
      for (const peer of peers.filter((each) => !isQuick || each.isQuick === true)) {
        const { times, ended, connections, isAlive, peakMiB } = await attacked(world, quiet, peer, isQuick ? 2 : updates);
        const longest = Math.round(Math.max(...times));
        report({
          fault: `a mirror of an SSH server runs ${attackers} times at once beside those of others: ${peer.name}`,
          injected: connections,
          promised: `updates of others, over HTTP and SSH, are on their mirrors within ${mostMs / 1000} s; at most ${mostMiB} MB`,
          seen: `${times.length} updates, longest ${longest} ms; ${connections} connections to the hostile server, ${ended} of its runs ended meanwhile; ${peakMiB} MB`,
          breaches: [
            ...(longest > mostMs ? [`an update took ${longest} ms`] : []),
            ...(peakMiB > mostMiB ? [`it took ${peakMiB} MB`] : []),
            ...(isAlive ? [] : ['the process died']),
            ...(connections < attackers ? [`the hostile server was asked ${connections} times only`] : []),
          ],
        });
      }
    } finally {
      await quiet.close();
      await world.close();
    }
  },
};

interface Quiet {
  /** A new commit on the source, and its mirrors: over HTTP, over SSH. */
  readonly keys: readonly MirrorKey[];
  commit(): Promise<string>;
  /** Values of `main` on the targets. */
  values(): Promise<readonly string[]>;
  /** An empty repository that takes everything. */
  readonly takerUrl: string;
  close(): Promise<void>;
}

async function openQuiet(world: TortureWorld): Promise<Quiet> {
  const root = join(world.folder, 'quiet');
  await mkdir(root);
  const path = (name: string): string => join(root, name);
  for (const name of ['source.git', 'http.git', 'ssh.git', 'taker.git'])
    await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path(name)]);
  const http = await startGitHttpServer({ root });
  const ssh = await startSshTestServer({ methods: ['password'], user: 'ada', password: 'word' });
  const credential = await secretOf(world, 'ada');
  const source = { url: http.url('source.git') };
  const overHttp = await newMirror(world, source, { url: http.url('http.git') });
  const overSsh = await newMirror(world, source, { url: ssh.url(path('ssh.git')), credential, hostKeys: ssh.hostKeys });
  return {
    keys: [overHttp, overSsh],
    async commit() {
      const tree = await git(path('source.git'), ['mktree'], { input: '' });
      const oid = await git(path('source.git'), ['commit-tree', tree, '-m', String(process.hrtime.bigint())]);
      await git(path('source.git'), ['update-ref', 'refs/heads/main', oid]);
      return oid;
    },
    values: () => Promise.all(['http.git', 'ssh.git'].map((name) => git(path(name), ['rev-parse', 'refs/heads/main']).catch(() => ''))),
    takerUrl: http.url('taker.git'),
    async close() {
      await http.close();
      await ssh.close();
    },
  };
}

async function attacked(world: TortureWorld, quiet: Quiet, { answers = {}, quirks = {} }: Peer, count: number) {
  const server = await startHostileSshServer(answers, quirks);
  const end = { url: server.url.replace('git:word@', ''), credential: await secretOf(world, 'git'), hostKeys: [server.hostKey] };
  const keys = await Promise.all(Array.from({ length: attackers }, () => newMirror(world, end, { url: quiet.takerUrl })));
  const worker = await world.start('worker', { nodeOptions: heap });
  let isOver = false;
  let ended = 0;
  const attacks = keys.map(async (key) => {
    for (; !isOver && worker.isAlive; ended++) await runOnce(world, worker, key);
  });
  try {
    await until('the hostile server', async () => (server.connections() >= attackers ? true : undefined));
    const times: number[] = [];
    for (let n = 0; n < count; n++) {
      const startedAt = performance.now();
      const oid = await quiet.commit();
      await Promise.all(quiet.keys.map((key) => runOnce(world, worker, key)));
      const isThere = (await quiet.values()).every((value) => value === oid);
      times.push(isThere ? performance.now() - startedAt : Number.POSITIVE_INFINITY);
    }
    const peakMiB = worker.isAlive ? Math.round((await worker.measure()).peakRss / MiB) : 0;
    return { times, ended, connections: server.connections(), peakMiB, isAlive: worker.isAlive };
  } finally {
    isOver = true;
    await worker.kill();
    await server.close();
    await Promise.all(attacks);
  }
}

interface End {
  readonly url: string;
  readonly credential?: CredentialReference;
  readonly hostKeys?: readonly string[];
}

async function newMirror(world: TortureWorld, { url: repositoryUrl, ...ours }: End, theirs: End): Promise<MirrorKey> {
  const project = await world.records.projects.create(sampleProject({ repositoryUrl, ...ours }), world.now());
  if (project === undefined) throw new Error('no project');
  const at = { now: world.now(), dueAt: world.now() + 24 * 3600_000 };
  const mirror = await world.records.mirrors.create(project.id, 'push', sampleMirror({ ...theirs, lfs: 'off' }), at);
  if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
  return { projectId: project.id, mirror: mirror.mirror };
}

async function secretOf(world: TortureWorld, username: string): Promise<CredentialReference> {
  return { kind: 'own', secretName: await world.secrets.create('mirror', { username, password: 'word' }) };
}

async function runOnce(world: TortureWorld, worker: FunctionProcess, key: MirrorKey): Promise<void> {
  const trigger = { kind: 'manual', who: 'torture' } as const;
  await world.jobs.request(key, { trigger, now: world.now(), startAt: world.now(), confirmDeletions: false, resume: true });
  await world.deliver(worker, JSON.stringify({ project: key.projectId, mirror: key.mirror }));
}
