/** docs/refusals.md, row by row: each refusal over each transport and version, with C git and OpenSSH. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { isAvailable } from '../support/programs.ts';
import { hook, line, resultsOf, type Scenario, scenario } from '../support/scenario.ts';
import { endAt, type RemoteEnd, syncEnds } from '../support/ssh-sync.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';

const rows = readFileSync('docs/refusals.md', 'utf8')
  .split('\n')
  .filter((text) => /\| \d+ \|$/.test(text))
  .map((text) => text.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  .map(([, by = '', code = '', words = '', pushes = '']) => ({ by, code, words, pushes: Number(pushes) }));

/** Makes the scenario refuse `a-bad`, each in its way. */
const ways: Readonly<Record<string, (made: Scenario) => Promise<unknown>>> = {
  'receive.fsckObjects': async ({ source, target, oid }) => {
    const tree = await git(source, ['rev-parse', 'refs/heads/main^{tree}']);
    const input = `tree ${tree}\nparent ${oid('c3')}\nauthor A <a@b> 1700000000 +0000\ncommitter A <a@b> no-date\n\nbad\n`;
    const bad = await git(source, ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], { input });
    await git(source, ['update-ref', 'refs/heads/a-bad', bad]);
    await git(target, ['config', 'receive.fsckObjects', 'true']);
  },
  'receive.maxInputSize': async (made) => {
    await addFile(made, 200_000);
    await git(made.target, ['config', 'receive.maxInputSize', '100000']);
  },
  'a pre-receive hook': ({ target }) =>
    hook(
      target,
      'pre-receive',
      'while read old new ref; do [ $ref != refs/heads/a-bad ] || { echo "a-bad needs a ticket" >&2; exit 1; }; done',
    ),
  'an update hook': ({ target }) => hook(target, 'update', '[ $1 != refs/heads/a-bad ] || { echo "a-bad needs a ticket" >&2; exit 1; }'),
  'receive.hideRefs': ({ target }) => git(target, ['config', 'receive.hideRefs', 'refs/heads/a-bad']),
  'a lock that stays': ({ target }) => writeFile(join(target, 'refs/heads/a-bad.lock'), ''),
  'an object that the source has lost': async (made) => {
    const blob = await addFile(made, 1000);
    await rm(join(made.source, 'objects', blob.slice(0, 2), blob.slice(2)), { force: true });
  },
};

async function addFile({ folder, source, oid }: Scenario, bytes: number): Promise<string> {
  const path = join(folder, 'file');
  await writeFile(path, randomBytes(bytes));
  const blob = await git(source, ['hash-object', '-w', path]);
  const tree = await git(source, ['mktree'], { input: `100644 blob ${blob}\tfile\n` });
  await git(source, ['update-ref', 'refs/heads/a-bad', await git(source, ['commit-tree', tree, '-p', oid('c1'), '-m', 'file'])]);
  return blob;
}

describe.runIf(isAvailable('sshd'))('docs/refusals.md', () => {
  const sshd: { v2?: Sshd; v0?: Sshd } = {};
  beforeAll(async () => {
    sshd.v2 = await startSshd({ acceptEnv: true });
    sshd.v0 = await startSshd({ acceptEnv: false });
  });
  afterAll(async () => {
    for (const server of [sshd.v2, sshd.v0]) {
      await server?.close();
      if (server !== undefined) await rm(server.folder, { recursive: true, force: true });
    }
  });

  it('has a row for each of these ways', () => expect(rows.map(({ by }) => by)).toEqual(Object.keys(ways)));

  const cases = rows.flatMap((row) => (['http v2', 'http v0', 'ssh v2', 'ssh v0'] as const).map((over) => ({ ...row, over })));
  it.each(cases)('$by, over $over', async ({ by, code, words, pushes, over }) => {
    const server = over.endsWith('v0') ? { v0Only: true } : {};
    const made = await scenario({
      parents: line,
      source: { 'heads/a-bad': 'c2', 'heads/main': 'c3', 'heads/new': 'x', 'heads/x': 'y' },
      target: { 'heads/main': 'c1', 'heads/x': 'c2' },
      sourceServer: server,
      targetServer: server,
    });
    await ways[by]?.(made);
    const end = (path: string, url: string): RemoteEnd => {
      const through = over.startsWith('http') ? undefined : sshd[over === 'ssh v0' ? 'v0' : 'v2'];
      return through === undefined ? { url } : endAt(through, path);
    };
    const run = await syncEnds(end(made.source, made.sourceUrl), end(made.target, made.targetUrl), ['--no-delete', '--lfs', 'off']);
    await rm(join(made.target, 'refs/heads/a-bad.lock'), { force: true });
    const bad = run.refs.find(({ ref }) => ref === 'refs/heads/a-bad');
    expect([run.outcome, run.error?.code]).toEqual(['partial', code]);
    expect(resultsOf(run).filter((result) => !result.endsWith('a-bad'))).toEqual([
      'created heads/new',
      expect.stringMatching(/^(forced|updated) heads\/x$/),
      'updated heads/main',
    ]);
    expect(bad?.reason).toContain(words);
    if (over.startsWith('http')) {
      const posts = made.targetServer.log.filter(({ method, service }) => method === 'POST' && service === 'git-receive-pack');
      expect(posts.length).toBe(pushes);
    }
  });
});
