/** What a mirror remembers of its LFS objects from run to run. */

export interface LfsState {
  /** `lfs` as it was when everything was looked at last. */
  readonly mode: 'auto' | 'on';
  /** The next run has to look at everything: not all that failed could be remembered, or the last run could not look. */
  readonly everything: boolean;
  /** Objects that could not be copied, as `oid:size`; at most 200. */
  readonly failed: readonly string[];
}
