/** What a run between two repositories is given, and what it tells while it goes on and at its end. */
import type { Deadline } from '../core/deadline.ts';
import type { LearningRedactor } from '../core/redact.ts';
import type { ListMemory } from '../git/client/list-memory.ts';
import type { Oid } from '../git/object-id.ts';
import type { Transport } from '../git/transport/transport.ts';
import type { KnownSides } from './known-sides.ts';
import type { LfsDeps, LfsInput } from './lfs-step.ts';
import type { NarrowInput } from './list-narrowly.ts';
import type { Direction } from './planning.ts';
import type { CompiledRules } from './rules.ts';
import type { PushLimit } from './slices/slice-size.ts';

export interface SyncInput {
  readonly direction: Direction;
  readonly rules: CompiledRules;
  /** Plan only: nothing is written. */
  readonly dryRun: boolean;
  /** Ask the target where its HEAD points, even if no rule needs to know. */
  readonly learnTargetHead?: boolean;
  /** Without it, LFS objects are nobody's business. */
  readonly lfs?: LfsInput | undefined;
  /** How much the target takes in one push, as earlier runs have learned it. */
  readonly pushLimit?: PushLimit | undefined;
  /** Try with an event's refs only. Where that does not go smoothly, the run is an ordinary one. */
  readonly narrow?: NarrowInput | undefined;
}

/** Which way a run took, what it cost, and what a later one may go by. */
export interface RunWay {
  readonly path: 'ordinary' | 'narrow';
  /** To both ends' git-upload-pack and git-receive-pack. */
  readonly requests: number;
  /** About the size of both lists. */
  readonly listBytes: number;
  /** The source's values of the refs of a narrow run. */
  readonly found: Readonly<Record<string, Oid>>;
  /** After an ordinary run: for narrow ones. undefined = not for these ends, or not listed. */
  readonly ends?: KnownSides | undefined;
  /** Why a narrow run became an ordinary one. A surprise is what the servers should not have done. */
  readonly gaveUp?: { readonly reason: string; readonly isSurprise: boolean } | undefined;
}

export type SyncPhase = 'listing' | 'planning' | 'copying LFS objects' | 'relaying';

export interface SyncProgress {
  readonly phase: SyncPhase;
  readonly refsDone: number;
  readonly refsTotal: number;
  readonly bytes: number;
}

export interface SyncDeps {
  /** Opens a transport whose waits end with this deadline; `sync` closes it. `address`: where redirects led to before. */
  connect(side: 'source' | 'target', deadline: Deadline, address?: string): Transport;
  /** The LFS server of an end; without it, no LFS objects are moved. */
  readonly connectLfs?: LfsDeps['connectLfs'];
  readonly deadline: Deadline;
  readonly redactor: LearningRedactor;
  /** Memory for ref lists, shared with other runs; without it, only the limits of each list hold. */
  readonly listMemory?: ListMemory | undefined;
  /** Waited for before anything is written to the target. */
  readonly mayWrite?: Promise<unknown> | undefined;
  onProgress?(progress: SyncProgress): void;
  /** Resolves when the run may go to the target, at once or once the source has listed its refs; the run ends with what it rejects with. */
  admitTarget?(sourceListed: Promise<unknown>): Promise<void>;
  /** Full name of the branch that HEAD of this side stands for; not called where it stands for none, or nobody asked. */
  onHead?(side: 'source' | 'target', branch: string): void;
  /** Told once, at the end. */
  onWay?(way: RunWay): void;
}
