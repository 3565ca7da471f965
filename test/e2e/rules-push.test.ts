import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { line, resultsOf, type ScenarioSpec, scenario } from '../support/scenario.ts';

/** main at c3 on both ends. */
const settled = { parents: line, source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c3' } } as const;
const annotated = { t1: { type: 'tag', of: 'c1' }, t2: { type: 'tag', of: 'c2' }, tx: { type: 'tag', of: 'x' } } as const;

interface Case {
  readonly name: string;
  readonly spec: ScenarioSpec;
  readonly options?: readonly string[];
  readonly results: readonly string[];
  readonly after: Readonly<Record<string, string>>;
  readonly outcome?: 'success' | 'partial';
  readonly notes?: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: 'an annotated tag is created with its tag object',
    spec: { ...settled, objects: annotated, source: { 'heads/main': 'c3', 'tags/v1': 't1' } },
    results: ['created tags/v1'],
    after: { 'heads/main': 'c3', 'tags/v1': 't1' },
  },
  {
    name: 'an annotated tag that moved is forced',
    spec: {
      ...settled,
      objects: annotated,
      source: { 'heads/main': 'c3', 'tags/v1': 't2' },
      target: { 'heads/main': 'c3', 'tags/v1': 't1' },
    },
    results: ['forced tags/v1'],
    after: { 'heads/main': 'c3', 'tags/v1': 't2' },
  },
  {
    name: 'a light tag turned into an annotated one is forced',
    spec: {
      ...settled,
      objects: annotated,
      source: { 'heads/main': 'c3', 'tags/v1': 't1' },
      target: { 'heads/main': 'c3', 'tags/v1': 'c1' },
    },
    results: ['forced tags/v1'],
    after: { 'heads/main': 'c3', 'tags/v1': 't1' },
  },
  {
    name: 'an annotated tag that is contained and known to the source is deleted',
    spec: {
      ...settled,
      objects: annotated,
      source: { 'heads/main': 'c3', 'tags/same': 't1' },
      target: { 'heads/main': 'c3', 'tags/same': 't1', 'tags/v1': 't1' },
    },
    results: ['deleted tags/v1'],
    after: { 'heads/main': 'c3', 'tags/same': 't1' },
  },
  {
    name: 'an annotated tag whose object the source does not know is kept although its commit is contained',
    spec: { ...settled, objects: annotated, target: { 'heads/main': 'c3', 'tags/v1': 't1' } },
    results: ['kept tags/v1'],
    after: { 'heads/main': 'c3', 'tags/v1': 't1' },
  },
  {
    name: 'an unknown tag object is kept also beside known ones',
    spec: {
      ...settled,
      objects: annotated,
      source: { 'heads/main': 'c3', 'tags/same': 't1' },
      target: { 'heads/main': 'c3', 'tags/same': 't1', 'tags/a': 't1', 'tags/b': 't2', 'heads/old': 'c2' },
    },
    results: ['deleted heads/old', 'deleted tags/a', 'kept tags/b'],
    after: { 'heads/main': 'c3', 'tags/same': 't1', 'tags/b': 't2' },
  },
  {
    name: 'an annotated tag of a commit outside the default branch is kept',
    spec: {
      ...settled,
      objects: annotated,
      source: { 'heads/main': 'c3', 'heads/x': 'x', 'tags/same': 'tx' },
      target: { 'heads/main': 'c3', 'heads/x': 'x', 'tags/same': 'tx', 'tags/vx': 'tx' },
    },
    results: ['kept tags/vx'],
    after: { 'heads/main': 'c3', 'heads/x': 'x', 'tags/same': 'tx', 'tags/vx': 'tx' },
  },
  {
    name: 'nested tags are created, moved and deleted like plain ones',
    spec: {
      ...settled,
      objects: { ...annotated, n1: { type: 'tag', of: 't1' }, n2: { type: 'tag', of: 'n1' } },
      source: { 'heads/main': 'c3', 'tags/new': 'n2', 'tags/moved': 'n1' },
      target: { 'heads/main': 'c3', 'tags/moved': 't1', 'tags/gone': 'n1' },
    },
    results: ['created tags/new', 'deleted tags/gone', 'forced tags/moved'],
    after: { 'heads/main': 'c3', 'tags/new': 'n2', 'tags/moved': 'n1' },
  },
  {
    name: 'tags of blobs and trees are created',
    spec: {
      ...settled,
      objects: { b: { type: 'blob' }, t: { type: 'tree' }, tb: { type: 'tag', of: 'b' } },
      source: { 'heads/main': 'c3', 'tags/b': 'b', 'tags/t': 't', 'tags/tb': 'tb' },
    },
    results: ['created tags/b', 'created tags/t', 'created tags/tb'],
    after: { 'heads/main': 'c3', 'tags/b': 'b', 'tags/t': 't', 'tags/tb': 'tb' },
  },
  {
    name: 'tags of blobs and trees that only the target has are kept, also where the source knows them',
    spec: {
      ...settled,
      objects: { b: { type: 'blob' }, t: { type: 'tree' }, tb: { type: 'tag', of: 'b' }, unknown: { type: 'blob' } },
      source: { 'heads/main': 'c3', 'tags/b': 'b', 'tags/t': 't', 'tags/tb': 'tb' },
      target: {
        'heads/main': 'c3',
        'tags/b': 'b',
        'tags/t': 't',
        'tags/tb': 'tb',
        'tags/b2': 'b',
        'tags/t2': 't',
        'tags/tb2': 'tb',
        'tags/u': 'unknown',
      },
    },
    results: ['kept tags/b2', 'kept tags/t2', 'kept tags/tb2', 'kept tags/u'],
    after: {
      'heads/main': 'c3',
      'tags/b': 'b',
      'tags/t': 't',
      'tags/tb': 'tb',
      'tags/b2': 'b',
      'tags/t2': 't',
      'tags/tb2': 'tb',
      'tags/u': 'unknown',
    },
  },
  {
    name: "the target's default branch is kept",
    spec: { ...settled, target: { 'heads/main': 'c3', 'heads/trunk': 'c1', 'heads/old': 'c1' }, targetHead: 'heads/trunk' },
    results: ['deleted heads/old', 'kept heads/trunk'],
    after: { 'heads/main': 'c3', 'heads/trunk': 'c1' },
  },
  {
    name: 'with --no-delete nothing is deleted',
    spec: { ...settled, target: { 'heads/main': 'c2', 'heads/old': 'c1', 'tags/old': 'c1' } },
    options: ['--no-delete'],
    results: ['kept heads/old', 'kept tags/old', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'heads/old': 'c1', 'tags/old': 'c1' },
  },
  {
    name: 'with --tags none tags are left alone on both ends',
    spec: {
      ...settled,
      source: { 'heads/main': 'c3', 'tags/new': 'c3', 'tags/moved': 'c3' },
      target: { 'heads/main': 'c3', 'tags/moved': 'c1', 'tags/gone': 'c1' },
    },
    options: ['--tags', 'none'],
    results: [],
    after: { 'heads/main': 'c3', 'tags/moved': 'c1', 'tags/gone': 'c1' },
  },
  {
    name: 'a tag regex counts on both ends',
    spec: {
      ...settled,
      source: { 'heads/main': 'c3', 'tags/v2': 'c3', 'tags/nightly': 'c3' },
      target: { 'heads/main': 'c3', 'tags/v1': 'c1', 'tags/weekly': 'c1' },
    },
    options: ['--tags', '^v'],
    results: ['created tags/v2', 'deleted tags/v1'],
    after: { 'heads/main': 'c3', 'tags/v2': 'c3', 'tags/weekly': 'c1' },
  },
  {
    name: 'an empty protected list moves no branch and says so',
    spec: { ...settled, target: { 'heads/main': 'c1', 'heads/old': 'c1' }, source: { 'heads/main': 'c3', 'tags/v': 'c1' } },
    options: ['--only-protected-branches'],
    results: ['created tags/v'],
    after: { 'heads/main': 'c1', 'heads/old': 'c1', 'tags/v': 'c1' },
    notes: ['no_branch_matches'],
  },
  {
    name: 'a regex that matches no branch of the source says so; deletions of matching names still propagate',
    spec: { ...settled, target: { 'heads/main': 'c1', 'heads/old': 'c1' } },
    options: ['--branch-regex', '^o'],
    results: ['deleted heads/old'],
    after: { 'heads/main': 'c1' },
    notes: ['no_branch_matches'],
  },
  {
    name: 'a symbolic ref that shares its value with a branch to be updated is not written through',
    spec: {
      ...settled,
      source: { 'heads/main': 'c3', 'heads/alias': 'x' },
      target: { 'heads/main': 'c1' },
      symrefs: { 'heads/alias': 'heads/main' },
    },
    results: ['kept heads/alias', 'updated heads/main'],
    after: { 'heads/main': 'c3' },
  },
  {
    name: 'a symbolic ref that shares its value with a branch to be deleted stays with its branch kept or gone',
    spec: {
      ...settled,
      target: { 'heads/main': 'c3', 'heads/old': 'c1', 'heads/live': 'c1' },
      source: { 'heads/main': 'c3', 'heads/live': 'c1' },
      symrefs: { 'heads/alias': 'heads/live' },
    },
    results: ['deleted heads/old'],
    after: { 'heads/main': 'c3', 'heads/live': 'c1' },
  },
  {
    name: 'a symbolic tag that names a branch is ignored',
    spec: { ...settled, symrefs: { 'tags/latest': 'heads/main' } },
    results: [],
    after: { 'heads/main': 'c3' },
  },
  {
    name: 'nothing is deleted that may be a symbolic ref where the target speaks v0 only',
    spec: {
      ...settled,
      target: { 'heads/main': 'c3', 'heads/old': 'c1', 'tags/old': 'c2' },
      symrefs: { 'tags/latest': 'heads/main', 'heads/next': 'heads/main' },
      targetServer: { v0Only: true },
    },
    results: ['deleted heads/old', 'deleted tags/old', 'kept heads/next', 'kept tags/latest'],
    after: { 'heads/main': 'c3' },
    notes: ['symbolic_refs_unknown'],
  },
  {
    name: 'a source that speaks v0 only answers the same questions',
    spec: {
      ...settled,
      objects: annotated,
      source: { 'heads/main': 'c3', 'heads/new': 'y', 'tags/same': 't1' },
      target: { 'heads/main': 'c1', 'heads/old': 'c2', 'heads/other': 'x', 'tags/same': 't1', 'tags/a': 't1', 'tags/b': 't2' },
      sourceServer: { v0Only: true },
    },
    results: ['created heads/new', 'deleted heads/old', 'deleted tags/a', 'kept heads/other', 'kept tags/b', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'heads/new': 'y', 'heads/other': 'x', 'tags/same': 't1', 'tags/b': 't2' },
  },
  {
    name: 'a source without its default branch deletes nothing',
    spec: { ...settled, sourceHead: 'heads/nowhere', target: { 'heads/main': 'c2', 'heads/old': 'c1' } },
    results: ['kept heads/old', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'heads/old': 'c1' },
  },
  {
    name: 'an advanced branch is updated, a rewritten one forced',
    spec: { ...settled, source: { 'heads/main': 'c3', 'heads/re': 'y' }, target: { 'heads/main': 'c1', 'heads/re': 'c2' } },
    results: ['forced heads/re', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'heads/re': 'y' },
  },
  {
    name: 'a branch that makes room for a folder is swapped',
    spec: { ...settled, source: { 'heads/main': 'c3', 'heads/a/b': 'c2' }, target: { 'heads/main': 'c3', 'heads/a': 'c1' } },
    results: ['created heads/a/b', 'deleted heads/a'],
    after: { 'heads/main': 'c3', 'heads/a/b': 'c2' },
  },
  {
    name: 'a folder that makes room for a branch is swapped',
    spec: {
      ...settled,
      source: { 'heads/main': 'c3', 'heads/a': 'c2', 'tags/v/1': 'c1' },
      target: { 'heads/main': 'c3', 'heads/a/b/c': 'c1', 'tags/v': 'c1' },
    },
    results: ['created heads/a', 'created tags/v/1', 'deleted heads/a/b/c', 'deleted tags/v'],
    after: { 'heads/main': 'c3', 'heads/a': 'c2', 'tags/v/1': 'c1' },
  },
  {
    name: 'a name that is not freed stays rejected, the rest moves',
    spec: {
      ...settled,
      source: { 'heads/main': 'c3', 'heads/a/b': 'c2', 'heads/new': 'c1' },
      target: { 'heads/main': 'c3', 'heads/a': 'x' },
    },
    results: ['created heads/new', 'kept heads/a', 'rejected heads/a/b'],
    after: { 'heads/main': 'c3', 'heads/a': 'x', 'heads/new': 'c1' },
    outcome: 'partial',
  },
  {
    name: 'SHA-256 repositories are mirrored',
    spec: {
      ...settled,
      format: 'sha256',
      objects: annotated,
      source: { 'heads/main': 'c3', 'heads/new': 'y', 'tags/v1': 't1' },
      target: { 'heads/main': 'c1', 'heads/old': 'c2', 'heads/other': 'c1' },
    },
    results: ['created heads/new', 'created tags/v1', 'deleted heads/old', 'deleted heads/other', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'heads/new': 'y', 'tags/v1': 't1' },
  },
  {
    name: 'keeping divergent refs, a changed annotated tag and an advanced tag are both left',
    spec: {
      ...settled,
      objects: annotated,
      source: { 'heads/main': 'c3', 'tags/a': 't2', 'tags/l': 'c2' },
      target: { 'heads/main': 'c1', 'tags/a': 't1', 'tags/l': 'c1' },
    },
    options: ['--keep-divergent-refs'],
    results: ['diverged tags/a', 'diverged tags/l', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'tags/a': 't1', 'tags/l': 'c1' },
    outcome: 'partial',
  },
];

