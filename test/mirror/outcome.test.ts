import { describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { limits } from '../../lib/core/limits.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { type RefOutcome, type RefResult, type RunFacts, refResults, summarise, summariseInTurns } from '../../lib/mirror/outcome.ts';
import { turnsDuring } from '../support/turns-during.ts';

const redactor = createRedactor([{ username: 'ada', password: 'hunter22' }]);

function ref(name: string, result: RefResult, reason: string | null = null): RefOutcome {
  return { ref: `refs/heads/${name}`, result, old: 'a'.repeat(40), new: 'b'.repeat(40), reason };
}

const nothing = { refs: [], error: undefined, divergedDefaultBranch: undefined, bytes: 0, durationMs: 1.6, dryRun: false, notes: [] };

function summary(facts: Partial<RunFacts>) {
  return summarise({ ...nothing, ...facts }, redactor);
}

describe('the outcome of a run', () => {
  it.each<[string, Partial<RunFacts>, string, string | undefined]>([
    ['nothing to do', {}, 'success', undefined],
    ['all done', { refs: [ref('a', 'created'), ref('b', 'updated'), ref('c', 'forced'), ref('d', 'deleted')] }, 'success', undefined],
    ['something kept', { refs: [ref('a', 'kept', 'why')] }, 'success', undefined],
    ['something diverged', { refs: [ref('a', 'created'), ref('b', 'diverged')] }, 'partial', 'refs_diverged'],
    ['something rejected', { refs: [ref('a', 'rejected')] }, 'partial', 'refs_rejected'],
    ['something raced', { refs: [ref('a', 'raced')] }, 'partial', 'refs_raced'],
    ['an end before anything moved', { refs: [ref('a', 'rejected')], error: new GitferryError('server_error') }, 'failed', 'server_error'],
    [
      'an end after something moved',
      { refs: [ref('a', 'created')], error: new GitferryError('pack_truncated') },
      'partial',
      'pack_truncated',
    ],
    ['an empty source', { error: new GitferryError('source_empty') }, 'partial', 'source_empty'],
    [
      'a diverged default branch',
      { refs: [ref('a', 'diverged')], divergedDefaultBranch: 'refs/heads/a' },
      'partial',
      'default_branch_diverged',
    ],
  ])('after %s', (_name, facts, outcome, code) => expect([summary(facts).outcome, summary(facts).error?.code]).toEqual([outcome, code]));

  it('counts every result and leaves none out', () => {
    const { counts } = summary({ refs: [ref('a', 'created'), ref('b', 'created'), ref('c', 'kept', 'why')] });
    expect(Object.keys(counts)).toEqual([...refResults]);
    expect(counts).toMatchObject({ created: 2, kept: 1, raced: 0 });
  });

  it('names at most a hundred refs, one a line, as GitLab does', () => {
    const many = Array.from({ length: 103 }, (_, index) => ref(String(index), 'diverged'));
    const lines = summary({ refs: many }).error?.message.split('\n') ?? [];
    expect(lines[0]).toBe('Some refs have diverged and have not been updated on the remote:');
    expect(lines).toHaveLength(102);
    expect(lines.slice(-2)).toEqual(['refs/heads/99', 'and 3 more']);
  });

  it('says of each kind of failure which refs it hit, and hints at what the target said', () => {
    const { error } = summary({ refs: [ref('a', 'rejected', 'GH007: push blocked'), ref('b', 'raced')] });
    expect(error?.message.split('\n\n').map((section) => section.split('\n').at(-1))).toEqual(['refs/heads/a', 'refs/heads/b']);
    expect(error?.hint).toContain('e-mail');
  });

  it('holds no secret, wherever it came from', () => {
    const error = new GitferryError('remote_error', { detail: 'bad password hunter22', hint: 'not hunter22' });
    const text = JSON.stringify(summary({ refs: [ref('a', 'rejected', 'https://ada:hunter22@host said no')], error }));
    expect(text).not.toContain('hunter22');
  });
});

it('Other runs and requests have their turn while the reasons of many refs are redacted', async () => {
  const slow = {
    redact(words: string): string {
      const end = performance.now() + limits.turnMs + 1;
      while (performance.now() < end);
      return words.replace('hunter22', '*****');
    },
  };
  const refs = Array.from({ length: 12 }, (_, index) => ref(`b${index}`, 'rejected', 'no: hunter22'));
  expect(await turnsDuring(() => summariseInTurns({ ...nothing, refs }, slow))).toBeGreaterThanOrEqual(refs.length);
  expect(await summariseInTurns({ ...nothing, refs }, redactor)).toEqual(summary({ refs }));
});
