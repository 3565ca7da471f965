import { describe, expect, it } from 'vitest';
import { line, resultsOf, type ScenarioSpec, scenario } from '../support/scenario.ts';

interface Case {
  readonly name: string;
  readonly spec: ScenarioSpec;
  readonly options?: readonly string[];
  readonly results: readonly string[];
  readonly after: Readonly<Record<string, string>>;
  readonly error?: string;
}

const tags = { t1: { type: 'tag', of: 'c1' }, t2: { type: 'tag', of: 'c2' } } as const;

const cases: readonly Case[] = [
  {
    name: 'a branch that is behind is fast-forwarded, one that is ahead or beside is left',
    spec: {
      parents: line,
      source: { 'heads/main': 'c3', 'heads/behind': 'c3', 'heads/ahead': 'c1', 'heads/beside': 'y' },
      target: { 'heads/main': 'c3', 'heads/behind': 'c1', 'heads/ahead': 'c2', 'heads/beside': 'c2' },
    },
    results: ['diverged heads/ahead', 'diverged heads/beside', 'updated heads/behind'],
    after: { 'heads/main': 'c3', 'heads/behind': 'c3', 'heads/ahead': 'c2', 'heads/beside': 'c2' },
    error: 'refs_diverged',
  },
  {
    name: 'with the overwrite option all get the value of upstream',
    spec: {
      parents: line,
      source: { 'heads/main': 'c3', 'heads/behind': 'c3', 'heads/ahead': 'c1', 'heads/beside': 'y' },
      target: { 'heads/main': 'c3', 'heads/behind': 'c1', 'heads/ahead': 'c2', 'heads/beside': 'c2' },
    },
    options: ['--overwrite-diverged-branches'],
    results: ['forced heads/ahead', 'forced heads/beside', 'updated heads/behind'],
    after: { 'heads/main': 'c3', 'heads/behind': 'c3', 'heads/ahead': 'c1', 'heads/beside': 'y' },
  },
  {
    name: 'a changed tag is diverged whatever its history',
    spec: {
      parents: line,
      objects: tags,
      source: { 'heads/main': 'c3', 'tags/light': 'c2', 'tags/annotated': 't2' },
      target: { 'heads/main': 'c3', 'tags/light': 'c1', 'tags/annotated': 't1' },
    },
    results: ['diverged tags/annotated', 'diverged tags/light'],
    after: { 'heads/main': 'c3', 'tags/light': 'c1', 'tags/annotated': 't1' },
    error: 'refs_diverged',
  },
  {
    name: 'a changed tag is overwritten with the overwrite option',
    spec: {
      parents: line,
      objects: tags,
      source: { 'heads/main': 'c3', 'tags/light': 'c2', 'tags/annotated': 't2' },
      target: { 'heads/main': 'c3', 'tags/light': 'c1', 'tags/annotated': 't1' },
    },
    options: ['--overwrite-diverged-branches'],
    results: ['forced tags/annotated', 'forced tags/light'],
    after: { 'heads/main': 'c3', 'tags/light': 'c2', 'tags/annotated': 't2' },
  },
  {
    name: 'a branch named HEAD is refused by name and the rest moves',
    spec: { parents: line, source: { 'heads/main': 'c3', 'heads/HEAD': 'c2', 'heads/new': 'x' }, target: { 'heads/main': 'c1' } },
    results: ['created heads/new', 'rejected heads/HEAD', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'heads/new': 'x' },
    error: 'refs_rejected',
  },
  {
    name: 'what upstream deleted stays',
    spec: { parents: line, source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c3', 'heads/old': 'c1', 'tags/old': 'c1' } },
    options: ['--overwrite-diverged-branches'],
    results: [],
    after: { 'heads/main': 'c3', 'heads/old': 'c1', 'tags/old': 'c1' },
  },
  {
    name: 'a symbolic branch of the project that shares its value with another is not written through',
    spec: {
      parents: line,
      source: { 'heads/main': 'c3', 'heads/alias': 'c2' },
      target: { 'heads/main': 'c1' },
      symrefs: { 'heads/alias': 'heads/main' },
    },
    results: ['kept heads/alias', 'updated heads/main'],
    after: { 'heads/main': 'c3' },
  },
  {
    name: 'upstream that speaks v0 only answers what decides',
    spec: {
      parents: line,
      source: { 'heads/main': 'c3', 'heads/a': 'y', 'heads/b': 'c3' },
      target: { 'heads/main': 'c1', 'heads/a': 'c2', 'heads/b': 'x' },
      sourceServer: { v0Only: true },
    },
    results: ['diverged heads/a', 'diverged heads/b', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'heads/a': 'c2', 'heads/b': 'x' },
    error: 'refs_diverged',
  },
];

describe('a pull between two servers', () => {
  it.each(cases)('$name', async ({ spec, options = [], results, after, error }) => {
    const made = await scenario(spec);
    const dry = await made.sync('--direction', 'pull', ...options, '--dry-run');
    const run = await made.sync('--direction', 'pull', ...options);
    expect(resultsOf(run)).toEqual(results);
    expect(await made.refs()).toEqual(after);
    expect([run.outcome, run.error?.code]).toEqual([error === undefined ? 'success' : 'partial', error]);
    expect(dry.refs).toEqual(run.refs);
    const again = await made.sync('--direction', 'pull', ...options);
    expect([again.bytes, again.counts.created + again.counts.updated + again.counts.forced]).toEqual([0, 0]);
  });

  it('says that the default branch diverged, and moves the others', async () => {
    const made = await scenario({
      parents: line,
      source: { 'heads/main': 'c3', 'heads/trunk': 'y', 'heads/other': 'y' },
      target: { 'heads/main': 'c2', 'heads/trunk': 'c2', 'heads/other': 'c1' },
      targetHead: 'heads/trunk',
    });
    const run = await made.sync('--direction', 'pull');
    expect(run.error).toMatchObject({
      code: 'default_branch_diverged',
      message: 'The default branch (trunk) has diverged from its upstream counterpart and could not be updated automatically.',
    });
    expect([run.outcome, resultsOf(run)]).toEqual(['partial', ['diverged heads/trunk', 'updated heads/main', 'updated heads/other']]);
    expect(await made.refs()).toEqual({ 'heads/main': 'c3', 'heads/trunk': 'c2', 'heads/other': 'y' });
  });
});