describe('a push between two servers', () => {
  it.each(cases)('$name', async ({ spec, options = [], results, after, outcome = 'success', notes = [] }) => {
    const made = await scenario(spec);
    // What would happen is what happens, and is found out without writing.
    const before = await made.refs();
    const dry = await made.sync(...options, '--dry-run');
    expect(await made.refs()).toEqual(before);
    expect(made.targetServer.log.filter(({ method, service }) => method === 'POST' && service === 'git-receive-pack')).toEqual([]);
    const run = await made.sync(...options);
    expect(await made.refs()).toEqual(after);
    expect(resultsOf(run)).toEqual(results);
    // Only the target itself can refuse a ref.
    if (!results.some((result) => result.startsWith('rejected'))) expect(dry.refs).toEqual(run.refs);
    expect([run.outcome, run.notes.map(({ code }) => code)]).toEqual([outcome, notes]);
    const again = await made.sync(...options);
    const refused = run.counts.rejected > 0;
    expect([refused ? 0 : again.bytes, again.counts.created + again.counts.updated + again.counts.forced + again.counts.deleted]).toEqual([
      0, 0,
    ]);
  });

  it('leaves symbolic refs of the target as they are', async () => {
    const made = await scenario({
      ...settled,
      target: { 'heads/main': 'c1' },
      symrefs: { 'heads/alias': 'heads/main', 'tags/latest': 'heads/main' },
    });
    await made.sync();
    for (const ref of ['refs/heads/alias', 'refs/tags/latest'])
      expect(await git(made.target, ['symbolic-ref', ref])).toBe('refs/heads/main');
  });

  it('deletes nothing when the HEAD of the source is detached', async () => {
    const made = await scenario({ ...settled, target: { 'heads/main': 'c2', 'heads/old': 'c1' } });
    await git(made.source, ['update-ref', '--no-deref', 'HEAD', made.oid('c3')]);
    expect(resultsOf(await made.sync())).toEqual(['kept heads/old', 'updated heads/main']);
  });

  it('deletes nothing, and says so, when the source is empty', async () => {
    const made = await scenario({ ...settled, source: {}, target: { 'heads/main': 'c2', 'tags/v': 'c1' } });
    const run = await made.sync();
    expect([run.outcome, run.error?.code, resultsOf(run)]).toEqual(['partial', 'source_empty', ['kept heads/main', 'kept tags/v']]);
    expect(await made.refs()).toEqual({ 'heads/main': 'c2', 'tags/v': 'c1' });
  });

  it('holds back many deletions until they are confirmed', async () => {
    const gone = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`heads/gone-${index}`, 'c1']));
    const made = await scenario({ ...settled, target: { 'heads/main': 'c2', ...gone } });
    const held = await made.sync();
    expect([held.outcome, held.counts.kept, held.counts.deleted, held.counts.updated]).toEqual(['success', 12, 0, 1]);
    expect(held.notes.map(({ code }) => code)).toEqual(['deletions_held_back']);
    const confirmed = await made.sync('--confirm-deletions');
    expect(confirmed.counts.deleted).toBe(12);
    expect(await made.refs()).toEqual({ 'heads/main': 'c3' });
  });

  it.each([
    ['a folder in the way', { 'heads/main': 'c3', 'heads/a': 'c3' }, { 'heads/main': 'c3', 'heads/a/b': 'x' }, 'heads/a'],
    ['a name in the way', { 'heads/main': 'c3', 'heads/a/b': 'c3' }, { 'heads/main': 'c3', 'heads/a': 'x' }, 'heads/a/b'],
  ])('%s that stays: the new ref is rejected by the plan already, and nothing is sent', async (_name, source, target, rejected) => {
    const made = await scenario({ parents: line, source, target });
    const dry = await made.sync('--dry-run');
    const run = await made.sync();
    expect([run.outcome, run.bytes, resultsOf(run)]).toEqual(['partial', 0, resultsOf(dry)]);
    expect(resultsOf(run)).toContain(`rejected ${rejected}`);
    expect(await made.refs()).toEqual(target);
  });

  it('keeps a merged branch that a symbolic ref of the target stands for: deleting it would leave that dangling', async () => {
    const made = await scenario({
      parents: line,
      source: { 'heads/main': 'c3' },
      target: { 'heads/main': 'c3', 'heads/old': 'c2', 'heads/gone': 'c1' },
      symrefs: { 'heads/sym': 'heads/old' },
    });
    expect(resultsOf(await made.sync())).toEqual(['deleted heads/gone', 'kept heads/old']);
    expect(await made.refs()).toEqual({ 'heads/main': 'c3', 'heads/old': 'c2' });
  });
});
