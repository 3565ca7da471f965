/** `gitferry sync`: one run with progress, then its outcome as text or JSON, and an exit status. */
import type { GitferryError } from '../core/errors.ts';
import { printableJson } from '../core/printable.ts';
import type { Redactor } from '../core/redact.ts';
import { type RunOutcome, summarise } from '../mirror/outcome.ts';
import type { SyncProgress } from '../mirror/sync-input.ts';
import { createProgressLine } from './progress-line.ts';
import { renderError, renderOutcome } from './render.ts';

const exitStatus = { success: 0, failed: 1, wrongUsage: 2, partial: 3 } as const;

export interface CommandOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

/** Runs and prints; returns the exit status. */
export async function runSyncCommand(
  sync: (onProgress: (progress: SyncProgress) => void) => Promise<RunOutcome>,
  { json }: { readonly json: boolean },
  { stdout, stderr }: CommandOutput,
): Promise<number> {
  const line = !json && stderr.isTTY === true ? createProgressLine(stderr) : undefined;
  const outcome = await sync((progress) => line?.show(progress));
  line?.clear();
  stdout.write(json ? `${printableJson(outcome)}\n` : renderOutcome(outcome));
  return exitStatus[outcome.outcome];
}

/** Prints what is wrong with the command line; with `json` as the same document that a run prints. */
export function printUsageError(
  error: GitferryError,
  redactor: Redactor,
  { json }: { readonly json: boolean },
  { stdout, stderr }: CommandOutput,
): number {
  if (json) {
    const facts = { refs: [], error, divergedDefaultBranch: undefined, bytes: 0, durationMs: 0, dryRun: false, notes: [] };
    stdout.write(`${printableJson(summarise(facts, redactor))}\n`);
  } else {
    stderr.write(renderError(error, (text) => redactor.redact(text)));
  }
  return exitStatus.wrongUsage;
}
