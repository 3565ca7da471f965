/** Histories that are too large for one push go in slices, and later runs go on where earlier ones ended. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import type { GitHttpServerOptions } from '../support/git-http-server.ts';
import { hook, started } from '../support/scenario.ts';
import { syncEnds } from '../support/ssh-sync.ts';
import { startSshTestServer } from '../support/ssh-test-server.ts';
import { sync } from '../support/sync.ts';

const commitBytes = 100_000;

/** Commits on a branch, each with a new file of random bytes; `sizes` in bytes, 100,000 where it is undefined. */
async function addCommits(repository: string, branch: string, sizes: readonly (number | undefined)[], from?: string): Promise<void> {
  const lines: (string | Buffer)[] = [];
  sizes.forEach((bytes = commitBytes, index) => {
    const content = randomBytes(bytes);
    const start = index === 0 && from !== undefined ? `from ${from}\n` : '';
    lines.push(`commit refs/heads/${branch}\ncommitter T <t@example.org> ${1_700_000_000 + index} +0000\ndata 1\nx\n${start}`);
    lines.push(`M 100644 inline ${branch}-${index}.bin\ndata ${content.length}\n`, content, '\n');
  });
  await git(repository, ['fast-import', '--quiet', '--force'], { input: Buffer.concat(lines.map((line) => Buffer.from(line))) });
}

interface World {
  readonly source: string;
  readonly target: string;
  readonly sourceUrl: string;
  readonly targetUrl: string;
  /** Bytes that pushes have brought to the target's server. */
  pushedBytes(): number;
  run(...options: string[]): ReturnType<typeof sync>;
}

