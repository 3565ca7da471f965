/** What a part of `npm run torture` is given, and what it reports. */

/** One class of faults: a row of docs/reliability.md. */
export interface FaultClass {
  readonly fault: string;
  /** How often it was really injected. */
  readonly injected: number;
  readonly promised: string;
  /** Figures and words, as they were seen. */
  readonly seen: string;
  /** Every promise that was not kept, with what it takes to see it again; none = passed. */
  readonly breaches: readonly string[];
}

export interface TortureInput {
  /** All chance comes from it. */
  readonly seed: number;
  /** How many cases a codec or parser is to be fed with. */
  readonly cases: number;
  /** About how long random faults go on, where a part has no end of its own. */
  readonly minutes: number;
  /** The bounded form that `npm test` runs. */
  readonly isQuick: boolean;
  report(result: FaultClass): void;
}

/** Ends all that it started. Rejects only where it could not do its work. */
export interface TorturePart {
  readonly name: string;
  run(input: TortureInput): Promise<void>;
}
