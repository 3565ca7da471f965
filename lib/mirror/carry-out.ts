/** Carries out planned changes: groups them into pushes, judges each, and does with what was refused as the table of refusals says. */
import { setImmediate } from 'node:timers/promises';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { statedLimit } from '../core/stated-limit.ts';
import type { Oid } from '../git/object-id.ts';
import type { PushCommand } from '../git/wire/push-request.ts';
import type { CarriedOut, CarryOutDeps, CarryOutInput } from './carry-out-input.ts';
import { commandGroups } from './command-groups.ts';
import { Culprits } from './culprits.ts';
import { Isolation } from './isolation.ts';
import { isClean, judgeByValue, type Verdict } from './judge.ts';
import { LockWaits } from './lock-waits.ts';
import { PushNotes } from './push-notes.ts';
import { type RefusalKind, refusalOf, rowOf, wordsOf } from './refusals.ts';
import { rejectionReasons } from './rejection-reason.ts';
import { type RelayResult, relay } from './relay.ts';
import { SlicePushes } from './slices/slice-pushes.ts';
import type { Sliced } from './slices/slicing.ts';

/** Never throws for what a source or target does wrong: that is in the result. */
export async function carryOut(input: CarryOutInput, deps: CarryOutDeps): Promise<CarriedOut> {
  return new CarryingOut(input, deps).run();
}

interface Batch {
  readonly commands: readonly PushCommand[];
  readonly thinPack: boolean;
  /** One of the parts of a refused push: how that was refused. */
  readonly partOf?: Refused;
}

/** What one push left behind for the same reason. */
interface Refused {
  readonly kind: RefusalKind;
  readonly result: RelayResult;
  reason(command: PushCommand): string;
}

class CarryingOut {
  readonly #input: CarryOutInput;
  readonly #deps: CarryOutDeps;
  readonly #verdicts = new Map<string, Verdict>();
  /** Values that got to the target in this run. */
  readonly #arrived = new Set<Oid>();
  readonly #isolation: Isolation;
  readonly #notes = new PushNotes();
  readonly #lockWaits: LockWaits;
  readonly #culprits: Culprits;
  readonly #slices: SlicePushes;
  #error: GitferryError | undefined;
  #isStuck = false;
  #reportMissing = false;
  #firstBreak: GitferryError | undefined;

