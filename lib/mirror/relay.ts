/** One relay: the pack that the target lacks, streamed from the source's answer into the target's push as it arrives. */
import { collectYoungGarbage } from '../core/collect-garbage.ts';
import type { Deadline } from '../core/deadline.ts';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { fetchPack } from '../git/client/fetch-pack.ts';
import type { PushAnswer, ReceivePack } from '../git/client/push-pack.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { emptyPack } from '../git/pack/empty-pack.ts';
import type { IncomingPack } from '../git/pack/incoming-pack.ts';
import type { ByteStream } from '../git/wire/pkt-reader.ts';
import type { PushCommand } from '../git/wire/push-request.ts';
import type { HeldEnd } from './held-end.ts';

export interface RelayInput {
  readonly source: UploadPack;
  readonly target: ReceivePack;
  readonly commands: readonly PushCommand[];
  /** Values that the target is known to have, most useful first. */
  readonly haves: readonly Oid[];
  readonly thinPack: boolean;
  /** The push may begin, and its end waits for this. */
  readonly end?: HeldEnd | undefined;
}

export interface RelayDeps {
  readonly deadline: Deadline;
  /** Called with the size of each piece of the pack that was handed to the target. */
  onBytes(bytes: number): void;
  /** Called when the target has been handed the last one. */
  onPackSent(): void;
}

export type RelayResult =
  | { readonly kind: 'answered'; readonly answer: PushAnswer; readonly bytes: number }
  /** The target may or may not have moved refs: look. */
  | { readonly kind: 'broken'; readonly error: GitferryError; readonly bytes: number }
  /** As was to be done by `end`, or because one of the sides did not wait for it: the target was not sent all, and has moved nothing. */
  | { readonly kind: 'given up'; readonly bytes: number };

/** Asks the source for what the commands need; undefined = for nothing. */
async function fetchFor({ source, target, commands, haves, thinPack, end }: RelayInput): Promise<IncomingPack | undefined> {
  const has = new Set(haves);
  const wants = [...new Set(commands.flatMap((command) => (command.new === null || has.has(command.new) ? [] : [command.new])))];
  if (wants.length === 0) return undefined;
  return fetchPack(source, {
    wants,
    haves: haves.slice(0, limits.haves),
    shallows: target.shallows,
    thinPack: thinPack && !target.capabilities.has('no-thin'),
    ofsDelta: target.capabilities.has('ofs-delta'),
    withdrawal: end?.signal,
  });
}

/**
 * Fetches first, and opens the push only when the pack's header is there: what throws from here happened before anything went to the target.
 * Whatever goes wrong later comes back as `broken`; a source that dies or sends a damaged pack aborts the push, so the target keeps its old refs.
 */
export async function relay(input: RelayInput, deps: RelayDeps): Promise<RelayResult> {
  const { end } = input;
  try {
    const passage = new Passage(await fetchFor(input), end, deps);
    return judged(await push(input, passage), passage, end);
  } catch (error) {
    if (end?.signal.aborted === true && error instanceof GitferryError) return { kind: 'given up', bytes: 0 };
    throw error;
  } finally {
    end?.settle();
  }
}

/** What the end of a push means that the target was not sent whole. */
function judged(result: RelayResult, passage: Passage, end: HeldEnd | undefined): RelayResult {
  if (passage.isWhole) return result;
  const { bytes } = result;
  if (end?.signal.aborted === true) return { kind: 'given up', bytes };
  if (result.kind === 'answered') {
    // A target that did not wait may do so where nothing is held back.
    if (end?.isLetGo === false) return { kind: 'given up', bytes };
    const claims = result.answer.report?.refs ?? new Map<string, string | undefined>();
    if (result.answer.report?.unpack !== 'ok' || [...claims.values()].every((reason) => reason !== undefined)) return result;
    return {
      kind: 'broken',
      error: new GitferryError('protocol_error', { detail: 'The target took the pack before its end.' }),
      bytes: result.bytes,
    };
  }
  // A source that was busy with the look, a host that ends requests that do not go on: neither may stand in the way when it is over. Who asks for
  // fewer requests gets no further one.
  const mayPass = result.kind === 'broken' && result.error.disposition === 'retry' && result.error.code !== 'rate_limited';
  return end !== undefined && mayPass ? { kind: 'given up', bytes } : result;
}

