import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../../lib/core/deadline.ts';
import { History } from '../../../lib/git/client/ask-history.ts';
import { type ContainmentQuestion, questionKey } from '../../../lib/git/client/history-questions.ts';
import { UploadPack } from '../../../lib/git/client/upload-pack.ts';
import { createHttpTransport } from '../../../lib/git/transport/http/http.ts';
import { parseRepositoryUrl } from '../../../lib/git/transport/repository-url.ts';
import { createAddressGuard } from '../../../lib/net/address-guard.ts';
import { createHttpClient } from '../../../lib/net/http-client.ts';
import { git, refsOf, temporaryFolder } from '../../support/git.ts';
import { type GitHttpServer, type GitHttpServerOptions, startGitHttpServer } from '../../support/git-http-server.ts';

const commits = 60;
const unknownOid = 'f'.repeat(40);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** By mark: commits 1 to 60, of which 61 is a tag, 62 a nested tag. */
const oids: string[] = [];
let blob = '';

/** A random graph with sane dates; branches at every third commit, and all commits from one of the branches. */
beforeAll(async () => {
  folder = await temporaryFolder();
  const path = join(folder.path, 'repo.git');
  await git(folder.path, ['init', '--quiet', '--bare', '--initial-branch=b60', path]);
  let state = 7;
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
  const text: string[] = [];
  for (let mark = 1; mark <= commits; mark++) {
    const parents = mark === 1 ? [] : [...new Set(Array.from({ length: 1 + random(2) }, () => mark - 1 - random(Math.min(mark - 1, 6))))];
    text.push(
      `commit refs/heads/b${mark}\nmark :${mark}\ncommitter T <t@e> ${1700000000 + mark} +0000\ndata 1\nx\n`,
      ...parents.map((parent, index) => `${index === 0 ? 'from' : 'merge'} :${parent}\n`),
      `M 100644 inline file\ndata <<E\n${mark}\nE\n\n`,
    );
  }
  const marks = join(folder.path, 'marks');
  await git(path, ['fast-import', '--quiet', `--export-marks=${marks}`], { input: text.join('') });
  const { readFile } = await import('node:fs/promises');
  for (const row of (await readFile(marks, 'utf8')).split('\n').filter(Boolean)) {
    const [mark = '', oid = ''] = row.split(' ');
    oids[Number(mark.slice(1))] = oid;
  }
  const keep = new Set(Array.from({ length: 20 }, (_, index) => `b${3 * (index + 1)}`));
  const gone = Array.from({ length: commits }, (_, index) => `b${index + 1}`).filter((name) => !keep.has(name));
  await git(path, ['update-ref', '--stdin'], { input: gone.map((name) => `delete refs/heads/${name}\n`).join('') });
  // A merge of all that a branch does not reach, so that every commit is known and reachable.
  await git(path, [
    'update-ref',
    'refs/heads/all',
    await git(path, ['commit-tree', `${oids[1]}^{tree}`, ...oids.slice(1).flatMap((oid) => ['-p', oid]), '-m', 'all']),
  ]);
  blob = await git(path, ['rev-parse', `${oids[1]}:file`]);
});

afterAll(async () => {
  await folder.remove();
});

interface Asked {
  readonly history: History;
  readonly source: UploadPack;
  readonly server: GitHttpServer;
  readonly listed: ReadonlySet<string>;
}

async function ask(options: Omit<GitHttpServerOptions, 'root'> = {}): Promise<Asked> {
  const server = await startGitHttpServer({ root: folder.path, ...options });
  const guard = createAddressGuard(['127.0.0.0/8']);
  const http = createHttpClient(guard);
  const deadline = createDeadline(60_000);
  onTestFinished(async () => {
    deadline.clear();
    await http.close();
    await server.close();
  });
  const transport = createHttpTransport(parseRepositoryUrl(server.url('repo.git'), 'SOURCE').url, undefined, { http, guard, deadline });
  const source = await UploadPack.open(transport);
  const listed = new Set(Object.values(await refsOf(join(folder.path, 'repo.git'))));
  return { history: new History(source, listed, deadline.signal), source, server, listed };
}

const posts = ({ server }: Asked): number => server.log.filter(({ method }) => method === 'POST').length;

async function truth({ commit, within }: ContainmentQuestion): Promise<'yes' | 'no'> {
  if (commit === unknownOid) return 'no';
  return git(join(folder.path, 'repo.git'), ['merge-base', '--is-ancestor', commit, within]).then(
    () => 'yes' as const,
    () => 'no' as const,
  );
}

async function truths(questions: readonly ContainmentQuestion[]): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(questions.map(async (question) => [questionKey(question), await truth(question)])));
}

