/** From what an end refused to what is done next: one table, and how a push's answer is read to find the row. */
import type { ErrorCode } from '../core/error-catalogue.ts';
import { statedLimit } from '../core/stated-limit.ts';
import type { PushCommand } from '../git/wire/push-request.ts';
import type { RelayResult } from './relay.ts';

/**
 * `reject`: the ref stays as it is. `isolate`: try parts, so that one culprit does not hold back the rest. `wait`: the same again in a moment.
 * `slice`: send the history in slices first, then the same. `send whole`: the same without thin deltas, then parts. `once more`: the same again, once in a run, early in a pack only. `end`: the run ends here.
 */
export type Step = 'reject' | 'slice' | 'isolate' | 'wait' | 'send whole' | 'once more' | 'end';

interface RefusalRow {
  readonly next: Step;
  /** What the refs are called that stay behind in the end; absent: rejected in the target's words. */
  readonly code?: ErrorCode;
}

export const refusals = {
  /** The report gives this ref a reason of its own: hidden, protected, an update hook, no fast-forward. */
  ref: { next: 'reject' },
  /** All for one: a pre-receive hook, an atomic push, the same unknown reason for each. */
  batch: { next: 'isolate' },
  /** The target ended without a report. */
  unreported: { next: 'isolate' },
  /** Somebody works on this ref or on packed-refs, or died while doing so. */
  locked: { next: 'wait', code: 'target_locked' },
  /** 413, or words: the pack, the number of commands or the repository is over a limit. */
  tooLarge: { next: 'slice', code: 'push_too_large' },
  /** git fsck complains about an object, or a file is over a limit. */
  objects: { next: 'isolate', code: 'objects_refused' },
  /** The pack could not be read there: perhaps a base of its deltas is not where it should be. */
  unpack: { next: 'send whole', code: 'unpack_failed' },
  /** No room, no permission in its own folders. */
  storage: { next: 'end', code: 'unpack_failed' },
  /** The host wants the pack's length, and the pack is too large to be stored here first. */
  spool: { next: 'isolate', code: 'spool_limit_exceeded' },
  /** The source cannot read an object that these refs need. */
  sourceDamaged: { next: 'isolate', code: 'source_damaged' },
  /** The source has another value by now. */
  sourceMoved: { next: 'isolate' },
  /** The connection ended in the middle, or the host wants no chunks. */
  cutOff: { next: 'once more' },
  /** Credentials, permission, 5xx, the run's own time, a source that went away: no other push would fare better. */
  other: { next: 'end' },
} as const satisfies Record<string, RefusalRow>;

export type RefusalKind = keyof typeof refusals;

export function rowOf(kind: RefusalKind): RefusalRow {
  return refusals[kind];
}

/** What the peer said in refusing, without line breaks. */
export function wordsOf(result: RelayResult): string {
  if (result.kind === 'broken') return result.error.words;
  const { report, words } = result.answer;
  return [...(report === undefined || report.unpack === 'ok' ? [] : [report.unpack]), ...words].join(' | ');
}

const lockWords = /unable to create '[^']*\.lock'|failed to (acquire )?lock|lock[_ ]failure|could not lock/i;
const objectWords =
  /fsck error|\bobject [0-9a-f]{40,64}: \w+|invalid (commit|tree|tag|blob|object)|corrupt object|object (too large|exceeds)|Push cannot contain secrets/i;
const sizeWords = /pack (is )?(too large|larger than)|exceeds the limit of \d+ bytes|rejecting the pack/i;
const storageWords =
  /no space left|disk quota|disk (is )?full|read-only file system|temp create failed|insufficient permission for adding|permission denied/i;

/** Why a pack as a whole was not taken. */
function packRefusal(words: string): RefusalKind | undefined {
  const limit = statedLimit(words);
  if (limit !== undefined) return limit.kind === 'file size' ? 'objects' : 'tooLarge';
  if (sizeWords.test(words)) return 'tooLarge';
  if (objectWords.test(words)) return 'objects';
  if (storageWords.test(words)) return 'storage';
  return undefined;
}

const byEnd: Readonly<Partial<Record<ErrorCode, RefusalKind>>> = {
  request_too_large: 'tooLarge',
  spool_limit_exceeded: 'spool',
  chunking_refused: 'cutOff',
  connection_failed: 'cutOff',
};

/** Reasons that C git and JGit give to a single ref, whatever happens to the others. */
const ownReasons =
  /^(hook declined|deny updating a hidden ref|(creation|deletion) (of the current branch )?prohibited|non-fast[- ]forward|(branch|refname) is currently checked out|refusing to|funny refname|invalid |bad (ref|commit|tag)|missing (necessary )?object|shallow update|failed to (update|delete|write)|.*already exists|protected branch hook)/i;
const batchReasons = /pre-receive|atomic|transaction/i;

/** The row for a ref that still has its old value after this push of `together`. */
export function refusalOf(command: PushCommand, result: RelayResult, together: readonly PushCommand[]): RefusalKind {
  const words = wordsOf(result);
  if (result.kind === 'broken') {
    const { error, end } = result;
    if (end === 'source') {
      if (error.code !== 'remote_error') return 'other';
      return /not our ref/i.test(words) ? 'sourceMoved' : 'sourceDamaged';
    }
    if (error.code === 'remote_error') return packRefusal(words) ?? (lockWords.test(words) ? 'locked' : 'other');
    return byEnd[error.code] ?? 'other';
  }
  const { report } = result.answer;
  if (report === undefined) return packRefusal(words) ?? 'unreported';
  if (report.unpack !== 'ok') return packRefusal(`${words} | ${[...report.refs.values()].join(' | ')}`) ?? 'unpack';
  if (!report.refs.has(command.ref)) return 'unreported';
  const reason = report.refs.get(command.ref);
  if (reason === undefined) return 'ref';
  if (lockWords.test(reason) || (/failed to (update|delete)/i.test(reason) && lockWords.test(words))) return 'locked';
  if (batchReasons.test(reason)) return 'batch';
  if (ownReasons.test(reason)) return 'ref';
  return together.length > 1 && together.every(({ ref }) => report.refs.get(ref) === reason) ? 'batch' : 'ref';
}
