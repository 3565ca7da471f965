/** Hostile Git servers: one process for each, its time and its highest memory measured, its error's code compared with those that are right. */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, temporaryFolder } from '../support/git.ts';
import { startGitHttpServer } from '../support/git-http-server.ts';
import { startSshTestServer } from '../support/ssh-test-server.ts';
import { type HostileCase, hostileCases } from './hostile-cases.ts';
import { hostileLfsCases } from './hostile-lfs-cases.ts';
import { lfsPointer, startHostileLfsServer } from './hostile-lfs-server.ts';
import { startHostileServer } from './hostile-server.ts';
import { hostileSshCases } from './hostile-ssh-cases.ts';
import { hostileSshLfsCases } from './hostile-ssh-lfs-cases.ts';
import { startHostileSshServer } from './hostile-ssh-server.ts';
import type { TorturePart } from './torture-part.ts';

/** Beside the bundled harness, or from the tests' own folder. */
const command = new URL(import.meta.url.includes('/dist/') ? 'gitferry.js' : '../../dist/gitferry.js', import.meta.url).pathname;

const usualMs = 20_000;
const usualMiB = 220;
const usualTimeoutSeconds = 40;
/** The machine may be busy with other tests: then time says little. */
const busyFactor = 4;
const atOnce = 2;
const promised = 'ends by itself with the right code, in bounded time and memory; nothing of the target changes unless it was right';

const allCases: readonly HostileCase[] = [...hostileCases, ...hostileSshCases, ...hostileLfsCases, ...hostileSshLfsCases];
/** Some cases alone, while one works on them. */
const chosen = new RegExp(process.env['GITFERRY_HOSTILE_CASES'] ?? '');
const nameOf = ({ over, side, name }: HostileCase): string => `${over ?? 'http'} ${side}: ${name}`;
/** As Lambda's runtime sets them. */
const heapShare = 0.9;
const youngShare = 0.05;

