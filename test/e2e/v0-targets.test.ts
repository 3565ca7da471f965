/** Targets that speak only protocol v0 do not list symbolic refs: what is deleted there, and that a second run finds nothing left to do. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { isAvailable } from '../support/programs.ts';
import { line, resultsOf, type Scenario, type ScenarioSpec, scenario } from '../support/scenario.ts';
import { endAt, syncEnds } from '../support/ssh-sync.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';

interface Case {
  readonly name: string;
  readonly spec: Pick<ScenarioSpec, 'source' | 'target' | 'symrefs'>;
  readonly options?: readonly string[];
  readonly results: readonly string[];
  readonly after: Readonly<Record<string, string>>;
  /** Refs that the note counts. */
  readonly noted?: number;
}

const cases: readonly Case[] = [
  {
    name: 'a branch that shares its value with a branch which the run moves goes in the same run',
    spec: { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2', 'heads/old': 'c2' } },
    results: ['deleted heads/old', 'updated heads/main'],
    after: { 'heads/main': 'c3' },
  },
  {
    name: 'so do refs whose value a forced branch had',
    spec: { source: { 'heads/main': 'c3', 'heads/re': 'y' }, target: { 'heads/main': 'c3', 'heads/re': 'c2', 'tags/old': 'c2' } },
    results: ['deleted tags/old', 'forced heads/re'],
    after: { 'heads/main': 'c3', 'heads/re': 'y' },
  },
  {
    name: 'a symbolic ref moves with the branch that it names, and stays',
    spec: { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2', 'tags/old': 'c2' }, symrefs: { 'tags/latest': 'heads/main' } },
    results: ['deleted tags/old', 'kept tags/latest', 'updated heads/main'],
    after: { 'heads/main': 'c3' },
    noted: 1,
  },
  {
    name: 'refs that share their value with each other too stay',
    spec: { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2', 'heads/old': 'c2', 'tags/old': 'c2' } },
    results: ['kept heads/old', 'kept tags/old', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'heads/old': 'c2', 'tags/old': 'c2' },
    noted: 2,
  },
  {
    name: 'unless such deletions are allowed',
    spec: { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2', 'heads/old': 'c2', 'tags/old': 'c2', 'tags/other': 'x' } },
    options: ['--delete-ambiguous-refs'],
    results: ['deleted heads/old', 'deleted tags/old', 'kept tags/other', 'updated heads/main'],
    after: { 'heads/main': 'c3', 'tags/other': 'x' },
  },
  {
    name: 'what is not merged is kept for that reason first',
    spec: { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c3', 'heads/a': 'x', 'heads/b': 'x' } },
    results: ['kept heads/a', 'kept heads/b'],
    after: { 'heads/main': 'c3', 'heads/a': 'x', 'heads/b': 'x' },
  },
];

describe.runIf(isAvailable('sshd'))('a target with protocol v0', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd({ acceptEnv: false });
  });
  afterAll(async () => sshd.close());

  const runs: Readonly<Record<string, (made: Scenario, options: readonly string[]) => Promise<RunOutcome>>> = {
    HTTP: (made, options) => made.sync(...options),
    SSH: (made, options) => syncEnds(endAt(sshd, made.source), endAt(sshd, made.target), options),
  };
  const overBoth = cases.flatMap((given) => Object.keys(runs).map((over) => ({ ...given, over })));

  it.each(overBoth)('over $over: $name', async ({ spec, options = [], results, after, noted, over }) => {
    const run = async (...more: string[]): Promise<RunOutcome> => {
      const way = runs[over];
      if (way === undefined) throw new Error(over);
      return way(made, [...options, ...more]);
    };
    const made = await scenario({ parents: line, ...spec, sourceServer: { v0Only: true }, targetServer: { v0Only: true } });
    const dry = await run('--dry-run');
    // A dry run cannot see what the other refs will be: it says which will be looked at again.
    const later = results.filter((result) => result.startsWith('deleted') && !resultsOf(dry).includes(result));
    for (const result of later) {
      const ref = dry.refs.find(({ ref: name }) => result === `deleted ${name.replace('refs/', '')}`);
      expect([ref?.result, ref?.reason]).toEqual(['kept', expect.stringContaining('looks at it again')]);
    }
    const outcome = await run();
    expect(resultsOf(outcome)).toEqual(results);
    expect(await made.refs()).toEqual(after);
    expect(outcome.notes.map(({ code, count }) => ({ code, count }))).toEqual(
      noted === undefined ? [] : [{ code: 'symbolic_refs_unknown', count: noted }],
    );
    const second = await run();
    expect([second.bytes, second.counts.created + second.counts.updated + second.counts.forced + second.counts.deleted]).toEqual([0, 0]);
    expect(second.notes).toEqual(outcome.notes);
  });

  it('counts deletions of both looks for the guard', async () => {
    const alone = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`c${index}`, index === 0 ? [] : [`c${index - 1}`]]));
    const gone = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`tags/gone-${index}`, `c${index}`]));
    const made = await scenario({
      parents: { ...alone, d: ['c8'], e: ['d'] },
      source: { 'heads/main': 'e' },
      target: { 'heads/main': 'd', 'tags/with-main': 'd', ...gone },
      targetServer: { v0Only: true },
    });
    const outcome = await made.sync();
    expect([outcome.counts.deleted, outcome.counts.kept, outcome.counts.updated]).toEqual([9, 1, 1]);
    expect(outcome.notes).toMatchObject([{ code: 'deletions_held_back', count: 1 }]);
    expect(Object.keys(await made.refs())).toEqual(['heads/main', 'tags/with-main']);
  });
});
