/** A conversation with git-upload-pack: listing and fetching, alike for protocol v2, v1 and v0. */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { agent } from '../agent.ts';
import type { ObjectFormat, Oid } from '../object-id.ts';
import { isBranch, refNameFault } from '../ref-name.ts';
import type { Conversation, GitResponse, Transport } from '../transport/transport.ts';
import { type AdvertisedRef, type Advertisement, type ImpossibleRefs, parseAdvertisement } from '../wire/advertisement.ts';
import type { Capabilities } from '../wire/capabilities.ts';
import { encodeFetchRequestV0, encodeFetchRequestV2, type FetchRequest } from '../wire/fetch-request.ts';
import { type FetchResponse, parseFetchResponseV0, parseFetchResponseV2 } from '../wire/fetch-response.ts';
import { encodeLsRefsRequest, parseLsRefsAnswer } from '../wire/ls-refs.ts';
import { type ByteStream, PktReader } from '../wire/pkt-reader.ts';
import { demultiplex, RemoteWords } from '../wire/sideband.ts';
import { atLeast, LeastRate, type Rate } from './least-rate.ts';
import type { ListShare } from './list-memory.ts';

/** The refs of a repository as far as they were asked for, and where HEAD points. */
export interface RefList {
  /** Without HEAD. */
  readonly refs: readonly AdvertisedRef[];
  readonly impossible: ImpossibleRefs;
  /** Full name of the branch that HEAD stands for, whether it exists or not; undefined if HEAD is detached, not listed or no branch. */
  readonly headBranch: string | undefined;
  /** What HEAD has, if it has anything; v2 only. */
  readonly headOid?: Oid | undefined;
  /** Whether symbolic refs other than HEAD are marked (protocol v2); v0 shows them as plain refs. */
  readonly symrefsListed: boolean;
}

export interface FetchAnswer extends FetchResponse {
  /** The pack's bytes, if `packFollows`; throws `pack_truncated` where they end early. */
  readonly pack: ByteStream;
  /** Ends the answer early: reads a short rest so that the connection can be used again, or drops a long or slow one. */
  finish(): Promise<void>;
  /** Ends the answer at once, also while somebody waits for more of the pack. */
  abort(): void;
}

export interface FetchOptions {
  /** Wait for a large pack; without it the limits for short questions hold. */
  readonly patient: boolean;
  /** Of an answer that is not waited for so: `limits.leastPackRate`. */
  readonly leastRate?: Rate;
}

const listReader = { maxBytes: limits.advertisementBytes, truncatedCode: 'protocol_error' } as const;
const fetchReader = { maxBytes: limits.fetchAnswerBytes, truncatedCode: 'pack_truncated' } as const;

export class UploadPack {
  readonly #transport: Transport;
  readonly #advertisement: Advertisement;
  readonly #lists: ListShare | undefined;
  #conversation: Conversation | undefined;
  /** Begins with this list, which may be under way. */
  readonly #firstList: readonly string[] | undefined;

  private constructor(
    transport: Transport,
    lists: ListShare | undefined,
    conversation: Conversation,
    advertisement: Advertisement,
    firstList?: readonly string[],
  ) {
    this.#firstList = firstList;
    this.#transport = transport;
    this.#lists = lists;
    this.#conversation = conversation;
    this.#advertisement = advertisement;
  }

  /**
   * Starts the conversation and reads what the server can do; its lists of refs count to `lists`. `firstList`: the prefixes that will be listed first, which
   * may then be asked for at once. Throws the transport's codes and those of `parseAdvertisement`.
   */
  static async open(transport: Transport, lists?: ListShare, firstList?: readonly string[]): Promise<UploadPack> {
    const ahead = firstList === undefined ? undefined : listAhead(firstList);
    const { conversation, advertisement } = await openConversation(transport, lists, ahead);
    return new UploadPack(transport, lists, conversation, advertisement, firstList);
  }

  /**
   * The same without waiting for an advertisement, for a server that is known to speak v2 (for example from the agent it named to git-receive-pack).
   * `format` is what that other conversation said. Requests throw if the assumption was wrong.
   */
  static async assumeV2(transport: Transport, capabilities: Capabilities, format: ObjectFormat, lists?: ListShare): Promise<UploadPack> {
    const conversation = await transport.open('git-upload-pack', { protocol: 2, assumeV2: true });
    if (conversation.advertisement !== undefined) await readAdvertisement(conversation.advertisement, lists);
    return new UploadPack(transport, lists, conversation, { version: 2, capabilities, objectFormat: format });
  }

