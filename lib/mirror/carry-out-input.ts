/** What carrying out planned changes is given, and what it answers. */
import type { Deadline } from '../core/deadline.ts';
import type { GitferryError } from '../core/errors.ts';
import type { ReceivePack } from '../git/client/push-pack.ts';
import type { SmallPack } from '../git/client/small-pack.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import type { PushCommand } from '../git/wire/push-request.ts';
import type { Verdict } from './judge.ts';
import type { Note } from './planning.ts';
import type { PushLimit } from './slices/slice-size.ts';

export interface CarryOutInput {
  readonly source: UploadPack;
  readonly target: ReceivePack;
  /** In the order to be sent. */
  readonly commands: readonly PushCommand[];
  /** Values that both sides list: the haves most likely to help. */
  readonly common: readonly Oid[];
  /** Refs that lost a race, both ends listed anew: what the source still does not have is not on its way. */
  readonly isSecondTry: boolean;
  /** How much the target takes in one push, as earlier runs have learned it. */
  readonly pushLimit?: PushLimit | undefined;
  /** Of one pack, in a narrow run. */
  readonly mostObjects?: number;
  readonly smallPack?: SmallPack | undefined;
}

export interface CarryOutDeps {
  readonly deadline: Deadline;
  /** Lists the target's refs anew, also when the run's own time is up. */
  relist(): Promise<ReadonlyMap<string, Oid>>;
  /** The source has sent all of a pack; the target may still be at work on it. */
  onPackSent(): void;
  onBytes(bytes: number): void;
  onRefs(done: number): void;
}

export interface CarriedOut {
  /** One for every command. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** What ended the run early, or kept every ref from moving. */
  readonly error: GitferryError | undefined;
  readonly notes: readonly Note[];
  /** Slices of history that were pushed beside the refs. */
  readonly slices: number;
  /** What is known now of how much the target takes in one push. */
  readonly pushLimit: PushLimit | undefined;
}
