import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { git } from '../support/git.ts';
import type { ObjectSpec } from '../support/repository.ts';
import { type Scenario, type ScenarioSpec, scenario } from '../support/scenario.ts';
import { refsWith, syncNarrowly } from '../support/sync.ts';

/** More with e.g. GITFERRY_PROPERTY_RUNS=1000, others with GITFERRY_TEST_SEED=random. A failure prints its seed and path; give them to fc.assert to see it again. */
const numRuns = Number(process.env['GITFERRY_PROPERTY_RUNS'] ?? 25);

interface Rules {
  readonly direction: 'push' | 'pull';
  readonly filter: 'none' | 'protected' | 'regex';
  readonly tags: 'all' | 'none' | '^[tu]$';
  readonly keepDivergent: boolean;
  readonly overwrite: boolean;
  readonly deletions: boolean;
}

interface Drawn {
  readonly spec: ScenarioSpec;
  readonly rules: Rules;
  readonly isNarrow: boolean;
}

const objects: Readonly<Record<string, ObjectSpec>> = {
  tag: { type: 'tag', of: 'k1' },
  nested: { type: 'tag', of: 'tag' },
  other: { type: 'tag', of: 'k0' },
  blob: { type: 'blob' },
};

const history = fc
  .array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 2, maxLength: 9 })
  .map((drawn) =>
    Object.fromEntries(
      drawn.map((parents, index) => [`k${index}`, index === 0 ? [] : [...new Set(parents.map((parent) => `k${parent % index}`))]]),
    ),
  );

const drawn: fc.Arbitrary<Drawn> = history
  .chain((parents) => {
    const commit = fc.constantFrom(...Object.keys(parents));
    const branch = fc.constantFrom('heads/main', 'heads/main', 'heads/a', 'heads/a/b', 'heads/b', 'heads/c', 'heads/d', 'heads/sym');
    const tag = fc.constantFrom('tags/t', 'tags/u', 'tags/v', 'tags/v/w');
    const refs = fc
      .tuple(
        fc.dictionary(branch, commit, { maxKeys: 6 }),
        fc.dictionary(tag, fc.oneof(commit, fc.constantFrom(...Object.keys(objects))), { maxKeys: 3 }),
      )
      .map(([branches, tags]) => withoutConflicts({ ...branches, ...tags }));
    return fc.record({
      spec: fc
        .record({
          source: refs,
          target: refs,
          sourceHead: fc.constantFrom('heads/main', 'heads/main', 'heads/a'),
          targetHead: fc.constantFrom('heads/main', 'heads/a', 'heads/c'),
          symbolic: fc.boolean(),
          sourceV0: fc.boolean(),
          targetV0: fc.boolean(),
          filters: fc.boolean(),
        })
        .map(({ symbolic, sourceV0, targetV0, filters, target, ...rest }) => {
          // Where symbolic refs cannot be listed, writing through one cannot be told from a race.
          const hasSymbolic = symbolic && !targetV0 && target['heads/sym'] === undefined && target['heads/b'] !== undefined;
          return {
            ...rest,
            target,
            parents,
            objects,
            ...(hasSymbolic ? { symrefs: { 'heads/sym': 'heads/b' } } : {}),
            sourceServer: { v0Only: sourceV0, config: [`uploadpack.allowFilter=${filters}`] },
            targetServer: { v0Only: targetV0 },
          };
        }),
      rules: fc.record({
        direction: fc.constantFrom('push', 'push', 'pull'),
        filter: fc.constantFrom('none', 'none', 'protected', 'regex'),
        tags: fc.constantFrom('all', 'all', 'none', '^[tu]$'),
        keepDivergent: fc.boolean(),
        overwrite: fc.boolean(),
        deletions: fc.boolean(),
      }),
      isNarrow: fc.boolean(),
    });
  })
  .map(mayBeNarrow);

/** Deletions and protocol v0 always take an ordinary run. */
function mayBeNarrow(given: Drawn): Drawn {
  if (!given.isNarrow) return given;
  const { spec, rules } = given;
  const v2 = { ...spec, sourceServer: { ...spec.sourceServer, v0Only: false }, targetServer: { ...spec.targetServer, v0Only: false } };
  return { ...given, spec: v2, rules: { ...rules, deletions: false } };
}

function withoutConflicts(refs: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(refs).filter(([ref]) => !folders(ref).some((folder) => folder in refs)));
}

