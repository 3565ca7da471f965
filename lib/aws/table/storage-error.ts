/** What a failed DynamoDB call means: a condition that did not hold, a table that cannot be reached, or a defect of ours. */
import { GitferryError } from '../../core/errors.ts';

/** Answers that a request of ours caused, not the state of the service: as they are, they end as `internal_error`. */
const defects = new Set(['ValidationException', 'SerializationException', 'ItemCollectionSizeLimitExceededException', 'TypeError']);

/** Whether a conditional write found its condition not to hold. */
export function isConditionFailure(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException';
}

/**
 * `storage_unavailable` with the cause for network failures, throttling, missing permission and the like; what is a defect of ours, or one of our own
 * errors already, comes back as it is. Messages name the kind of failure only: the SDK's own ones hold request ids.
 */
export function storageError(error: unknown): unknown {
  if (error instanceof GitferryError || !(error instanceof Error) || defects.has(error.name)) return error;
  return new GitferryError('storage_unavailable', { detail: `(${kindOf(error)})`, cause: error });
}

/** `ThrottlingException`, `ECONNREFUSED`, `TimeoutError`. */
export function kindOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code ?? error.name;
}
