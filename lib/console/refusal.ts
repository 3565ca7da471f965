/** A page that cannot be shown: thrown anywhere below a page, answered by create-console.tsx with a page of that status. */
import type { ApiRefusal } from '../api/http/api-error.ts';

/** The API's own words, where it refused. */
export type RefusalReason = 'foreign_origin' | Pick<ApiRefusal, 'message' | 'code' | 'hint'>;

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly reason: RefusalReason | undefined;

  constructor(status: number, reason?: RefusalReason) {
    super(`HTTP ${status}`);
    this.status = status;
    this.reason = reason;
  }
}