async function push({ source, target, commands, end }: RelayInput, passage: Passage): Promise<RelayResult> {
  try {
    // Without a pack there is no end to hold back.
    if (!passage.hasPack) await passage.mayEnd();
    const answer = await target.push(commands, packFor(commands, passage, source), end?.cutOff);
    return { kind: 'answered', answer, bytes: passage.bytes };
  } catch (error) {
    const cause = passage.sourceError ?? error;
    if (!(cause instanceof GitferryError)) throw cause;
    return { kind: 'broken', error: cause, bytes: passage.bytes };
  } finally {
    await passage.end();
  }
}

function packFor(commands: readonly PushCommand[], passage: Passage, source: UploadPack): ByteStream | Buffer | undefined {
  if (commands.every((command) => command.new === null)) return undefined;
  return passage.stream() ?? emptyPack(source.objectFormat);
}

/** Keeps the peak at 115 MB however large the pack is; without it, 140 MB. Costs 0.3 s of CPU for a pack of 1.2 GB. */
const collectEveryBytes = 4_000_000;

/** The pack on its way: counts bytes, notices silence, holds back the end, and keeps the source's own failure apart from what it causes at the target. */
class Passage {
  readonly #pack: IncomingPack | undefined;
  readonly #end: HeldEnd | undefined;
  readonly #deps: RelayDeps;
  readonly #silence: NodeJS.Timeout;
  #collectAt = collectEveryBytes;
  #complete = false;
  /** All of it was handed to the target, or is about to be. */
  isWhole = false;
  bytes = 0;
  sourceError: unknown;

  constructor(pack: IncomingPack | undefined, end: HeldEnd | undefined, deps: RelayDeps) {
    this.#pack = pack;
    this.#end = end;
    this.#deps = deps;
    const silent = (): void => deps.deadline.abort(new GitferryError('timed_out', { detail: 'Neither side moved the pack on.' }));
    this.#silence = setTimeout(silent, limits.relaySilenceMs);
    this.#silence.unref();
  }

  get hasPack(): boolean {
    return this.#pack !== undefined;
  }

  stream(): ByteStream | undefined {
    return this.#pack === undefined ? undefined : this.#pass(this.#pack.bytes);
  }

  async *#pass(pack: ByteStream): ByteStream {
    let last: Uint8Array | undefined;
    try {
      for await (const chunk of pack) {
        if (last !== undefined) yield this.#passing(last);
        last = chunk;
      }
      await this.mayEnd();
      if (last !== undefined) yield this.#passing(last);
      // From here on the target is at work; its answer has a limit of its own.
      clearTimeout(this.#silence);
      this.#complete = true;
      this.#deps.onPackSent();
    } catch (error) {
      // Given up, the source is cut off, which is no failure of its own.
      this.sourceError = this.#end?.signal.aborted === true ? this.#end.signal.reason : error;
      throw this.sourceError;
    }
  }

  /** Waits until the last piece may follow; throws where it may not. */
  async mayEnd(): Promise<void> {
    await this.#end?.wait();
    this.isWhole = true;
  }

  #passing(chunk: Uint8Array): Uint8Array {
    this.bytes += chunk.length;
    if (this.bytes >= this.#collectAt) {
      this.#collectAt = this.bytes + collectEveryBytes;
      collectYoungGarbage();
    }
    this.#deps.onBytes(chunk.length);
    this.#silence.refresh();
    return chunk;
  }

  async end(): Promise<void> {
    clearTimeout(this.#silence);
    if (!this.#complete) await this.#pack?.cancel();
  }
}
