/** A page that cannot be shown: thrown anywhere below a page, answered by create-console.tsx with a page of that status. */

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  /** The API's own answer, where one refused. */
  readonly body: unknown;

  constructor(status: number, body?: unknown) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}