async function world({ setUp, server }: { setUp?: (target: string) => Promise<unknown>; server?: Partial<GitHttpServerOptions> } = {}) {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const [source, target] = [join(folder.path, 's/repo.git'), join(folder.path, 't/mirror.git')];
  for (const path of [source, target]) {
    await mkdir(path, { recursive: true });
    await git(path, ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  }
  await setUp?.(target);
  let pushed = 0;
  const sourceServer = await started(join(folder.path, 's'));
  const targetServer = await started(join(folder.path, 't'), {
    ...server,
    onRequestBytes(service, chunk) {
      if (service === 'git-receive-pack') pushed += chunk.length;
    },
  });
  const [sourceUrl, targetUrl] = [sourceServer.url('repo.git'), targetServer.url('mirror.git')];
  const made: World = {
    ...{ source, target, sourceUrl, targetUrl },
    pushedBytes: () => pushed,
    run: (...options) => sync(sourceUrl, targetUrl, options),
  };
  return made;
}

const limited = (bytes: number) => (target: string) => git(target, ['config', 'receive.maxInputSize', String(bytes)]);

async function isComplete({ source, target }: Pick<World, 'source' | 'target'>): Promise<void> {
  expect(await refsOf(target, ['refs/'])).toEqual(await refsOf(source, ['refs/']));
  expect(await git(target, ['fsck', '--strict', '--no-dangling'])).toBe('');
}

describe('a history of 4 MB to a target that takes 1 MB a push', () => {
  it('goes in slices, and none of their refs is left', async () => {
    const made = await world({ setUp: limited(1_000_000) });
    await addCommits(made.source, 'main', Array.from({ length: 40 }));
    const outcome = await made.run();
    expect(outcome).toMatchObject({ outcome: 'success', error: null, counts: { created: 1 } });
    expect(outcome.slices).toBeGreaterThan(4);
    expect(outcome.push_limit).toMatchObject({ reason: 'refused' });
    await isComplete(made);
    // The push that was refused, each byte once, and what a slice that was too large had; no byte three times.
    expect(made.pushedBytes()).toBeLessThan(4_000_000 * 2.5);
  });

  it('goes in slices where a proxy answers 413', async () => {
    const made = await world({ server: { maxRequestBytes: 1_000_000 } });
    await addCommits(made.source, 'main', Array.from({ length: 40 }));
    expect(await made.run()).toMatchObject({ outcome: 'success', counts: { created: 1 } });
    await isComplete(made);
  });

  it('goes in slices over SSH', async () => {
    const made = await world({ setUp: limited(1_000_000) });
    await addCommits(made.source, 'main', Array.from({ length: 40 }));
    const server = await startSshTestServer({ methods: ['none'] });
    onTestFinished(server.close);
    const end = (path: string) => ({ url: server.url(path), hostKeys: server.hostKeys });
    expect(await syncEnds(end(made.source), end(made.target))).toMatchObject({ outcome: 'success', counts: { created: 1 } });
    await isComplete(made);
  });

  it('goes with its merges, side branches and tags', async () => {
    const made = await world({ setUp: limited(1_000_000) });
    await addCommits(made.source, 'main', Array.from({ length: 8 }));
    await addCommits(made.source, 'side', Array.from({ length: 12 }), 'main~4');
    const tree = await git(made.source, ['rev-parse', 'main^{tree}']);
    const merge = await git(made.source, ['commit-tree', tree, '-p', 'main', '-p', 'side', '-m', 'merge']);
    await git(made.source, ['update-ref', 'refs/heads/main', merge]);
    await git(made.source, ['tag', '-a', '-m', 'x', 'v1', 'side~3']);
    await addCommits(made.source, 'alone', Array.from({ length: 5 }));
    expect(await made.run()).toMatchObject({ outcome: 'success', counts: { created: 4 } });
    await isComplete(made);
  });

  it.each([
    ['hides their refs', (target: string) => git(target, ['config', 'receive.hideRefs', 'refs/gitferry'])],
    ['refuses their refs by a hook', (target: string) => hook(target, 'update', 'case $1 in refs/heads/*) exit 0;; esac; echo no; exit 1')],
  ])('goes along the branch itself where the target %s', async (_, refuse) => {
    const made = await world({
      async setUp(target) {
        await limited(1_000_000)(target);
        await refuse(target);
      },
    });
    await addCommits(made.source, 'main', Array.from({ length: 40 }));
    expect(await made.run()).toMatchObject({ outcome: 'success', counts: { created: 1 } });
    await isComplete(made);
  });
});

describe('a commit that is too large alone', () => {
  it('holds back the refs that need it, by name, and no others', async () => {
    const made = await world({ setUp: limited(1_000_000) });
    await addCommits(made.source, 'main', Array.from({ length: 20 }));
    await addCommits(made.source, 'huge', [undefined, 2_000_000, undefined], 'main~10');
    const outcome = await made.run();
    expect(outcome).toMatchObject({ outcome: 'partial', error: { code: 'push_too_large' }, counts: { created: 1, rejected: 1 } });
    const culprit = await git(made.source, ['rev-parse', 'huge~1']);
    expect(outcome.refs.find(({ result }) => result === 'rejected')).toMatchObject({
      ref: 'refs/heads/huge',
      reason: expect.stringContaining(culprit),
    });
    const { 'refs/heads/huge': _, ...others } = await refsOf(made.source);
    expect(await refsOf(made.target)).toEqual(others);
  });
});

describe('a run that ends between its slices', () => {
  it('is gone on with by the next one, which sends none of them again', async () => {
    let pushes = 0;
    const controller: { end?: () => void } = {};
    const made = await world({
      setUp: limited(1_000_000),
      server: {
        async intercept({ isRpc, service, response }) {
          if (!isRpc || service !== 'git-receive-pack') return false;
          pushes++;
          if (pushes !== 5) return false;
          response.destroy();
          controller.end?.();
          return true;
        },
      },
    });
    await addCommits(made.source, 'main', Array.from({ length: 40 }));
    const first = await made.run();
    expect(first).toMatchObject({ counts: { created: 0 } });
    expect(first.slices).toBeGreaterThan(0);
    const kept = await git(made.target, ['for-each-ref', '--format=%(refname)', 'refs/gitferry/']);
    expect(kept).not.toBe('');
    const before = made.pushedBytes();
    expect(await made.run()).toMatchObject({ outcome: 'success', counts: { created: 1 } });
    expect(made.pushedBytes() - before).toBeLessThan(4_000_000 * 1.5);
    await isComplete(made);
    expect(await git(made.target, ['for-each-ref', 'refs/gitferry/'])).toBe('');
  });
});