const oid = (mark: number): string => oids[mark] ?? '';
const questions: Readonly<Record<string, () => readonly ContainmentQuestion[]>> = {
  'one that is contained': () => [{ commit: oid(1), within: oid(60) }],
  'one that is not': () => [{ commit: oid(60), within: oid(3) }],
  'one of an unknown object': () => [{ commit: unknownOid, within: oid(60) }],
  'one of a value in itself': () => [{ commit: oid(60), within: oid(60) }],
  'many within one': () => Array.from({ length: 59 }, (_, index) => ({ commit: oid(index + 1), within: oid(45) })),
  'many within one, some unknown': () => [
    ...Array.from({ length: 9 }, (_, index) => ({ commit: oid(6 * index + 1), within: oid(45) })),
    { commit: unknownOid, within: oid(45) },
  ],
  'a few pairs': () => [3, 9, 15].map((mark) => ({ commit: oid(mark - 1), within: oid(mark) })),
  'many pairs': () => Array.from({ length: 20 }, (_, index) => ({ commit: oid(Math.max(1, 3 * index - 4)), within: oid(3 * (index + 1)) })),
  'many pairs, some unknown': () => [
    ...Array.from({ length: 20 }, (_, index) => ({ commit: oid(60 - 2 * index), within: oid(3 * (index + 1)) })),
    { commit: unknownOid, within: oid(30) },
    { commit: unknownOid, within: oid(33) },
  ],
};

const servers: Readonly<Record<string, Omit<GitHttpServerOptions, 'root'>>> = {
  'v2 with filters': {},
  'v2 without filters': { config: ['uploadpack.allowFilter=false'] },
  'v2 that refuses tree:0': { config: ['uploadpackfilter.tree.allow=false'] },
  'v0 with filters': { v0Only: true },
  'v0 without filters': { v0Only: true, config: ['uploadpack.allowFilter=false'] },
};

describe.each(Object.entries(servers))('containment asked of %s', (_name, options) => {
  it.each(Object.entries(questions))('%s: says what git merge-base says', async (_what, make) => {
    const asked = await ask(options);
    const answers = await asked.history.contained(make(), { decisive: true });
    expect(Object.fromEntries(answers)).toEqual(await truths(make()));
  });
});

describe('the number of requests', () => {
  it.each([
    ['one that is contained', 1],
    ['one that is not', 1],
    ['one of an unknown object', 1],
    ['one of a value in itself', 0],
    ['a few pairs', 4],
    ['many within one', 3],
    ['many pairs, some unknown', 22],
  ])('for %s stays at %i', async (what, most) => {
    const asked = await ask();
    await asked.history.contained(questions[what]?.() ?? [], { decisive: true });
    expect(posts(asked)).toBeLessThanOrEqual(most);
  });

  it('is one for branches that were all moved forward', async () => {
    const asked = await ask();
    const pairs = [1, 2, 3].map((step) => ({ commit: oid(12 * step - 3), within: oid(12 * step) })).filter((pair) => pair.commit !== '');
    const expected = await truths(pairs);
    expect(Object.fromEntries(await asked.history.contained(pairs, { decisive: true }))).toEqual(expected);
    expect(posts(asked)).toBeLessThanOrEqual(3);
  });

  it('is ten at most where nothing depends on the answers', async () => {
    const asked = await ask();
    await asked.history.contained(questions['many pairs, some unknown']?.() ?? [], { decisive: false });
    expect(posts(asked)).toBeLessThanOrEqual(10);
  });
});

describe('a value that the source does not list', () => {
  it('is undecided as the within side', async () => {
    const { history, listed } = await ask();
    const unlisted = oids.find((candidate) => candidate !== undefined && !listed.has(candidate)) ?? '';
    const [answer] = (await history.contained([{ commit: oid(60), within: unlisted }], { decisive: true })).values();
    expect(answer).toHaveProperty('undecided');
  });
});

describe.each(Object.entries(servers))('a tag object asked of %s', (name, options) => {
  const repository = (): string => join(folder.path, 'repo.git');
  /** An annotated tag that no ref of the source names any more. */
  async function unlistedTag(of: string, words: string): Promise<string> {
    const text = `object ${of}\ntype ${await git(repository(), ['cat-file', '-t', of])}\ntag t\ntagger T <t@e> 1700000000 +0000\n\n${words}\n`;
    return git(repository(), ['mktag'], { input: text });
  }

  it('is hashed, and names what it names', async () => {
    const { history } = await ask(options);
    const tag = await unlistedTag(oid(40), 'one');
    const nested = await unlistedTag(tag, 'two');
    const answers = await history.tags([
      { tag, commit: oid(40) },
      { tag: nested, commit: oid(40) },
    ]);
    // A v0 server gives what it lists, and a claim to have an object is no proof.
    const shown = name.startsWith('v0') ? { undecided: expect.any(String) } : 'yes';
    expect(Object.fromEntries(answers)).toEqual({ [tag]: shown, [nested]: shown });
  });

  it('is not taken for one that names another commit, nor for one that the source has not', async () => {
    const { history } = await ask(options);
    const tag = await unlistedTag(oid(40), 'one');
    const answers = await history.tags([
      { tag, commit: oid(41) },
      { tag: unknownOid, commit: oid(40) },
    ]);
    for (const answer of answers.values()) expect(answer).not.toBe('yes');
    if (name.startsWith('v2')) expect(answers.get(unknownOid)).toBe('no');
  });

  it.each(['a blob', 'a commit'])('is not taken for one where %s has its name', async (what) => {
    const { history } = await ask(options);
    const other = what === 'a blob' ? blob : oid(41);
    expect((await history.tags([{ tag: other, commit: oid(40) }])).get(other)).not.toBe('yes');
  });
});
