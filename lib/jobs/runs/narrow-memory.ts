/** What is remembered of a mirror for narrow runs of its events. */
import type { KnownSides } from '../../mirror/known-sides.ts';

export interface NarrowMemory {
  /** Of the settings that hold for it (lib/jobs/runs/narrow-run.ts). */
  readonly settings: string;
  /** When the last ordinary run started, milliseconds since 1970. */
  readonly at: number;
  /** About what both its lists had. */
  readonly listBytes: number;
  /** null = these ends are not for narrow runs. */
  readonly ends: KnownSides | null;
  /** No narrow runs before this time: something went wrong with one. */
  readonly notBefore: number;
  /** What the narrow runs since then found at the source, by ref. */
  readonly found: Readonly<Record<string, string>>;
  /** Refs among those that the last ordinary run had to move all the same. */
  readonly suspects: readonly string[];
}

export interface NarrowMemoryRecords {
  get(mirrorId: number): Promise<NarrowMemory | undefined>;
  put(mirrorId: number, memory: NarrowMemory): Promise<void>;
}
