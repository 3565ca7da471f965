/** A small pack, read whole before anything is pushed: the same bytes answer questions about history and pointers, and are what the target gets. */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { ObjectFormat, Oid } from '../object-id.ts';
import { type CommitGraph, walkAll } from '../pack/commit-graph.ts';
import { type ObjectType, parentsOf } from '../pack/git-object.ts';
import type { IncomingPack } from '../pack/incoming-pack.ts';
import { type PackObject, type PassedOver, readPackObjects } from '../pack/pack-objects.ts';
import { type FetchPackRequest, fetchPack } from './fetch-pack.ts';
import { type ContainmentQuestion, groupsByWithin, type HistoryAnswer, questionKey } from './history-questions.ts';
import { atLeast, LeastRate, type Rate } from './least-rate.ts';
import { noAnswer } from './question-packs.ts';
import type { UploadPack } from './upload-pack.ts';

const allTypes: ReadonlySet<ObjectType> = new Set(['commit', 'tree', 'blob', 'tag']);

export class SmallPack {
  readonly wants: ReadonlySet<Oid>;
  readonly bytes: Buffer;
  readonly objects: number;
  readonly format: ObjectFormat;
  readonly #graph: CommitGraph;
  /** Contents of the blobs below `limits.smallBlobBytes`; undefined = there may be more that could not be put together. */
  readonly smallBlobs: readonly Buffer[] | undefined;

  private constructor(
    { wants, bytes, objects, format }: Pick<SmallPack, 'wants' | 'bytes' | 'objects' | 'format'>,
    { graph, smallBlobs }: { readonly graph: CommitGraph; readonly smallBlobs: readonly Buffer[] | undefined },
  ) {
    this.wants = wants;
    this.bytes = bytes;
    this.objects = objects;
    this.format = format;
    this.#graph = graph;
    this.smallBlobs = smallBlobs;
  }

  /**
   * Fetches the pack if it is small. undefined = it is not, or the source did not give it: nothing is known then, and nothing of it kept.
   * Throws only what ends the run, and `timed_out` where the source sends too slowly.
   */
  static async fetch(
    source: UploadPack,
    request: FetchPackRequest,
    leastRate: Rate = limits.leastPackRate,
  ): Promise<SmallPack | undefined> {
    try {
      const pack = await fetchPack(source, request);
      const bytes = await wholeIfSmall({ ...pack, bytes: atLeast(pack.bytes, new LeastRate(leastRate, 'the pack from the source')) });
      if (bytes === undefined) return undefined;
      const { objects } = pack;
      const format = source.objectFormat;
      const contents = await readContents(bytes, objects, format);
      return contents === undefined ? undefined : new SmallPack({ wants: new Set(request.wants), bytes, objects, format }, contents);
    } catch (error) {
      if (error instanceof GitferryError && error.code === 'timed_out') throw error;
      // Who needs the pack asks again, and is told what is wrong.
      noAnswer(error);
      return undefined;
    }
  }

  /** The questions that a chain of its commits answers with yes; the others stay open. */
  async prove(questions: readonly ContainmentQuestion[]): Promise<ReadonlyMap<string, HistoryAnswer>> {
    const found = await walkAll(this.#graph, groupsByWithin(questions));
    return new Map(questions.flatMap((question) => (found(question) ? [[questionKey(question), 'yes' as const]] : [])));
  }

  /** To be pushed, as often as need be. */
  toPush(): IncomingPack {
    const { bytes, objects } = this;
    return { objects, bytes: once(bytes), cancel: async () => {} };
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

/** Lets go of it where it turns out to be larger. */
async function wholeIfSmall(pack: IncomingPack): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of pack.objects > limits.smallPackObjects ? [] : pack.bytes) {
    bytes += chunk.length;
    if (bytes > limits.smallPackBytes) break;
    chunks.push(chunk);
  }
  if (bytes > 0 && bytes <= limits.smallPackBytes) return Buffer.concat(chunks);
  await pack.cancel();
  return undefined;
}

/** undefined = it inflates to more than a small pack should. */
async function readContents(
  bytes: Buffer,
  objects: number,
  format: ObjectFormat,
): Promise<{ readonly graph: CommitGraph; readonly smallBlobs: readonly Buffer[] | undefined } | undefined> {
  const graph = new Map<Oid, readonly Oid[]>();
  const smallBlobs: Buffer[] = [];
  let [inflatedBytes, isAll] = [0, true];
  const onObject = ({ type, oid, content }: PackObject): void => {
    inflatedBytes += content.length;
    if (inflatedBytes > limits.smallPackInflatedBytes) throw new TooLarge();
    const parents = type === 'commit' ? parentsOf(content, format) : undefined;
    if (parents !== undefined) graph.set(oid, parents);
    if (type === 'blob' && content.length < limits.smallBlobBytes) smallBlobs.push(Buffer.from(content));
  };
  const onPassedOver = ({ type, resultBytes }: PassedOver): void => {
    const isSmall = resultBytes === undefined || resultBytes < limits.smallBlobBytes;
    if (isSmall && (type === undefined || type === 'blob')) isAll = false;
  };
  const pack = { objects, bytes: once(bytes), cancel: async () => {} };
  try {
    await readPackObjects(pack, { format, types: allTypes, maxBytes: limits.smallPackObjectBytes, onObject, onPassedOver });
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
  return { graph, smallBlobs: isAll ? smallBlobs : undefined };
}

class TooLarge extends Error {}