  get objectFormat(): ObjectFormat {
    return this.#advertisement.objectFormat;
  }

  get version(): 0 | 1 | 2 {
    return this.#advertisement.version;
  }

  get capabilities(): Capabilities {
    return this.#advertisement.capabilities;
  }

  /** Whether the server says that it can filter; it may still refuse a certain filter. */
  get offersFilter(): boolean {
    return this.version === 2 ? this.capabilities.hasFeature('fetch', 'filter') : this.capabilities.has('filter');
  }

  /** `shallow` lines: v0 only; with v2 a shallow source shows in the fetch answer. */
  get isShallow(): boolean {
    return this.#advertisement.version !== 2 && this.#advertisement.shallows.length > 0;
  }

  /** The refs that begin with one of `prefixes`, and HEAD. Throws `protocol_error` beyond `maxBytes` (v2). */
  async listRefs(prefixes: readonly string[], { maxBytes = limits.advertisementBytes } = {}): Promise<RefList> {
    if (this.#advertisement.version !== 2) return listedV0(this.#advertisement, prefixes);
    const isAhead = this.#conversation?.sent !== undefined && prefixes === this.#firstList && this.objectFormat === 'sha1';
    if (isAhead) {
      const list = await this.#listRefs(listAhead(prefixes), maxBytes);
      // It did not ask what an empty repository's HEAD names, which not every server can be asked.
      if (list.headOid !== undefined || !this.#offersUnborn) return list;
    }
    const capabilities = this.#commandCapabilities();
    return this.#listRefs(encodeLsRefsRequest({ capabilities, prefixes: ['HEAD', ...prefixes], unborn: this.#offersUnborn }), maxBytes);
  }

  get #offersUnborn(): boolean {
    return this.capabilities.value('ls-refs')?.split(' ').includes('unborn') ?? false;
  }

  async #listRefs(body: Buffer, maxBytes: number): Promise<RefList> {
    const conversation = await this.#conversationForRequest();
    const answer = await conversation.request(body, { compressedAnswer: true });
    const reader = new PktReader(listRated(answer), { ...listReader, maxBytes, onLine: this.#lists?.begin() });
    try {
      const { refs, impossible, unbornHead } = await parseLsRefsAnswer(reader, this.objectFormat);
      const head = refs.find(({ name }) => name === 'HEAD');
      const headBranch = branchNamed(head?.symrefTarget ?? unbornHead);
      return { refs: refs.filter(({ name }) => name !== 'HEAD'), impossible, headBranch, headOid: head?.oid, symrefsListed: true };
    } finally {
      await finishAnswer(reader, answer);
    }
  }

  /**
   * Sends a fetch request and reads the answer up to the pack. The caller reads `pack` to its end or calls `finish`.
   * Throws `remote_error` with the server's words where it refuses (an error is not an answer to a history question).
   */
  async fetch(request: FetchRequest, { patient, leastRate = limits.leastPackRate }: FetchOptions): Promise<FetchAnswer> {
    const conversation = await this.#conversationForRequest();
    const v2 = this.version === 2;
    const offered = this.#offeredV0(request);
    const body = v2 ? encodeFetchRequestV2(request, this.#commandCapabilities()) : encodeFetchRequestV0(request, offered);
    const answer = await conversation.request(body, { patient });
    // A large pack is rated on its way to the target.
    const rated = patient ? answer : atLeast(answer, new LeastRate(leastRate, "the source's answer"));
    const reader = new PktReader(rated, fetchReader);
    try {
      const response = v2
        ? await parseFetchResponseV2(reader, this.objectFormat)
        : await parseFetchResponseV0(reader, { format: this.objectFormat, deepened: request.depth !== undefined, done: request.done });
      const multiplexed = v2 || offered.some((capability) => capability.startsWith('side-band'));
      const rest = cutIsTruncation(reader.rest());
      const pack = multiplexed ? demultiplex(rest, { words: new RemoteWords(), truncatedCode: 'pack_truncated' }) : rest;
      return { ...response, pack, finish: () => finishAnswer(reader, answer), abort: () => answer.destroy() };
    } catch (error) {
      await finishAnswer(reader, answer);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#conversation?.close();
  }

  async #conversationForRequest(): Promise<Conversation> {
    const conversation = this.#conversation ?? (await openConversation(this.#transport, this.#lists)).conversation;
    // A v0 conversation over a pipe holds one request only.
    this.#conversation = this.version === 2 || conversation.stateless ? conversation : undefined;
    return conversation;
  }

  /** v2: the lines that go with each command. */
  #commandCapabilities(): string[] {
    const lines = this.capabilities.has('agent') ? [`agent=${agent}`] : [];
    if (this.capabilities.has('object-format')) lines.push(`object-format=${this.objectFormat}`);
    return lines;
  }

  /** v0: what we understand of what is offered, and this request wants. Azure wants multi_ack to be there, CodeCommit nothing that it did not offer. */
  #offeredV0({ thinPack, ofsDelta }: FetchRequest): string[] {
    const capabilities = this.capabilities;
    const chosen: string[] = [];
    if (capabilities.has('multi_ack_detailed')) chosen.push('multi_ack_detailed');
    else if (capabilities.has('multi_ack')) chosen.push('multi_ack');
    if (capabilities.has('side-band-64k')) chosen.push('side-band-64k');
    else if (capabilities.has('side-band')) chosen.push('side-band');
    // dulwich, which names no agent, answers nobody who does not ask for both, and sends no thin packs.
    const insists = !capabilities.has('agent');
    if ((thinPack || insists) && capabilities.has('thin-pack')) chosen.push('thin-pack');
    if ((ofsDelta || insists) && capabilities.has('ofs-delta')) chosen.push('ofs-delta');
    for (const name of ['no-progress', 'shallow', 'filter']) if (capabilities.has(name)) chosen.push(name);
    if (capabilities.has('object-format')) chosen.push(`object-format=${this.objectFormat}`);
    if (capabilities.has('agent')) chosen.push(`agent=${agent}`);
    return chosen;
  }
}

async function openConversation(
  transport: Transport,
  lists: ListShare | undefined,
  ahead?: Buffer,
): Promise<{ readonly conversation: Conversation; readonly advertisement: Advertisement }> {
  const conversation = await transport.open('git-upload-pack', { protocol: 2, ahead });
  if (conversation.advertisement === undefined) throw new GitferryError('protocol_error', { detail: 'There is no advertisement.' });
  return { conversation, advertisement: await readAdvertisement(conversation.advertisement, lists) };
}

function listRated(answer: ByteStream): ByteStream {
  return atLeast(answer, new LeastRate(limits.leastListRate, 'a list'));
}

/** What every v2 server with SHA-1 ids can be asked. */
function listAhead(prefixes: readonly string[]): Buffer {
  return encodeLsRefsRequest({ capabilities: [`agent=${agent}`], prefixes: ['HEAD', ...prefixes], unborn: false });
}

/** Reads an advertisement, and its stream to the end; its refs count to `lists`. */
export async function readAdvertisement(answer: GitResponse, lists?: ListShare): Promise<Advertisement> {
  const reader = new PktReader(listRated(answer), { ...listReader, onLine: lists?.begin() });
  try {
    return await parseAdvertisement(reader);
  } finally {
    await finishAnswer(reader, answer);
  }
}

/** Reads what little may be left of an answer, which is cheaper than a new connection, but not for long. Never throws. */
async function finishAnswer(reader: PktReader, answer: GitResponse): Promise<void> {
  const timer = setTimeout(() => answer.destroy(), limits.restMs);
  try {
    await reader.drain(limits.restBytes);
  } catch {
    // What was wanted of the answer is known already.
  } finally {
    clearTimeout(timer);
  }
}

function listedV0(
  { refs, impossible, capabilities }: Exclude<Advertisement, { readonly version: 2 }>,
  prefixes: readonly string[],
): RefList {
  const headSymref = capabilities.values('symref').find((value) => value.startsWith('HEAD:'));
  return {
    refs: refs.filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix))),
    impossible: new Set([...impossible].filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))),
    headBranch: branchNamed(headSymref?.slice('HEAD:'.length)),
    symrefsListed: false,
  };
}

/** What HEAD names decides about deletions, and is shown: a tag, or a name that nobody moves, is no default branch. */
function branchNamed(name: string | undefined): string | undefined {
  return name !== undefined && isBranch(name) && refNameFault(name) === undefined ? name : undefined;
}

/** A connection that breaks within a pack is a pack cut short. */
async function* cutIsTruncation(stream: ByteStream): ByteStream {
  try {
    yield* stream;
  } catch (error) {
    if (error instanceof GitferryError && error.code === 'connection_failed') {
      throw new GitferryError('pack_truncated', { detail: error.message, cause: error });
    }
    throw error;
  }
}