export const hostileServers: TorturePart = {
  name: 'hostile-servers',
  async run({ isQuick, report }) {
    const folder = await temporaryFolder();
    const root = join(folder.path, 'targets');
    await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', join(root, 'plain.git')]);
    const good = await startGitHttpServer({ root });
    try {
      const waiting = allCases.filter((each) => (!isQuick || each.isQuick === true) && chosen.test(nameOf(each)));
      const worker = async (): Promise<void> => {
        for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
          const breaches: string[] = [];
          const seen = await runCase(each, { root, good: (name) => good.url(name), breaches, number: allCases.indexOf(each) });
          report({ fault: nameOf(each), injected: 1, promised, seen, breaches });
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
    } finally {
      await good.close();
      await folder.remove();
    }
  },
};

interface Bench {
  readonly root: string;
  good(name: string): string;
  readonly breaches: string[];
  readonly number: number;
}

async function runCase(hostileCase: HostileCase, { root, good, breaches, number }: Bench): Promise<string> {
  const { side, codes, options = [], timeoutSeconds = usualTimeoutSeconds, mostMs = usualMs, functionMiB } = hostileCase;
  const mostMiB = hostileCase.mostMiB ?? functionMiB ?? usualMiB;
  const name = `case-${number}.git`;
  const path = join(root, name);
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  const mayMove = side === 'source' && (codes.includes(null) || hostileCase.mayMove === true || hostileCase.lfs !== undefined);
  if (side === 'target' || hostileCase.asksHistory === true) await commit(path);
  const ends = await startEnds(hostileCase, { root, name, good });
  const before = await git(path, ['for-each-ref']);
  const result = await measured(
    ['sync', ...ends.args, '--json', '--allow-address', '127.0.0.0/8', '--timeout', String(timeoutSeconds), ...options],
    { mostMs: mostMs * busyFactor, functionMiB },
  );
  await ends.close();
  for (const secret of [sshPassword, Buffer.from(`git:${sshPassword}`).toString('base64')]) {
    if (ends.isToldOf?.(secret) === true) breaches.push('the password of SSH went to the LFS server');
    if ((result.stdout + result.stderr).includes(secret)) breaches.push('the password came out');
  }

  const code = codeOf(result.stdout);
  if (result.isKilled) breaches.push(`it had not ended after ${mostMs * busyFactor} ms`);
  else if (code === undefined)
    breaches.push(`it ended with status ${result.status} and without an outcome: ${result.stderr.slice(0, 300)}`);
  else if (!codes.includes(code)) breaches.push(`it ended with ${code}: ${result.stdout.slice(0, 400)}`);
  if (result.peakMiB > mostMiB) breaches.push(`it took ${result.peakMiB} MiB (promised: ${mostMiB})`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not come through is looked for
  if (/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(result.stdout + result.stderr)) breaches.push('control characters came through');
  if (/\n\s+at .*:\d+/.test(result.stderr)) breaches.push(`a stack was printed: ${result.stderr.slice(0, 300)}`);
  const damage = await git(path, ['fsck', '--strict', '--no-dangling']).catch(String);
  if (damage !== '') breaches.push(`the repository is damaged: ${damage}`);
  if (!mayMove && (await git(path, ['for-each-ref'])) !== before) breaches.push('refs moved');
  return `${code}, ${result.ms} ms, ${result.peakMiB} MiB`;
}

interface Ends {
  readonly args: readonly string[];
  /** Whether the LFS servers have seen this. */
  isToldOf?(secret: string): boolean;
  close(): Promise<void>;
}

const sshPassword = 'hunter22';

/** The servers of a case, and the arguments that name them. */
async function startEnds(
  { side, answers, over, quirks, lfs, authenticate }: HostileCase,
  { root, name, good }: Pick<Bench, 'root' | 'good'> & { readonly name: string },
): Promise<Ends> {
  if (lfs !== undefined) {
    await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', join(root, `lfs-${name}`)]);
    await commit(join(root, `lfs-${name}`), lfsPointer);
    const server = await startHostileLfsServer(lfs);
    const target = [good(name), '--lfs', 'on', '--target-lfs-url', `${server.origin}/target`];
    if (authenticate === undefined)
      return { args: [good(`lfs-${name}`), ...target, '--source-lfs-url', `${server.origin}/source`], close: () => server.close() };
    const password = sshPassword;
    const ssh = await startSshTestServer({
      methods: ['password'],
      user: 'git',
      password,
      answers: {
        command: 'git-lfs-authenticate',
        answer: (channel) => authenticate(channel, { lfsUrl: `${server.origin}/source`, password, cut: ssh.cut }),
      },
    });
    const knownHosts = join(root, `known-hosts-${name}`);
    await writeFile(knownHosts, `${ssh.hostKeys.join('\n')}\n`);
    const url = ssh.url(join(root, `lfs-${name}`)).replace('://', `://git:${password}@`);
    return {
      args: [url, ...target, '--known-hosts', knownHosts],
      isToldOf: (secret) => JSON.stringify(server.requests).includes(secret),
      close: async () => void (await Promise.all([server.close(), ssh.close()])),
    };
  }
  const ends = (hostile: string): string[] => (side === 'source' ? [hostile, good(name)] : [good(name), hostile]);
  if (over === undefined) {
    const server = await startHostileServer(answers);
    return { args: ends(`${server.origin}/x.git`), close: () => server.close() };
  }
  const server = await startHostileSshServer(answers, quirks);
  const knownHosts = join(root, `known-hosts-${name}`);
  await writeFile(knownHosts, `${server.hostKey}\n`);
  return { args: [...ends(server.url), '--known-hosts', knownHosts], close: () => server.close() };
}

async function commit(path: string, file?: string): Promise<void> {
  const blob = file === undefined ? '' : await git(path, ['hash-object', '-w', '--stdin'], { input: file });
  const tree = await git(path, ['mktree'], { input: file === undefined ? '' : `100644 blob ${blob}\tfile\n` });
  await git(path, ['update-ref', 'refs/heads/main', await git(path, ['commit-tree', tree, '-m', 'ours'])]);
}

/** undefined = there is no outcome to read. */
function codeOf(stdout: string): string | null | undefined {
  try {
    const { error, lfs } = JSON.parse(stdout) as { error: { code: string } | null; lfs: { failures: { code: string }[] } | null };
    return lfs?.failures[0]?.code ?? error?.code ?? null;
  } catch {
    return undefined;
  }
}

interface Measured {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
  readonly peakMiB: number;
  readonly isKilled: boolean;
}

async function measured(
  args: readonly string[],
  { mostMs, functionMiB }: { readonly mostMs: number; readonly functionMiB: number | undefined },
): Promise<Measured> {
  const flags =
    functionMiB === undefined
      ? []
      : [`--max-old-space-size=${Math.floor(functionMiB * heapShare)}`, `--max-semi-space-size=${Math.floor(functionMiB * youngShare)}`];
  const size = functionMiB === undefined ? {} : { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(functionMiB) };
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...flags, command, ...args], {
    env: { PATH: process.env['PATH'], ...size },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, peakMiB, isKilled] = ['', '', 0, false];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const watch = setInterval(
    () =>
      void peakOf(child.pid).then((peak) => {
        peakMiB = Math.max(peakMiB, peak);
      }),
    20,
  );
  const guard = setTimeout(() => {
    isKilled = child.kill('SIGKILL');
  }, mostMs);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(watch);
  clearTimeout(guard);
  return { status, stdout, stderr, ms: Math.round(performance.now() - startedAt), peakMiB, isKilled };
}

/** The highest so far, of resident memory; proc(5). 0 where there is no such file. */
async function peakOf(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) / 1024);
}
