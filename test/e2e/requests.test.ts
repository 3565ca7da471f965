import { describe, expect, it } from 'vitest';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { startGitferry } from '../support/running-command.ts';
import { line, type Scenario, type ScenarioSpec, scenario } from '../support/scenario.ts';

/** Runs the real command and counts what both servers were asked. */
async function counted(spec: ScenarioSpec, options: readonly string[] = []) {
  const made = await scenario(spec);
  const { ended } = await startGitferry(['sync', made.sourceUrl, made.targetUrl, '--json', '--allow-address', '127.0.0.0/8', ...options]);
  const { stdout, stderr, filesLeft } = await ended;
  const outcome = JSON.parse(stdout) as RunOutcome;
  expect([stderr, filesLeft]).toEqual(['', []]);
  return { outcome, requests: [count(made.sourceServer), count(made.targetServer)] };
}

const count = ({ log }: Scenario['sourceServer']): number => log.length;

// One pack carries what is new, proves what was a fast-forward, and holds the LFS pointers.
describe('the number of requests over protocol v2 (source, target)', () => {
  it.each([
    [
      'a no-op',
      { source: { 'heads/main': 'c3', 'tags/v': 'c1' }, target: { 'heads/main': 'c3', 'tags/v': 'c1' } },
      { changes: 0, source: 2, target: 1 },
    ],
    [
      'a new branch and a new tag beside others',
      { source: { 'heads/main': 'c3', 'heads/n': 'y', 'tags/v': 'x' }, target: { 'heads/main': 'c3' } },
      { changes: 2, source: 3, target: 2 },
    ],
    ['an advanced branch', { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2' } }, { changes: 1, source: 3, target: 2 }],
    [
      'an advanced branch that may be a symbolic ref',
      { source: { 'heads/main': 'c3', 'heads/b': 'c2' }, target: { 'heads/main': 'c2', 'heads/b': 'c2' } },
      { changes: 1, source: 3, target: 3 },
    ],
    [
      'a deleted branch (with the question whether it is contained) beside a new one',
      { source: { 'heads/main': 'c3', 'heads/n': 'y' }, target: { 'heads/main': 'c3', 'heads/old': 'c1' } },
      { changes: 2, source: 4, target: 3 },
    ],
    [
      'a deleted branch of the same value as main',
      { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c3', 'heads/old': 'c3' } },
      { changes: 1, source: 2, target: 3 },
    ],
    [
      'a kept branch, and nothing to do',
      { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c3', 'heads/trunk': 'c1' }, targetHead: 'heads/trunk' },
      { changes: 0, source: 2, target: 3 },
    ],
    [
      'a branch that is deleted with the push that merges it',
      { source: { 'heads/main': 'm' }, target: { 'heads/main': 'c3', 'heads/old': 'y' }, parents: { ...line, m: ['c3', 'y'] } },
      { changes: 2, source: 3, target: 3 },
    ],
    [
      'an advanced branch where divergent refs are kept',
      { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2' }, options: ['--keep-divergent-refs'] },
      { changes: 1, source: 3, target: 2 },
    ],
    [
      'an advanced branch of a pull',
      { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2' }, options: ['--direction', 'pull'] },
      { changes: 1, source: 3, target: 2 },
    ],
  ] as const)('%s', async (_name, spec, most) => {
    const { outcome, requests } = await counted({ parents: line, ...spec }, 'options' in spec ? spec.options : []);
    const { created, updated, forced, deleted } = outcome.counts;
    expect([outcome.outcome, created + updated + forced + deleted]).toEqual(['success', most.changes]);
    expect(requests[0]).toBeLessThanOrEqual(most.source);
    expect(requests[1]).toBeLessThanOrEqual(most.target);
  });

  it('and the bytes that go up stay the same with a thousand refs', async () => {
    const tags = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`tags/v${index}`, `t${index}`]));
    const tagged = Object.fromEntries(Object.values(tags).map((name) => [name, { type: 'tag' as const, of: 'c1' }]));
    let bytes = 0;
    const { outcome, requests } = await counted({
      parents: line,
      objects: tagged,
      source: { ...tags, 'heads/main': 'c3' },
      target: { ...tags, 'heads/main': 'c2' },
      sourceServer: {
        onRequestBytes: (_service, chunk) => {
          bytes += chunk.length;
        },
      },
    });
    expect([outcome.counts.updated, ...requests]).toEqual([1, 3, 2]);
    expect(bytes).toBeLessThan(16 * 1024);
  });

  it('stays the same with a hundred moved branches', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `heads/b${String(index).padStart(3, '0')}`);
    const parents = Object.fromEntries([['root', []], ['next', ['root']], ...names.map((name) => [name, ['root']])]) as Record<
      string,
      string[]
    >;
    const { outcome, requests } = await counted({
      parents,
      source: Object.fromEntries([['heads/main', 'next'], ...names.map((name) => [name, 'next'])]) as Record<string, string>,
      target: Object.fromEntries([['heads/main', 'next'], ...names.map((name) => [name, name])]) as Record<string, string>,
    });
    expect(outcome.counts.forced).toBe(100);
    expect(requests[1]).toBeLessThanOrEqual(2);
    expect(requests[0]).toBeLessThanOrEqual(6);
  });
});
