/** One relay: the pack that the target lacks, streamed from the source's answer into the target's push as it arrives. */
import { collectYoungGarbage } from '../core/collect-garbage.ts';
import type { Deadline } from '../core/deadline.ts';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { fetchPack } from '../git/client/fetch-pack.ts';
import { LeastRate, type Rate } from '../git/client/least-rate.ts';
import type { PushAnswer, ReceivePack } from '../git/client/push-pack.ts';
import type { SmallPack } from '../git/client/small-pack.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { emptyPack } from '../git/pack/empty-pack.ts';
import type { IncomingPack } from '../git/pack/incoming-pack.ts';
import type { ByteStream } from '../git/wire/pkt-reader.ts';
import type { PushCommand } from '../git/wire/push-request.ts';
import { NotNarrow } from './list-narrowly.ts';

export interface RelayInput {
  readonly source: UploadPack;
  readonly target: ReceivePack;
  readonly commands: readonly PushCommand[];
  /** Values that the target is known to have, most useful first. */
  readonly haves: readonly Oid[];
  readonly thinPack: boolean;
  /** A pack of more objects is not wanted: throws NotNarrow. */
  readonly mostObjects?: number;
  /** Fetched before; used where it holds just what the commands need. */
  readonly smallPack?: SmallPack | undefined;
}

export interface RelayDeps {
  readonly deadline: Deadline;
  /** Called with the size of each piece of the pack that was handed to the target. */
  onBytes(bytes: number): void;
  /** Called when the target has been handed the last one. */
  onPackSent(): void;
  /** What has to move at least; that of `limits` unless a test is in a hurry. */
  readonly leastRate?: Rate;
}

export type RelayResult =
  | { readonly kind: 'answered'; readonly answer: PushAnswer; readonly bytes: number }
  /** Something went wrong at this end. If anything reached the target, it may or may not have moved refs: look. */
  | {
      readonly kind: 'broken';
      readonly error: GitferryError;
      readonly end: 'source' | 'target';
      readonly reachedTarget: boolean;
      readonly bytes: number;
    };

/** Asks the source for what the commands need; undefined = for nothing. */
async function fetchFor({
  source,
  target,
  commands,
  haves,
  thinPack,
  mostObjects,
  smallPack,
}: RelayInput): Promise<IncomingPack | undefined> {
  const has = new Set(haves);
  const wants = [...new Set(commands.flatMap((command) => (command.new === null || has.has(command.new) ? [] : [command.new])))];
  if (wants.length === 0) return undefined;
  if (smallPack?.wants.size === wants.length && wants.every((oid) => smallPack.wants.has(oid))) return smallPack.toPush();
  const pack = await fetchPack(source, {
    wants,
    haves: haves.slice(0, limits.haves),
    shallows: target.shallows,
    thinPack: thinPack && !target.capabilities.has('no-thin'),
    ofsDelta: target.capabilities.has('ofs-delta'),
  });
  if (mostObjects === undefined || pack.objects <= mostObjects) return pack;
  await pack.cancel();
  throw new NotNarrow(`the pack has ${pack.objects} objects: more values of the target may make it smaller`);
}

/**
 * Fetches first, and opens the push only when the pack's header is there. A source that dies or sends a damaged pack aborts the push, so the target
 * keeps its old refs.
 */
export async function relay(input: RelayInput, deps: RelayDeps): Promise<RelayResult> {
  const { source, target, commands } = input;
  let pack: IncomingPack | undefined;
  try {
    pack = await fetchFor(input);
  } catch (error) {
    if (!(error instanceof GitferryError)) throw error;
    return { kind: 'broken', error, end: 'source', reachedTarget: false, bytes: 0 };
  }
  const passage = new Passage(pack, deps);
  try {
    const answer = await target.push(commands, packFor(commands, passage, source));
    if (!passage.isComplete && claimsSuccess(answer)) {
      throw new GitferryError('protocol_error', { detail: 'The target reported success before it had the whole pack.' });
    }
    return { kind: 'answered', answer, bytes: passage.bytes };
  } catch (error) {
    const cause = passage.sourceError ?? error;
    if (!(cause instanceof GitferryError)) throw cause;
    return {
      kind: 'broken',
      error: cause,
      end: passage.sourceError === undefined ? 'target' : 'source',
      reachedTarget: true,
      bytes: passage.bytes,
    };
  } finally {
    await passage.end();
  }
}

function claimsSuccess({ report }: PushAnswer): boolean {
  return report?.unpack === 'ok' && [...report.refs.values()].some((reason) => reason === undefined);
}

function packFor(commands: readonly PushCommand[], passage: Passage, source: UploadPack): ByteStream | Buffer | undefined {
  if (commands.every((command) => command.new === null)) return undefined;
  return passage.stream() ?? emptyPack(source.objectFormat);
}

/** Keeps the peak at 115 MB however large the pack is; without it, 140 MB. Costs 0.3 s of CPU for a pack of 1.2 GB. */
const collectEveryBytes = 4_000_000;

/** The pack on its way: counts bytes, notices silence, and keeps the source's own failure apart from what it causes at the target. */
class Passage {
  readonly #pack: IncomingPack | undefined;
  readonly #deps: RelayDeps;
  readonly #silence: NodeJS.Timeout;
  readonly #given: LeastRate;
  readonly #taken: LeastRate;
  #collectAt = collectEveryBytes;
  /** All of the pack, if there is one, was handed to the target. */
  isComplete: boolean;
  bytes = 0;
  sourceError: unknown;

  constructor(pack: IncomingPack | undefined, deps: RelayDeps) {
    this.#pack = pack;
    this.#deps = deps;
    const { leastRate = limits.leastPackRate } = deps;
    this.#given = new LeastRate(leastRate, 'the pack from the source');
    this.#taken = new LeastRate(leastRate, 'the pack to the target');
    this.isComplete = pack === undefined;
    const silent = (): void => deps.deadline.abort(new GitferryError('timed_out', { detail: 'Neither side moved the pack on.' }));
    this.#silence = setTimeout(silent, limits.relaySilenceMs);
    this.#silence.unref();
  }

  stream(): ByteStream | undefined {
    return this.#pack === undefined ? undefined : this.#pass(this.#pack.bytes);
  }

  async *#pass(pack: ByteStream): ByteStream {
    let end: 'source' | 'target' = 'source';
    let askedAt: number | undefined;
    try {
      for await (const chunk of pack) {
        const cameAt = performance.now();
        this.#given.count(chunk.length, askedAt === undefined ? 0 : cameAt - askedAt);
        this.bytes += chunk.length;
        if (this.bytes >= this.#collectAt) {
          this.#collectAt = this.bytes + collectEveryBytes;
          collectYoungGarbage();
        }
        this.#deps.onBytes(chunk.length);
        this.#silence.refresh();
        yield chunk;
        askedAt = performance.now();
        end = 'target';
        this.#taken.count(chunk.length, askedAt - cameAt);
        end = 'source';
      }
      // From here on the target is at work; its answer has a limit of its own.
      clearTimeout(this.#silence);
      this.isComplete = true;
      this.#deps.onPackSent();
    } catch (error) {
      if (end === 'source') this.sourceError = error;
      throw error;
    }
  }

  async end(): Promise<void> {
    clearTimeout(this.#silence);
    if (!this.isComplete) await this.#pack?.cancel();
  }
}
