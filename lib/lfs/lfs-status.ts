/** What HTTP statuses and the error codes inside batch answers mean in LFS conversations: one table. */
import type { ErrorCode } from '../core/error-catalogue.ts';

/** `source` = objects are read there, `target` = written. */
export type Side = 'source' | 'target';

/**
 * What was asked: `batch` = the batch API, `object` = an error beside one object of its answer, `transfer` = an action's link (download, upload, verify).
 * Where the two ends or questions differ, the more special key counts.
 */
export type BatchQuestion = 'batch' | 'object' | 'transfer';

const codes: Readonly<Record<string, ErrorCode>> = {
  401: 'lfs_access_denied',
  402: 'lfs_quota_exceeded',
  403: 'lfs_access_denied',
  408: 'timed_out',
  429: 'rate_limited',
  507: 'lfs_quota_exceeded',
  // "Bandwidth limit exceeded", named by the batch API's specification.
  509: 'lfs_quota_exceeded',
  'batch 404': 'lfs_disabled',
  'batch 405': 'lfs_disabled',
  'batch 410': 'lfs_disabled',
  'batch 501': 'lfs_disabled',
  // "Validation error with one or more of the objects", and hosts whose rules refuse the push.
  'batch 422 target': 'lfs_object_refused',
  'object 404 source': 'lfs_object_missing',
  'object 410 source': 'lfs_object_missing',
  'transfer 404 source': 'lfs_object_missing',
  'transfer 410 source': 'lfs_object_missing',
};

export function lfsCodeFor(status: number, question: BatchQuestion, side: Side): ErrorCode {
  const special = codes[`${question} ${status} ${side}`] ?? codes[`${question} ${status}`] ?? codes[String(status)];
  if (special !== undefined) return special;
  if (status >= 300 && status < 400) return 'redirect_refused';
  if (status >= 500) return question === 'object' ? 'lfs_transfer_failed' : 'server_error';
  if (question === 'batch') return 'lfs_protocol_error';
  return side === 'source' ? 'lfs_object_missing' : 'lfs_object_refused';
}

/** Failures that may be gone with a second try right away. */
const transientCodes: ReadonlySet<ErrorCode> = new Set([
  'connection_failed',
  'timed_out',
  'server_error',
  'rate_limited',
  'lfs_transfer_failed',
  'lfs_object_corrupt',
]);

export function isTransient(code: ErrorCode): boolean {
  return transientCodes.has(code);
}
