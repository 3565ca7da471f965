/** Carries out planned changes: groups them into pushes, judges each, isolates what a target refuses so that it does not hold back the rest. */
import type { Deadline } from '../core/deadline.ts';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { PushAnswer, ReceivePack } from '../git/client/push-pack.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { NamesInTheWay } from '../git/ref-name.ts';
import type { PushCommand } from '../git/wire/push-request.ts';
import { isClean, judgeByValue, rejectionReason, type Verdict } from './judge.ts';
import { type RelayResult, relay } from './relay.ts';

export interface CarryOutInput {
  readonly source: UploadPack;
  readonly target: ReceivePack;
  /** In the order to be sent. */
  readonly commands: readonly PushCommand[];
  /** Values that both sides list: the haves most likely to help. */
  readonly common: readonly Oid[];
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
}

/** Never throws for what a source or target does wrong: that is in the result. */
export async function carryOut(input: CarryOutInput, deps: CarryOutDeps): Promise<CarriedOut> {
  return new CarryingOut(input, deps).run();
}

/**
 * Breaks after which the same push is tried once more in the same run. Hosts that refuse chunked requests say so, or just hang up in the middle, and
 * an idle connection may have been closed when it was wanted; the transport sends the second try with its length.
 */
const onceMore: ReadonlySet<string> = new Set(['chunking_refused', 'connection_failed']);

class CarryingOut {
  readonly #input: CarryOutInput;
  readonly #deps: CarryOutDeps;
  readonly #verdicts = new Map<string, Verdict>();
  /** Values that got to the target in this run. */
  readonly #arrived = new Set<Oid>();
  readonly #halving: { pushes: number; extraBytes: number; until: number };
  #splits = 0;
  #error: GitferryError | undefined;
  #reportMissing = false;
  #firstBreak: GitferryError | undefined;

  constructor(input: CarryOutInput, deps: CarryOutDeps) {
    this.#input = input;
    this.#deps = deps;
    this.#halving = { pushes: 0, extraBytes: 0, until: performance.now() + deps.deadline.remainingMs() * limits.halvingTimeShare };
  }

