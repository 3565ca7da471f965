/** A run's outcome as text for people: a short table, what went wrong, what to do. */

import type { GitferryError } from '../core/errors.ts';
import { printable, printableLines } from '../core/printable.ts';
import { type RefOutcome, type RefResult, type RunOutcome, refResults } from '../mirror/outcome.ts';

const shownRefs = 40;
const shownObjects = 20;
const shortOid = 8;
/** What needs a person comes first. */
const order: readonly RefResult[] = ['unreadable', 'rejected', 'raced', 'diverged', 'kept', 'deleted', 'forced', 'created', 'updated'];

export function renderOutcome(outcome: RunOutcome): string {
  const lines: string[] = [];
  const refs = [...outcome.refs].sort((a, b) => order.indexOf(a.result) - order.indexOf(b.result));
  for (const ref of refs.slice(0, shownRefs)) lines.push(renderRef(ref));
  if (refs.length > shownRefs) lines.push(`  ... and ${refs.length - shownRefs} more (--json lists all)`);
  for (const line of renderLfs(outcome)) lines.push(line);
  for (const note of outcome.notes) lines.push(`note: ${indented(note.message)}`);
  if (outcome.error !== null) {
    lines.push(
      `${outcome.outcome === 'failed' ? 'error' : 'warning'} (${outcome.error.code}): ${indented(outcome.error.message)}`,
      `hint: ${printable(outcome.error.hint)}`,
    );
  }
  const counts = refResults.filter((result) => outcome.counts[result] > 0).map((result) => `${outcome.counts[result]} ${result}`);
  const hasMovedLfs = (outcome.lfs?.moved ?? 0) > 0;
  const what = counts.length === 0 && hasMovedLfs ? 'LFS objects only' : counts.length === 0 ? 'nothing to do' : counts.join(', ');
  const verb = outcome.dry_run ? 'dry run, nothing written: ' : '';
  lines.push(`${outcome.outcome}: ${verb}${what} (${formatBytes(outcome.bytes)} in ${(outcome.duration_ms / 1000).toFixed(2)} s)`);
  return `${lines.join('\n')}\n`;
}

/** What was moved, and the first objects that could not be, unless the error names them. Nothing where there was nothing. */
function renderLfs({ lfs, error }: RunOutcome): readonly string[] {
  if (lfs === null || lfs.moved + lfs.skipped + lfs.failed === 0) return [];
  const unnamed = lfs.failures.filter(({ oid }) => error?.message.includes(oid) !== true);
  const failures = unnamed.slice(0, shownObjects).map(({ oid, code }) => `    ${oid}  (${code})`);
  if (unnamed.length > failures.length) failures.push(`    ... and ${unnamed.length - failures.length} more (--json lists the first 500)`);
  const line = `  LFS       ${lfs.moved} moved (${formatBytes(lfs.bytes)}), ${lfs.skipped} there already, ${lfs.failed} failed`;
  return [line, ...failures];
}

function renderRef({ ref, result, old, new: value, reason }: RefOutcome): string {
  const move = `${old?.slice(0, shortOid) ?? '-'} -> ${value?.slice(0, shortOid) ?? '-'}`;
  return `  ${result.padEnd(8)}  ${move.padEnd(2 * shortOid + 4)}  ${printable(ref)}${reason === null ? '' : `  (${printable(reason)})`}`;
}

/** What ended a command before it had an outcome. `clean` takes secrets out. */
export function renderError(
  { code, message, hint }: Pick<GitferryError, 'code' | 'message' | 'hint'>,
  clean = (text: string) => text,
): string {
  return `error (${code}): ${indented(clean(message))}\nhint: ${printable(clean(hint))}\n`;
}

function indented(text: string): string {
  return printableLines(text).replaceAll('\n', '\n  ');
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}