function folders(ref: string): string[] {
  const parts = ref.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function optionsOf({ direction, filter, tags, keepDivergent, overwrite, deletions }: Rules): string[] {
  return [
    ...['--direction', direction, '--tags', tags],
    ...(filter === 'protected' ? ['--only-protected-branches', '--protected-branch', 'main', '--protected-branch', 'a*'] : []),
    ...(filter === 'regex' ? ['--branch-regex', '[bm]'] : []),
    ...(keepDivergent ? ['--keep-divergent-refs'] : []),
    ...(overwrite ? ['--overwrite-diverged-branches'] : []),
    ...(deletions ? [] : ['--no-delete']),
  ];
}

function isConcerned(ref: string, { filter, tags }: Rules): boolean {
  const name = ref.replace(/^(heads|tags)\//, '');
  if (ref.startsWith('tags/')) return tags === 'all' || (tags !== 'none' && /^[tu]$/.test(name));
  if (filter === 'protected') return name === 'main' || name.startsWith('a');
  return filter === 'none' || /[bm]/.test(name);
}

const succeeds = (command: Promise<string>): Promise<boolean> =>
  command.then(
    () => true,
    () => false,
  );

/** What docs/behaviour.md says about the target's refs afterwards, with git itself answering every question about history. */
async function expected(made: Scenario, { spec, rules }: Drawn): Promise<{ after: Record<string, string>; diverged: string[] }> {
  const { source, symrefs = {} } = spec;
  const target: Record<string, string> = { ...spec.target };
  const push = rules.direction === 'push';
  const contained = (old: string, within: string): Promise<boolean> =>
    succeeds(git(made.store.path, ['merge-base', '--is-ancestor', `${made.oid(old)}^{commit}`, made.oid(within)]));
  const mayOverwrite = push ? !rules.keepDivergent : rules.overwrite;
  const wanted: Record<string, string> = {};
  const diverged: string[] = [];
  for (const [ref, value] of Object.entries(source)) {
    const old = target[ref];
    if (!isConcerned(ref, rules) || old === value || ref in symrefs) continue;
    const fastForward = old !== undefined && ref.startsWith('heads/') && (await contained(old, value));
    if (old === undefined || mayOverwrite || fastForward) wanted[ref] = value;
    else diverged.push(`refs/${ref}`);
  }
  const head = source[spec.sourceHead ?? 'heads/main'];
  if (push && !rules.keepDivergent && rules.deletions && head !== undefined) {
    const shown = Object.keys(target);
    // A symbolic ref moves with what it names; what has moved away no longer shares a value.
    const staysBehind = (other: string): boolean => !((symrefs[other] ?? other) in wanted);
    for (const [ref, value] of Object.entries(spec.target)) {
      if (ref in source || !isConcerned(ref, rules) || ref === spec.targetHead || Object.values(symrefs).includes(ref)) continue;
      const maybeSymbolic =
        spec.targetServer?.v0Only === true && shown.some((other) => other !== ref && target[other] === value && staysBehind(other));
      if (maybeSymbolic) continue;
      const known = await succeeds(git(made.source, ['cat-file', '-e', made.oid(value)]));
      if (known && (await contained(value, head))) delete target[ref];
    }
  }
  for (const [ref, value] of Object.entries(wanted)) {
    const taken = Object.keys({ ...target, ...symrefs });
    const blocked = !(ref in target) && taken.some((other) => folders(ref).includes(other) || folders(other).includes(ref));
    if (!blocked) target[ref] = value;
  }
  return { after: target, diverged: diverged.sort() };
}

/** Half of the runs are tried with the refs that they are about alone, as after an event that names these. */
const ways = { narrow: 0, tried: 0 };
async function syncedBy(isNarrow: boolean, made: Scenario, rules: Rules): Promise<RunOutcome> {
  if (!isNarrow) return made.sync(...optionsOf(rules));
  const { outcome, way } = await syncNarrowly(made.sourceUrl, made.targetUrl, optionsOf(rules));
  ways.tried++;
  if (way.path === 'narrow') ways.narrow++;
  return outcome;
}

it(
  'after any run, narrow or not, the refs of the target are those that the rules and git say, and the next run moves nothing',
  async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async (given) => {
        const made = await scenario(given.spec);
        const { after, diverged } = await expected(made, given);
        const run = await syncedBy(given.isNarrow, made, given.rules);
        expect(await made.refs()).toEqual(after);
        expect(refsWith(run, 'diverged').sort()).toEqual(diverged);
        const again = await made.sync(...optionsOf(given.rules));
        const { created, updated, forced, deleted } = again.counts;
        expect(created + updated + forced + deleted).toBe(0);
        if (run.counts.rejected === 0) expect(again.bytes).toBe(0);
        expect(await made.refs()).toEqual(after);
      }),
      { numRuns },
    );
    expect(ways.narrow).toBeGreaterThan(0);
    expect(ways.narrow).toBeLessThan(ways.tried);
  },
  Math.max(120_000, numRuns * 10_000),
);
