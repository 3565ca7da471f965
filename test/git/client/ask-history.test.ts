import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../../lib/core/deadline.ts';
import { GitferryError } from '../../../lib/core/errors.ts';
import { limits } from '../../../lib/core/limits.ts';
import { History } from '../../../lib/git/client/ask-history.ts';
import { cloneHistory } from '../../../lib/git/client/history-clone.ts';
import { type ContainmentQuestion, questionKey } from '../../../lib/git/client/history-questions.ts';
import { UploadPack } from '../../../lib/git/client/upload-pack.ts';
import { createHttpTransport } from '../../../lib/git/transport/http.ts';
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
let tree = '';

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
  tree = await git(path, ['rev-parse', `${oids[1]}^{tree}`]);
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

/** Refuses every fetch that has haves: no history question is answered then. */
const mute: Omit<GitHttpServerOptions, 'root'> = {
  intercept: async ({ request, response, isRpc }) => {
    if (!isRpc) return false;
    await once(request, 'readable');
    const body = request.read() as Buffer;
    const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('latin1');
    if (!text.includes('have ')) {
      request.unshift(body);
      return false;
    }
    request.resume();
    response.writeHead(500).end();
    return true;
  },
};

describe.each(Object.entries(servers))('containment asked of %s', (_name, options) => {
  it.each(Object.entries(questions))('%s: says what git merge-base says', async (_what, make) => {
    const asked = await ask(options);
    const answers = await asked.history.contained(make(), { decisive: true });
    expect(Object.fromEntries(answers)).toEqual(await truths(make()));
    expect((await readdir(tmpdir())).filter((name) => name.startsWith(`gitferry-${process.pid}-`))).toEqual([]);
  });
});

describe('the number of requests', () => {
  it.each([
    ['one that is contained', 1],
    ['one of an unknown object', 3],
    ['one of a value in itself', 0],
    ['many within one', 2],
  ])('for %s stays at %i', async (what, most) => {
    const asked = await ask();
    await asked.history.contained(questions[what]?.() ?? [], { decisive: true });
    expect(posts(asked)).toBeLessThanOrEqual(most);
  });
});

describe('a source that answers no questions', () => {
  const within = () => Array.from({ length: 20 }, (_, index) => ({ commit: oid(2 * index + 1), within: oid(45) }));

  it('has its history cloned, and the clone leaves nothing behind', async () => {
    const { history } = await ask(mute);
    expect(Object.fromEntries(await history.contained(within(), { decisive: true }))).toEqual(await truths(within()));
    expect((await readdir(tmpdir())).filter((name) => name.startsWith(`gitferry-${process.pid}-`))).toEqual([]);
  });

  it('is left in peace where nothing depends on the answer', async () => {
    const { history } = await ask(mute);
    for (const answer of (await history.contained(within(), { decisive: false })).values()) expect(answer).toHaveProperty('undecided');
  });

  it.each([true, false])('is not asked for each of many groups in vain (decisive: %s)', async (decisive) => {
    const asked = await ask(mute);
    const groups = Array.from({ length: 20 }, (_, index) => [1, 2].map((mark) => ({ commit: oid(mark), within: oid(3 * (index + 1)) })));
    await asked.history.contained(groups.flat(), { decisive });
    // Two for each, filtered and not, would be more already.
    expect(posts(asked)).toBeLessThan(2 * groups.length);
  });

  it('is not cloned twice for the same values', async () => {
    const asked = await ask(mute);
    await asked.history.contained(within(), { decisive: true });
    const before = asked.server.log.length;
    await asked.history.contained(within(), { decisive: true });
    const cloned = asked.server.log.slice(before).filter(({ bytes }) => bytes > 2000);
    expect(cloned).toEqual([]);
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

describe.each(Object.entries(servers))('what is known to %s', (_name, options) => {
  it('is told from what is not', async () => {
    const { history } = await ask(options);
    const unknown = ['a', 'b', 'c'].map((digit) => digit.repeat(40));
    const known = [oid(1), oid(2), oid(40), oid(41), blob, tree];
    const answers = await history.known([...known, ...unknown, ...known]);
    expect(Object.fromEntries(answers)).toEqual(
      Object.fromEntries([...known.map((it) => [it, 'yes']), ...unknown.map((it) => [it, 'no'])]),
    );
  });

  it('and is a commit is told from other objects', async () => {
    const { history } = await ask(options);
    const answers = await history.areCommits([oid(1), oid(40), blob, tree]);
    expect([answers.get(oid(1)), answers.get(oid(40))]).toEqual(['yes', 'yes']);
    for (const other of [blob, tree]) expect(answers.get(other)).not.toBe('yes');
  });
});

describe('a history clone', () => {
  it.each([true, false])('holds every commit that the wants reach (filtered: %s)', async (filtered) => {
    const { source } = await ask();
    const graph = await cloneHistory(source, [oid(60)], { filtered, signal: new AbortController().signal });
    const rows = (await git(join(folder.path, 'repo.git'), ['rev-list', '--parents', oid(60)])).split('\n').map((row) => row.split(' '));
    for (const [commit = '', ...parents] of rows) expect(graph.get(commit)).toEqual(parents);
    if (filtered) expect(graph.size).toBe(rows.length);
  });

  it('of too many objects is refused before anything is stored', async () => {
    const { source } = await ask({
      transformAnswer: (_service, chunk) => {
        const at = chunk.indexOf('PACK');
        if (at < 0) return chunk;
        const changed = Buffer.from(chunk);
        changed.writeUInt32BE(limits.historyCloneObjects + 1, at + 8);
        return changed;
      },
    });
    const error = await cloneHistory(source, [oid(60)], { filtered: true, signal: new AbortController().signal }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(GitferryError);
    expect(error).toMatchObject({ code: 'history_too_large' });
  });
});
