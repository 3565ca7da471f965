/** The command line as a process: options, output, exit status. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gitferry } from '../support/command.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { createObjectStore, type ObjectStore } from '../support/repository.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: GitHttpServer;
let store: ObjectStore;
let made = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startGitHttpServer({ root: folder.path, basic: { username: 'ada', password: 'p@ss:w%rd' } });
  store = await createObjectStore(folder.path, { c1: [], c2: ['c1'], x: ['c1'] });
});

afterAll(async () => {
  await server.close();
  await folder.remove();
});

async function repositories(source: Record<string, string>, target: Record<string, string>) {
  const number = made++;
  await store.create(join(folder.path, `${number}-source.git`), { refs: source });
  const targetPath = await store.create(join(folder.path, `${number}-target.git`), { refs: target });
  const userInfo = `ada:${encodeURIComponent('p@ss:w%rd')}`;
  return {
    targetPath,
    args: [server.url(`${number}-source.git`, userInfo), server.url(`${number}-target.git`, userInfo), '--allow-address', '127.0.0.0/8'],
  };
}

describe('gitferry sync', () => {
  it('prints one JSON document of the contract', async () => {
    const { args, targetPath } = await repositories(
      { 'refs/heads/main': 'c2', 'refs/tags/t': 'c1' },
      { 'refs/heads/main': 'c1', 'refs/heads/merged': 'c1' },
    );
    const { status, stdout, stderr } = await gitferry(['sync', ...args, '--json']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      outcome: 'success',
      error: null,
      refs: expect.arrayContaining([
        { ref: 'refs/heads/main', result: 'updated', old: store.oid('c1'), new: store.oid('c2'), reason: null },
        { ref: 'refs/heads/merged', result: 'deleted', old: store.oid('c1'), new: null, reason: null },
        { ref: 'refs/tags/t', result: 'created', old: null, new: store.oid('c1'), reason: null },
      ]),
      counts: { created: 1, updated: 1, forced: 0, deleted: 1, diverged: 0, kept: 0, rejected: 0, raced: 0, unreadable: 0 },
      bytes: expect.any(Number),
      duration_ms: expect.any(Number),
      dry_run: false,
      deletions_of: 2,
      notes: [],
      lfs: { scan: 'new', moved: 0, skipped: 0, failed: 0, bytes: 0, failures: [] },
    });
    expect(await refsOf(targetPath)).toEqual({ 'refs/heads/main': store.oid('c2'), 'refs/tags/t': store.oid('c1') });
  });

  it('tells the outcome by its exit status: 3 for partial', async () => {
    const { args } = await repositories({ 'refs/heads/main': 'c2' }, { 'refs/heads/main': 'x' });
    const { status, stdout } = await gitferry(['sync', ...args, '--keep-divergent-refs', '--json']);
    expect({ status, ...JSON.parse(stdout) }).toMatchObject({ status: 3, outcome: 'partial', error: { code: 'refs_diverged' } });
  });

  it('tells the outcome by its exit status: 1 for failed, with a hint', async () => {
    const { args } = await repositories({ 'refs/heads/main': 'c1' }, {});
    const { status, stdout } = await gitferry(['sync', args[0]!.replace('ada:', 'eve:'), ...args.slice(1)]);
    expect(status).toBe(1);
    expect(stdout).toContain('credentials_refused');
    expect(stdout).toContain('hint:');
  });

  it('tells wrong usage by exit status 2, on standard error or as the same document', async () => {
    const text = await gitferry(['sync', 'git@host:a.git', 'https://host/b.git']);
    expect(text).toMatchObject({ status: 2, stdout: '' });
    expect(text.stderr).toContain('ssh://git@host/a.git');
    const json = await gitferry(['sync', 'git@host:a.git', 'https://host/b.git', '--json']);
    expect({ status: json.status, ...JSON.parse(json.stdout) }).toMatchObject({
      status: 2,
      outcome: 'failed',
      error: { code: 'scp_style_url' },
      refs: [],
    });
  });

  it('writes nothing in a dry run and says what would happen', async () => {
    const { args, targetPath } = await repositories({ 'refs/heads/main': 'c2' }, { 'refs/heads/main': 'x', 'refs/heads/old': 'c1' });
    const before = await refsOf(targetPath);
    const dry = JSON.parse((await gitferry(['sync', ...args, '--json', '--dry-run'])).stdout);
    expect(await refsOf(targetPath)).toEqual(before);
    const real = JSON.parse((await gitferry(['sync', ...args, '--json'])).stdout);
    expect(dry).toMatchObject({ dry_run: true, bytes: 0, refs: real.refs, counts: real.counts });
    await git(targetPath, ['fsck', '--strict']);
  });

  it('names updates of many branches after few questions, with what is bundled beside it', async () => {
    const numbers = Array.from({ length: 16 }, (_, number) => number);
    const parents = Object.fromEntries([
      ['r', []],
      ...numbers.flatMap((n) => [
        [`a${n}`, ['r']],
        [`b${n}`, [`a${n}`]],
        [`x${n}`, ['r']],
      ]),
    ]);
    await mkdir(join(folder.path, 'many'));
    const many = await createObjectStore(join(folder.path, 'many'), parents);
    const refs = (value: (n: number) => string) => Object.fromEntries(numbers.map((n) => [`refs/heads/${n}`, value(n)]));
    // The source knows the commits that only the target's branches have: its tags name them.
    const tags = Object.fromEntries(numbers.map((n) => [`refs/tags/${n}`, `x${n}`]));
    await many.create(join(folder.path, 'many-source.git'), { refs: { ...refs((n) => `b${n}`), ...tags } });
    await many.create(join(folder.path, 'many-target.git'), { refs: refs((n) => (n % 2 === 0 ? `a${n}` : `x${n}`)) });
    server.log.length = 0;
    const userInfo = `ada:${encodeURIComponent('p@ss:w%rd')}`;
    const urls = [server.url('many-source.git', userInfo), server.url('many-target.git', userInfo)];
    const { stdout } = await gitferry(['sync', ...urls, '--allow-address', '127.0.0.0/8', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'success', counts: { updated: 8, forced: 8, created: 16 } });
    const asked = server.log.filter(({ method, url }) => method === 'POST' && url.includes('many-source.git'));
    expect(asked.length).toBeLessThanOrEqual(6);
  });

  it('takes passwords by the environment', async () => {
    const { args } = await repositories({ 'refs/heads/main': 'c1' }, {});
    const plain = args.map((argument) => argument.replace(/ada:[^@]*@/, 'ada@'));
    const passwords = { GITFERRY_SOURCE_PASSWORD: 'p@ss:w%rd', GITFERRY_TARGET_PASSWORD: 'p@ss:w%rd' };
    expect((await gitferry(['sync', ...plain], passwords)).status).toBe(0);
    expect((await gitferry(['sync', ...plain])).status).toBe(1);
  });

  it('refuses loopback unless it is allowed, also in forms that no resolver sees', async () => {
    const { args } = await repositories({ 'refs/heads/main': 'c1' }, {});
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '017700000001', '127.1', '[::ffff:127.0.0.1]', 'localhost']) {
      const [source = '', target = ''] = args;
      const { status, stdout } = await gitferry(['sync', source.replace('127.0.0.1', host), target, '--json']);
      expect({ host, status, code: JSON.parse(stdout).error.code }).toEqual({ host, status: 1, code: 'address_blocked' });
    }
  });
});

it('Answers to --help and to mistakes need no HTTP client: what the command loads at its start stays small', async () => {
  const seen = new Map<string, string>();
  const load = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    const text = await readFile(new URL(`../../dist/${name}`, import.meta.url), 'utf8');
    seen.set(name, text);
    for (const [, other = ''] of text.matchAll(/(?:from|import) ?"\.\/([^"]+)"/g)) await load(other);
  };
  await load('gitferry.js');
  const all = [...seen.values()].join('');
  expect(all).toContain('--source-ssh-key');
  expect(all.length).toBeLessThan(200_000);
});