  async run(): Promise<CarriedOut> {
    for (const group of groupsOf(this.#input.commands)) await this.#push(group, { thinPack: true });
    const moved = [...this.#verdicts.values()].some(({ state }) => state === 'done');
    // One ref alone that gets no report is a rejected ref; where nothing at all does, the target is out of order.
    if (this.#reportMissing && !moved && this.#input.commands.length > 1) this.#error ??= new GitferryError('report_missing');
    return { verdicts: this.#verdicts, error: this.#error };
  }

  async #push(commands: readonly PushCommand[], { thinPack }: { readonly thinPack: boolean }): Promise<void> {
    if (commands.length === 0) return;
    if (this.#error !== undefined) return this.#reject(commands, () => `not tried: ${this.#error?.message ?? ''}`);
    let result: RelayResult;
    try {
      result = await relay({ ...this.#input, commands, haves: this.#haves(commands), thinPack }, this.#deps);
    } catch (error) {
      // Nothing has gone to the target.
      if (!(error instanceof GitferryError)) throw error;
      this.#error = error;
      return this.#reject(commands, () => `not tried: ${error.message}`);
    }
    if (result.kind === 'answered' && isClean(result.answer, commands)) return this.#settle(commands, () => ({ state: 'done' }));
    const unmoved = await this.#look(commands, result);
    if (unmoved.length === 0) return;
    if (result.kind === 'broken') return this.#afterBreak(unmoved, result.error, { thinPack });
    await this.#afterRefusal(commands, unmoved, result.answer, { thinPack, bytes: result.bytes });
  }

  /** Lists the target again and settles what can be told by value; returns the commands whose refs still have their old values. */
  async #look(commands: readonly PushCommand[], result: RelayResult): Promise<readonly PushCommand[]> {
    let values: ReadonlyMap<string, Oid>;
    try {
      values = await this.#deps.relist();
    } catch (error) {
      if (!(error instanceof GitferryError)) throw error;
      this.#error = result.kind === 'broken' ? result.error : error;
      const broken = this.#error;
      this.#reject(commands, () => `not known, the target could not be listed again: ${broken.message}`);
      return [];
    }
    return commands.filter((command) => {
      const verdict = judgeByValue(command, values);
      if (verdict !== undefined) this.#settle([command], () => verdict);
      return verdict === undefined;
    });
  }

  async #afterBreak(unmoved: readonly PushCommand[], error: GitferryError, { thinPack }: { readonly thinPack: boolean }): Promise<void> {
    if (onceMore.has(error.code) && this.#firstBreak === undefined) {
      this.#firstBreak = error;
      return this.#push(unmoved, { thinPack });
    }
    if (error.code === 'request_too_large' && unmoved.length > 1 && this.#splits < limits.splitPushes) {
      // The first (the default branch) alone carries most of the objects; the rest then need little.
      this.#splits++;
      const [first, ...rest] = unmoved;
      const middle = Math.ceil(rest.length / 2);
      const parts = this.#splits === 1 && first !== undefined ? [[first], rest] : [unmoved.slice(0, middle), unmoved.slice(middle)];
      for (const part of parts) await this.#push(part, { thinPack: true });
      return;
    }
    // Where the second try could not even begin, the first one says what is wrong.
    const cause = error.code === 'spool_limit_exceeded' && this.#firstBreak?.code === 'connection_failed' ? this.#firstBreak : error;
    this.#error ??= cause;
    this.#reject(unmoved, () => cause.message);
  }

  async #afterRefusal(
    commands: readonly PushCommand[],
    unmoved: readonly PushCommand[],
    answer: PushAnswer,
    { thinPack, bytes }: { readonly thinPack: boolean; readonly bytes: number },
  ): Promise<void> {
    const { report } = answer;
    if (report !== undefined && report.unpack !== 'ok') {
      if (thinPack && bytes > 0) return this.#push(unmoved, { thinPack: false });
      const words = [report.unpack, ...answer.words].join(' | ');
      this.#error = new GitferryError('unpack_failed', { words });
      return this.#reject(unmoved, () => `the target could not store the pack: ${words}`);
    }
    if (report === undefined) {
      this.#reportMissing = true;
      // A hook that ends the target in the middle says nothing of the refs behind the culprit: they are tried again.
      if (unmoved.length < commands.length && unmoved.length > 1 && this.#mayHalve(bytes)) return this.#push(unmoved, { thinPack });
    }
    const refusedWhole = unmoved.length === commands.length && commands.length > 1;
    if (!refusedWhole || !this.#mayHalve(bytes)) {
      const together = refusedWhole ? ' (refused together with others and not tried alone)' : '';
      return this.#reject(unmoved, (command) => `${rejectionReason(command, answer)}${together}`);
    }
    const middle = Math.ceil(unmoved.length / 2);
    await this.#push(unmoved.slice(0, middle), { thinPack });
    await this.#push(unmoved.slice(middle), { thinPack });
  }

  /** Halving is bounded by pushes, time, and the bytes that refused pushes cost. */
  #mayHalve(bytes: number): boolean {
    const halving = this.#halving;
    halving.pushes += 2;
    halving.extraBytes += bytes;
    return (
      halving.pushes <= limits.halvingPushes && halving.extraBytes <= limits.halvingExtraBytes + bytes && performance.now() < halving.until
    );
  }

  #haves(commands: readonly PushCommand[]): Oid[] {
    const { target, common } = this.#input;
    const old = commands.flatMap((command) => (command.old === null ? [] : [command.old]));
    return [...new Set([...this.#arrived, ...old, ...common, ...target.refs.map(({ oid }) => oid), ...target.extraHaves])];
  }

  #settle(commands: readonly PushCommand[], verdict: (command: PushCommand) => Verdict): void {
    for (const command of commands) {
      const settled = verdict(command);
      this.#verdicts.set(command.ref, settled);
      if (settled.state === 'done' && command.new !== null) this.#arrived.add(command.new);
    }
    this.#deps.onRefs(this.#verdicts.size);
  }

  #reject(commands: readonly PushCommand[], reason: (command: PushCommand) => string): void {
    this.#settle(commands, (command) => ({ state: 'rejected', reason: reason(command) }));
  }
}

/**
 * Pushes of at most 2,000 commands, in order. Deletions that make room for a name (`a` before `a/b`, `a/b` before `a`) get a push of their own:
 * git 2.39 goes by the order of commands, newer versions do not.
 */
function groupsOf(commands: readonly PushCommand[]): PushCommand[][] {
  const created = new NamesInTheWay(commands.flatMap((command) => (command.old === null ? [command.ref] : [])));
  const frees = (command: PushCommand): boolean => command.new === null && created.of(command.ref) !== undefined;
  const first = commands.filter(frees);
  const rest = commands.filter((command) => !frees(command));
  return [first, rest].flatMap((part) => {
    const groups: PushCommand[][] = [];
    for (let at = 0; at < part.length; at += limits.commandsPerPush) groups.push(part.slice(at, at + limits.commandsPerPush));
    return groups;
  });
}
