import { describe, expect, it } from 'vitest';
import { formatBytes, renderError, renderOutcome } from '../../lib/cli/render.ts';
import { printUsageError, runSyncCommand } from '../../lib/cli/sync-command.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { type RefOutcome, summarise } from '../../lib/mirror/outcome.ts';

const oid = 'a'.repeat(40);

function outcomeOf(refs: readonly RefOutcome[]) {
  const facts = { refs, error: undefined, divergedDefaultBranch: undefined, bytes: 1234, durationMs: 1500, dryRun: false, notes: [] };
  return summarise(facts, createRedactor([]));
}

describe('renderOutcome', () => {
  it('puts what needs a person first', () => {
    const created = { ref: 'refs/heads/a', result: 'created', old: null, new: oid, reason: null } as const;
    const rejected = { ref: 'refs/heads/z', result: 'rejected', old: oid, new: null, reason: 'hook declined' } as const;
    const lines = renderOutcome(outcomeOf([created, rejected])).split('\n');
    expect(lines[0]).toContain('refs/heads/z');
    expect(lines[0]).toContain('hook declined');
    expect(lines[1]).toContain('refs/heads/a');
  });

  it('stays short for many refs and says how many are left out', () => {
    const refs = Array.from(
      { length: 1000 },
      (_, index) => ({ ref: `refs/heads/${index}`, result: 'created', old: null, new: oid, reason: null }) as const,
    );
    const text = renderOutcome(outcomeOf(refs));
    expect(text.split('\n').length).toBeLessThan(50);
    expect(text).toContain('960 more');
    expect(text).toContain('1000 created');
  });

  it('lets no control character of a stranger reach the terminal', () => {
    const text = renderOutcome(
      outcomeOf([{ ref: 'refs/heads/a', result: 'rejected', old: null, new: oid, reason: 'no\x1b[2J\x07\r\nway' }]),
    );
    expect(text).toContain('way');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must be gone
    expect(text.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f]/);
  });
});

describe('names and words that hide something', () => {
  const hidden = 'a\u202egnp\u2066\u200b\u009b\u{e0041}\ufeff';
  const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/u;
  const error = new GitferryError('remote_error', { words: hidden, hint: hidden });
  const facts = {
    refs: [{ ref: `refs/heads/${hidden}`, result: 'rejected', old: null, new: oid, reason: hidden } as const],
    ...{ error: undefined, divergedDefaultBranch: undefined, bytes: 0, durationMs: 0, dryRun: false },
    notes: [{ code: 'no_branch_matches', message: hidden } as const],
  };
  const redactor = createRedactor([]);

  it('are shown as code points in the table, its messages, notes and hints', () => {
    for (const outcome of [summarise(facts, redactor), summarise({ ...facts, error }, redactor)]) {
      const text = renderOutcome(outcome);
      expect(text.split('\n').filter((line) => unseen.test(line))).toEqual([]);
      expect(text).toContain('refs/heads/a⟨U+202E⟩gnp');
    }
    expect(
      renderError(error)
        .split('\n')
        .filter((line) => unseen.test(line)),
    ).toEqual([]);
  });

  it('are exact in JSON, and escaped', async () => {
    const outcome = summarise({ ...facts, error }, redactor);
    let text = '';
    const out = { write: (piece: string) => (text += piece) };
    await runSyncCommand(() => Promise.resolve(outcome), { json: true }, { stdout: out, stderr: out });
    expect(text.slice(0, -1)).not.toMatch(unseen);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(outcome)));
    text = '';
    printUsageError(error, redactor, { json: true }, { stdout: out, stderr: out });
    printUsageError(error, redactor, { json: false }, { stdout: out, stderr: out });
    expect(text.replaceAll('\n', '')).not.toMatch(unseen);
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [68_300_000, '68.3 MB'],
    [1_200_000_000, '1.2 GB'],
  ])('%d', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});
