/** What is known of a failure by its code. */

/**
 * What a failure leads to (docs/behaviour.md): `retry` = tried again with backoff, `park` = waits until something changes,
 * `partial` = recorded per ref, the rest went through.
 */
export type Disposition = 'retry' | 'park' | 'partial';

export interface CatalogueEntry {
  readonly disposition: Disposition;
  /** One plain sentence; details may follow it in an error's message. */
  readonly sentence: string;
  /** What a person can do about it. */
  readonly hint: string;
}
