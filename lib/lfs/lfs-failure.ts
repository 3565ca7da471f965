/** An LFS object that could not be copied, and why. */
import type { ErrorCode } from '../core/error-catalogue.ts';
import { GitferryError } from '../core/errors.ts';
import type { LfsObject } from './pointer.ts';

export interface LfsFailure extends LfsObject {
  readonly code: ErrorCode;
  readonly reason: string;
}

export function failureOf({ oid, size }: LfsObject, { code, message }: GitferryError): LfsFailure {
  return { oid, size, code, reason: message };
}

/** Failures that are none of an object's: the run itself is over. */
const endsTheRun: ReadonlySet<string> = new Set(['deadline_exceeded', 'run_interrupted', 'silent_mode', 'internal_error']);

/** As one of our errors; rethrows what ends the run. */
export function unlessOver(error: unknown): GitferryError {
  if (!(error instanceof GitferryError) || endsTheRun.has(error.code)) throw error;
  return error;
}
