/** How many commits the next slice should have, from what the pushes so far have shown of bytes, time and the target's limit. */
import { limits } from '../../core/limits.ts';

/** What is known of how much a target takes in one push, from this run or an earlier one. */
export interface PushLimit {
  readonly bytes: number;
  /** `refused`: the target said no to more. `time`: a push of more did not end in the time of a run. */
  readonly reason: 'refused' | 'time';
}

export class SliceSize {
  #limit: PushLimit | undefined;
  #commits: number | undefined;
  #bytesPerCommit: number | undefined;
  #bytesPerMs: number | undefined;

  constructor(known: PushLimit | undefined) {
    this.#limit = known;
  }

  /** What has been learned, for the next run. */
  get limit(): PushLimit | undefined {
    return this.#limit;
  }

  /** Whether at least one slice has shown how large commits are here. */
  get isMeasured(): boolean {
    return this.#bytesPerCommit !== undefined;
  }

  /** The first slice is a small part of the whole: it shows how large commits are, and costs little if they are larger than expected. */
  begin(missingCommits: number): void {
    this.#commits = Math.max(1, Math.min(this.#commits ?? missingCommits / limits.firstSliceDivisor, Math.floor(missingCommits / 2)));
  }

  get commits(): number {
    return Math.floor(this.#commits ?? 1);
  }

  moved({ commits, bytes, ms }: { readonly commits: number; readonly bytes: number; readonly ms: number }): void {
    this.#bytesPerCommit = Math.max(1, bytes / commits);
    this.#bytesPerMs = bytes / Math.max(1, ms);
    this.#commits = Math.max(1, Math.min(this.commits * limits.sliceGrowth, Math.floor(this.#goal / this.#bytesPerCommit)));
  }

  /** A slice of so many commits was refused after so many bytes, by a target that may have stated its limit. */
  refused({
    commits,
    bytes,
    statedBytes,
  }: {
    readonly commits: number;
    readonly bytes: number;
    readonly statedBytes: number | undefined;
  }): void {
    this.learn(bytes, statedBytes);
    const fitting = this.#bytesPerCommit === undefined ? Number.POSITIVE_INFINITY : Math.floor(this.#goal / this.#bytesPerCommit);
    this.#commits = Math.max(1, Math.min(Math.floor(commits / 2), fitting));
  }

  /** A push was refused after so many bytes: the target takes no more than it says, or than it was sent. */
  learn(bytes: number, statedBytes: number | undefined): void {
    const most = statedBytes ?? (bytes > 0 ? bytes : undefined);
    if (most !== undefined && (this.#limit === undefined || this.#limit.reason === 'time' || most < this.#limit.bytes))
      this.#limit = { bytes: most, reason: 'refused' };
  }

  /** A push did not end in its time, after so many bytes. */
  ranOutOfTime(bytes: number): void {
    const most = Math.max(limits.leastPushLimitBytes, Math.floor(bytes / 2));
    if (this.#limit === undefined || most < this.#limit.bytes) this.#limit = { bytes: most, reason: 'time' };
  }

  /** Whether there is time for another slice; makes it smaller where there is less. */
  fits(remainingMs: number): boolean {
    if (remainingMs < limits.leastSliceMs) return false;
    if (this.#bytesPerCommit === undefined || this.#bytesPerMs === undefined) return true;
    const bytes = this.#bytesPerMs * remainingMs * limits.sliceTimeShare;
    const commits = Math.floor(bytes / this.#bytesPerCommit);
    if (commits < 1) return false;
    this.#commits = Math.min(this.commits, commits);
    return true;
  }

  /** Bytes that a slice should have: below the limit, because commits differ in size. */
  get #goal(): number {
    // How much there is time for is seen from slice to slice.
    const most = this.#limit?.reason === 'refused' ? this.#limit.bytes * limits.sliceShareOfLimit : Number.POSITIVE_INFINITY;
    return Math.min(limits.sliceBytes, most);
  }
}