  constructor(input: CarryOutInput, deps: CarryOutDeps) {
    this.#input = input;
    this.#deps = deps;
    this.#lockWaits = new LockWaits(deps.deadline);
    this.#culprits = new Culprits(input.smallPack, deps.deadline.signal);
    this.#isolation = new Isolation(deps.deadline.remainingMs());
    this.#slices = new SlicePushes(
      { ...input, known: input.pushLimit },
      {
        deadline: deps.deadline,
        relay: (commands) => relay({ ...input, commands, haves: this.#haves(commands), thinPack: true }, deps),
        haves: () => this.#haves([]).slice(0, limits.haves),
        onArrived: (oid) => void this.#arrived.add(oid),
      },
    );
  }

  async run(): Promise<CarriedOut> {
    // A small pack is not thin: where it is refused, no other one would be taken.
    const thinPack = this.#input.smallPack === undefined;
    const groups = commandGroups(this.#input.commands);
    for (const commands of groups) {
      await setImmediate();
      const queue: Batch[] = [...(await this.#begin({ commands, thinPack }))];
      for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) queue.push(...(await this.#push(batch)));
    }
    const moved = [...this.#verdicts.values()].some(({ state }) => state === 'done');
    // One ref alone that gets no report is a rejected ref; where nothing at all does, the target is out of order.
    if (this.#reportMissing && !moved && this.#input.commands.length > 1) this.#error ??= new GitferryError('report_missing');
    if (this.#error === undefined && !this.#isStuck) await this.#slices.tidyUp();
    const { pushed: slices, limit: pushLimit } = this.#slices;
    return { verdicts: this.#verdicts, error: this.#error, notes: this.#notes.list(this.#verdicts), slices, pushLimit };
  }

  /** What an earlier run has begun in slices goes on in slices. */
  async #begin(batch: Batch): Promise<readonly Batch[]> {
    if (!this.#slices.isUnderWay) return [batch];
    return this.#afterSlices(batch, batch.commands, await this.#slices.run(batch.commands, { wasRefused: false }));
  }

  /** Pushes, settles what can be told, and returns what is to be tried next. */
  async #push(batch: Batch): Promise<readonly Batch[]> {
    const { commands, partOf } = batch;
    if (commands.length === 0) return [];
    const error = this.#error;
    if (error !== undefined) return this.#leave(commands, partOf, (command) => partOf?.reason(command) ?? `not tried: ${error.message}`);
    if (partOf !== undefined && !this.#isolation.mayGoOn)
      return this.#leave(commands, partOf, (command) => `${partOf.reason(command)} (refused together with others and not tried alone)`);
    const result = await relay({ ...this.#input, ...batch, haves: this.#haves(commands) }, this.#deps);
    if (result.kind === 'answered' && isClean(result.answer, commands)) {
      this.#isolation.moved();
      return this.#settle(commands, () => ({ state: 'done' }));
    }
    if (result.kind === 'answered') this.#notes.hear(result.answer.words);
    const unmoved = result.kind === 'broken' && !result.reachedTarget ? commands : await this.#look(commands, result);
    if (unmoved.length < commands.length) this.#isolation.moved();
    return this.#afterRefusal(batch, unmoved, result);
  }

  /** Lists the target again and settles what can be told by value; returns the commands whose refs still have their old values. */
  async #look(commands: readonly PushCommand[], result: RelayResult): Promise<readonly PushCommand[]> {
    let values: ReadonlyMap<string, Oid>;
    try {
      values = await this.#deps.relist();
    } catch (error) {
      if (!(error instanceof GitferryError)) throw error;
      this.#tellUnverified(commands, result, error);
      return [];
    }
    return commands.filter((command) => {
      const verdict = judgeByValue(command, values);
      if (verdict !== undefined) this.#settle([command], () => verdict);
      return verdict === undefined;
    });
  }

  /** The target's report is all that there is: its words are passed on, its "ok" is believed as it would be in a clean report. */
  #tellUnverified(commands: readonly PushCommand[], result: RelayResult, error: GitferryError): void {
    this.#error = result.kind === 'broken' ? result.error : error;
    const report = result.kind === 'answered' ? result.answer.report : undefined;
    const believed = commands.filter(({ ref }) => report?.unpack === 'ok' && report.refs.has(ref) && report.refs.get(ref) === undefined);
    const others = commands.filter((command) => !believed.includes(command));
    const reason = this.#reasons(others, result);
    this.#settle(believed, () => ({ state: 'done' }));
    this.#reject(others, (command) => `${reason(command)} (not verified, the target could not be listed again: ${error.message})`);
  }

  async #afterRefusal(batch: Batch, unmoved: readonly PushCommand[], result: RelayResult): Promise<readonly Batch[]> {
    const byKind = new Map<RefusalKind, PushCommand[]>();
    for (const command of unmoved) {
      const kind = refusalOf(command, result, batch.commands);
      byKind.set(kind, [...(byKind.get(kind) ?? []), command]);
    }
    if (byKind.has('unreported')) this.#reportMissing = true;
    const next: Batch[] = [];
    for (const [kind, commands] of byKind) {
      const where = namesCulprits.has(kind) ? await this.#culprits.placesIn(wordsOf(result)) : '';
      const reason = this.#reasons(commands, result);
      const refused: Refused = { kind, result, reason: (command) => `${reason(command)}${where}` };
      next.push(...(await this.#step(batch, commands, refused)));
    }
    return next;
  }

  async #step(batch: Batch, commands: readonly PushCommand[], refused: Refused): Promise<readonly Batch[]> {
    const { kind, result } = refused;
    const again = { ...batch, commands };
    switch (rowOf(kind).next) {
      case 'reject':
        return this.#leave(commands, refused);
      case 'wait':
        if (await this.#lockWaits.next()) return [again];
        return this.#leave(commands, refused);
      case 'once more':
        if (this.#firstBreak !== undefined || result.kind !== 'broken' || result.bytes > limits.resentBytes)
          return this.#end(commands, refused);
        this.#firstBreak = result.error;
        this.#notes.sentAgain(result.bytes, result.error.message);
        return [again];
      case 'send whole':
        // What was sent whole, or to a target without anything that deltas could be against, cannot come out differently.
        if (batch.thinPack && result.bytes > 0 && this.#haves(commands).length > 0) {
          this.#notes.sentAgain(result.bytes, wordsOf(result));
          return [{ ...again, thinPack: false }];
        }
        return this.#isolate(batch, commands, refused);
      case 'slice':
        return this.#slice(batch, commands, refused);
      case 'isolate':
        // Where the pack's length was asked for only after a break, the break says what is wrong.
        if (kind === 'spool' && this.#firstBreak?.code === 'connection_failed') return this.#end(commands, refused, this.#firstBreak);
        return this.#isolate(batch, commands, refused);
      case 'end':
        return this.#end(commands, refused);
    }
  }

  async #slice(batch: Batch, unmoved: readonly PushCommand[], refused: Refused): Promise<readonly Batch[]> {
    const stated = statedLimit(wordsOf(refused.result))?.kind;
    if (stated === 'ref updates' || stated === 'storage') return this.#isolate(batch, unmoved, refused);
    this.#slices.heed(refused.result);
    return this.#afterSlices(batch, unmoved, await this.#slices.run(unmoved, { wasRefused: true }), refused);
  }

  #afterSlices(batch: Batch, unmoved: readonly PushCommand[], sliced: Sliced, refused?: Refused): readonly Batch[] {
    switch (sliced.kind) {
      case 'ready':
        return [{ ...batch, commands: sliced.commands }];
      case 'stuck': {
        const { commit, needing } = sliced;
        const rest = [{ ...batch, commands: unmoved.filter((command) => !needing.includes(command)) }];
        // It may be the number of refs that is too large.
        if (needing.length > 1 && refused !== undefined) return [...this.#isolate(batch, needing, refused), ...rest];
        this.#isStuck = true;
        this.#settle(needing, (command) => ({
          state: 'rejected',
          reason: `commit ${commit} alone is too large for one push${refused === undefined ? '' : `: ${refused.reason(command)}`}`,
          code: 'push_too_large',
        }));
        return rest;
      }
      case 'paused':
        this.#error = new GitferryError('deadline_exceeded');
        return this.#reject(unmoved, () => 'not tried: the rest of the history goes in the next run');
      case 'failed': {
        const { result } = sliced;
        const error = result.kind === 'broken' ? result.error : new GitferryError('remote_error', { words: wordsOf(result) });
        this.#error = error;
        return this.#reject(unmoved, () => `not tried: ${error.message}`);
      }
      case 'not possible':
        return refused === undefined ? [batch] : this.#isolate(batch, unmoved, refused);
    }
  }

  #isolate(batch: Batch, unmoved: readonly PushCommand[], refused: Refused): readonly Batch[] {
    const { result } = refused;
    this.#isolation.refused(result.bytes);
    const words = wordsOf(result);
    // Tips that the words name cannot come out differently.
    const isNamed = ({ new: value }: PushCommand): boolean => value !== null && words.includes(value);
    const named = namesCulprits.has(refused.kind) ? unmoved.filter(isNamed) : [];
    const rest = unmoved.filter((command) => !named.includes(command));
    this.#leave(named, refused);
    const stoppedAtFirst = refused.kind === 'unreported' && unmoved.length < batch.commands.length;
    const parts = this.#isolation.parts({ commands: rest, words, stoppedAtFirst, culpritsKnown: named.length > 0 });
    if (parts.length === 0) return this.#leave(rest, refused);
    return parts.map((commands) => ({ commands, thinPack: batch.thinPack, partOf: refused }));
  }

  #reasons(refused: readonly PushCommand[], result: RelayResult): (command: PushCommand) => string {
    return result.kind === 'broken' ? () => result.error.message : rejectionReasons(refused, result.answer);
  }

  /** These refs stay as they are. */
  #leave(commands: readonly PushCommand[], refused: Refused | undefined, reason?: (command: PushCommand) => string): readonly Batch[] {
    const kind = refused?.kind === 'sourceMoved' && this.#input.isSecondTry ? 'sourceDamaged' : refused?.kind;
    return this.#settle(commands, (command) => {
      const why = reason?.(command) ?? refused?.reason(command) ?? '';
      if (kind === 'sourceMoved') return { state: 'raced', reason: `the source has another value by now: ${why}` };
      return { state: kind === 'sourceDamaged' ? 'unreadable' : 'rejected', reason: why, code: kind && rowOf(kind).code };
    });
  }

  #end(commands: readonly PushCommand[], { kind, result, reason }: Refused, cause?: GitferryError): readonly Batch[] {
    const error = cause ?? (result.kind === 'broken' ? result.error : undefined);
    if (result.kind === 'broken') this.#learnFromCut(commands, result, kind);
    this.#error ??= error ?? new GitferryError(rowOf(kind).code ?? 'remote_error', { words: wordsOf(result) });
    const notTried = result.kind === 'broken' && !result.reachedTarget;
    return this.#reject(commands, (command) => (notTried ? `not tried: ${result.error.message}` : (error?.message ?? reason(command))));
  }

  /** The run's time was too short for a pack, or for the source to make it, or a connection ended in the middle of a large one: the next run sends less at once. */
  #learnFromCut(commands: readonly PushCommand[], { error, bytes }: Extract<RelayResult, { kind: 'broken' }>, kind: RefusalKind): void {
    const isOutOfTime = error.code === 'deadline_exceeded' && commands.some((command) => command.new !== null);
    if (isOutOfTime || (kind === 'cutOff' && bytes > limits.resentBytes)) this.#slices.ranOutOfTime(bytes);
  }

  #haves(commands: readonly PushCommand[]): Oid[] {
    const { target, common } = this.#input;
    const old = commands.flatMap((command) => (command.old === null ? [] : [command.old]));
    return [...new Set([...this.#arrived, ...old, ...common, ...target.refs.map(({ oid }) => oid), ...target.extraHaves])];
  }

  #settle(commands: readonly PushCommand[], verdict: (command: PushCommand) => Verdict): readonly Batch[] {
    for (const command of commands) {
      const settled = verdict(command);
      this.#verdicts.set(command.ref, settled);
      if (settled.state === 'done' && command.new !== null) this.#arrived.add(command.new);
    }
    this.#deps.onRefs(this.#verdicts.size);
    return [];
  }

  #reject(commands: readonly PushCommand[], reason: (command: PushCommand) => string): readonly Batch[] {
    return this.#settle(commands, (command) => ({ state: 'rejected', reason: reason(command) }));
  }
}

/** Refusals whose words may name the value of a ref as what is wrong. */
const namesCulprits: ReadonlySet<RefusalKind> = new Set(['objects', 'sourceDamaged', 'sourceMoved']);
