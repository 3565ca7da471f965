import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { PseudoRandom } from '../bench/pseudo-random.ts';
import { testSeed } from '../support/fixed-seed.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import type { GitHttpServer } from '../support/git-http-server.ts';
import { startGitferry } from '../support/running-command.ts';
import { started } from '../support/scenario.ts';
import { sync } from '../support/sync.ts';

const branches = 8;
const blobBytes = 400_000;

interface Ends {
  readonly folder: string;
  readonly source: string;
  /** Answers at once. */
  readonly sourceServer: GitHttpServer;
  /** A new target that has the first commit as main. */
  target(name: string): Promise<string>;
}

/** A source of branches with some hundred KB of random bytes each, about 3 MB together. */
async function ends(): Promise<Ends> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const source = join(folder.path, 's', 'repo.git');
  await mkdir(join(folder.path, 't'));
  await git(folder.path, ['init', '--quiet', '--bare', '--initial-branch=main', source]);
  const parts: Buffer[] = [];
  for (let index = 0; index <= branches; index++) {
    const data = randomBytes(index === 0 ? 100 : blobBytes);
    const branch = index === 0 ? 'first' : index === 1 ? 'main' : `b${index}`;
    const from = index === 0 ? '' : 'from :1\n';
    parts.push(
      Buffer.from(
        `commit refs/heads/${branch}\nmark :${index + 1}\ncommitter T <t@e> ${1700000000 + index} +0000\ndata 1\nx\n${from}M 100644 inline f\ndata ${data.length}\n`,
      ),
      data,
      Buffer.from('\n'),
    );
  }
  await git(source, ['fast-import', '--quiet'], { input: Buffer.concat(parts) });
  return {
    folder: folder.path,
    source,
    sourceServer: await started(join(folder.path, 's')),
    async target(name) {
      const path = join(folder.path, 't', name);
      await git(folder.path, ['init', '--quiet', '--bare', '--initial-branch=main', path]);
      await git(source, ['push', '--quiet', path, 'refs/heads/first:refs/heads/main']);
      return path;
    },
  };
}

async function expectOldOrNew(target: string, before: Record<string, string>, wanted: Record<string, string>): Promise<void> {
  for (const [ref, oid] of Object.entries(await refsOf(target))) expect([before[ref], wanted[ref]]).toContain(oid);
  for (const ref of Object.keys(before)) expect(await refsOf(target)).toHaveProperty([ref]);
  expect(await git(target, ['fsck', '--strict', '--no-dangling'])).toBe('');
}

const loopback = ['--allow-address', '127.0.0.0/8', '--json'];

describe('a run that is ended in the middle of the relay', () => {
  it('by SIGKILL, at ten drawn moments, leaves a sound target, and the next run completes it', async () => {
    const { folder, source, sourceServer, target } = await ends();
    const wanted = await refsOf(source);
    const random = new PseudoRandom(testSeed);
    const moments = Array.from({ length: 10 }, (_, index) => (index === 0 ? 1 : Math.floor(random.next() * branches * blobBytes * 1.01)));
    for (const [index, moment] of moments.entries()) {
      const name = `target-${index}.git`;
      const path = await target(name);
      const before = await refsOf(path);
      let bytes = 0;
      let kill = (): void => {};
      const server = await started(join(folder, 't'), {
        onRequestBytes: (service, chunk) => {
          if (service !== 'git-receive-pack') return;
          bytes += chunk.length;
          if (bytes >= moment) kill();
        },
      });
      const { child, ended } = await startGitferry(['sync', sourceServer.url('repo.git'), server.url(name), ...loopback]);
      kill = () => void child.kill('SIGKILL');
      const { status } = await ended;
      await server.idle();
      if (moment < branches * blobBytes * 0.9) expect({ moment, status }).toEqual({ moment, status: null });
      await expectOldOrNew(path, before, wanted);
      const next = await sync(sourceServer.url('repo.git'), server.url(name));
      expect({ moment, outcome: next.outcome }).toEqual({ moment, outcome: 'success' });
      expect(await refsOf(path)).toEqual(wanted);
    }
  });

  it.each([
    ['SIGINT', 'run_interrupted'],
    ['SIGTERM', 'run_interrupted'],
  ] as const)('by %s says so, and leaves the target as it was', async (signal, code) => {
    const { folder, source, sourceServer, target } = await ends();
    const path = await target('target.git');
    const before = await refsOf(path);
    let bytes = 0;
    let end = (): void => {};
    const server = await started(join(folder, 't'), {
      onRequestBytes: (service, chunk) => {
        if (service === 'git-receive-pack') bytes += chunk.length;
        if (bytes > 500_000) end();
      },
    });
    const slowSource = await started(join(folder, 's'), { answerBytesPerSecond: 1_000_000 });
    const { child, ended } = await startGitferry(['sync', slowSource.url('repo.git'), server.url('target.git'), ...loopback]);
    let sent = false;
    end = () => {
      if (!sent) child.kill(signal);
      sent = true;
    };
    const { status, stdout, stderr, filesLeft } = await ended;
    await server.idle();
    const outcome = JSON.parse(stdout) as RunOutcome;
    expect([status, outcome.outcome, outcome.error?.code, stderr, filesLeft]).toEqual([1, 'failed', code, '', []]);
    expect(await refsOf(path)).toEqual(before);
    await expectOldOrNew(path, before, await refsOf(source));
    expect((await sync(sourceServer.url('repo.git'), server.url('target.git'))).outcome).toBe('success');
  });

  it('by its own time limit says so, and leaves the target as it was', async () => {
    const { folder, source, target } = await ends();
    const path = await target('target.git');
    const before = await refsOf(path);
    const server = await started(join(folder, 't'));
    const slowSource = await started(join(folder, 's'), { answerBytesPerSecond: 50_000 });
    const { ended } = await startGitferry(['sync', slowSource.url('repo.git'), server.url('target.git'), ...loopback, '--timeout', '2']);
    const { status, stdout, filesLeft } = await ended;
    await server.idle();
    const outcome = JSON.parse(stdout) as RunOutcome;
    expect([status, outcome.outcome, outcome.error?.code, filesLeft]).toEqual([1, 'failed', 'deadline_exceeded', []]);
    await expectOldOrNew(path, before, await refsOf(source));
    expect(await refsOf(path)).toEqual(before);
  });
});
