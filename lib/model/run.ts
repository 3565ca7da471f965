/** What is kept of a run: its trigger, times, outcome and what happened to every ref. */
import type { ErrorCode } from '../core/error-catalogue.ts';

export interface LastError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** What asked for a run; `who` is a person's or script's token name, the provider of an event, or empty for the schedule. */
export interface Trigger {
  readonly kind: 'event' | 'schedule' | 'manual';
  readonly who: string;
  /** It follows a run that failed: nobody asked for this one by itself. */
  readonly retry?: true | undefined;
}

/** One ref of a run, as `gitferry sync --json` gives it. */
export interface RunRef {
  readonly ref: string;
  readonly result: string;
  readonly old: string | null;
  readonly new: string | null;
  readonly reason: string | null;
}

/** LFS objects of a run. */
export interface LfsCounts {
  readonly moved: number;
  /** The target had them. */
  readonly skipped: number;
  readonly failed: number;
  /** Of those that were moved. */
  readonly bytes: number;
}

export interface LfsFailed {
  readonly oid: string;
  readonly size: number;
  readonly code: string;
  readonly reason: string;
  /** Of a file that needs it; null = not known. */
  readonly path?: string | null;
}

export interface RunSummary {
  /** `<start in ms>-<lease token>`: sorts by time. */
  readonly id: string;
  readonly trigger: Trigger;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly outcome: 'success' | 'partial' | 'failed';
  readonly error: LastError | null;
  /** One number per ref result. */
  readonly counts: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** `narrow`: an event's refs only. Older records do not say. */
  readonly path?: 'ordinary' | 'narrow';
  /** To both ends' Git servers, LFS not counted. */
  readonly requests?: number;
  readonly notes: readonly string[];
  /** null = LFS is off, or the run did not get that far. */
  readonly lfs?: LfsCounts | null;
  /** Slices of a history that was too large for one push; absent = none. */
  readonly slices?: number;
}

export interface Run extends RunSummary {
  /** The first 10,000; `refsTotal` counts all. */
  readonly refs: readonly RunRef[];
  readonly refsTotal: number;
  /** The first 500; `lfs.failed` counts all. */
  readonly lfsFailures?: readonly LfsFailed[];
}

/** A branch or tag that a run moved in a project's mirror, for the activity feed. */
export interface Activity {
  readonly at: number;
  readonly mirrorId: number;
  readonly direction: 'push' | 'pull';
  readonly runId: string;
  readonly ref: string;
  readonly result: string;
  readonly old: string | null;
  readonly new: string | null;
}
