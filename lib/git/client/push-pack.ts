/** A conversation with git-receive-pack: what the target has, and pushes of a pack into it. */
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { agent } from '../agent.ts';
import type { ObjectFormat, Oid } from '../object-id.ts';
import type { Conversation, Transport } from '../transport/transport.ts';
import type { AdvertisedRef, Advertisement, ImpossibleRefs } from '../wire/advertisement.ts';
import type { Capabilities } from '../wire/capabilities.ts';
import { type ByteStream, PktReader } from '../wire/pkt-reader.ts';
import { encodePushRequest, type PushCommand } from '../wire/push-request.ts';
import { parseReportStatus, type ReportStatus } from '../wire/report-status.ts';
import { demultiplex, RemoteWords } from '../wire/sideband.ts';
import type { ListShare } from './list-memory.ts';
import { readAdvertisement } from './upload-pack.ts';

export interface PushAnswer {
  /** Undefined if the target ended without one, or offers none. */
  readonly report: ReportStatus | undefined;
  /** What hooks and the server said beside it. */
  readonly words: readonly string[];
}

type RefAdvertisement = Exclude<Advertisement, { readonly version: 2 }>;

export class ReceivePack {
  readonly #transport: Transport;
  readonly #advertisement: RefAdvertisement;
  readonly #lists: ListShare | undefined;
  readonly #isKnown: boolean;
  #conversation: Conversation | undefined;

  private constructor(
    transport: Transport,
    lists: ListShare | undefined,
    conversation: Conversation | undefined,
    advertisement: RefAdvertisement,
    { isKnown = false } = {},
  ) {
    this.#isKnown = isKnown;
    this.#transport = transport;
    this.#lists = lists;
    this.#conversation = conversation;
    this.#advertisement = advertisement;
  }

  /** Starts the conversation and reads the target's refs: the authoritative old values; they count to `lists`. Throws the transport's codes and those of `parseAdvertisement`. */
  static async open(transport: Transport, lists?: ListShare, { isFresh = false } = {}): Promise<ReceivePack> {
    const { conversation, advertisement } = await openConversation(transport, lists, isFresh);
    return new ReceivePack(transport, lists, conversation, advertisement);
  }

  /** The same without asking: what the server can do is known from another conversation, and what is known of its refs is given. The push waits for no advertisement. */
  static known(
    transport: Transport,
    {
      capabilities,
      objectFormat,
      refs,
    }: { readonly capabilities: Capabilities; readonly objectFormat: ObjectFormat; readonly refs: readonly AdvertisedRef[] },
  ): ReceivePack {
    const advertisement = {
      version: 0,
      capabilities,
      objectFormat,
      refs,
      impossible: new Set<string>(),
      extraHaves: [],
      shallows: [],
    } as const;
    return new ReceivePack(transport, undefined, undefined, advertisement, { isKnown: true });
  }

  get objectFormat(): ObjectFormat {
    return this.#advertisement.objectFormat;
  }

  get capabilities(): Capabilities {
    return this.#advertisement.capabilities;
  }

  /** All that it shows; symbolic refs look like plain ones. */
  get refs(): readonly AdvertisedRef[] {
    return this.#advertisement.refs;
  }

  get impossible(): ImpossibleRefs {
    return this.#advertisement.impossible;
  }

  /** Objects it has through alternates. */
  get extraHaves(): readonly Oid[] {
    return this.#advertisement.extraHaves;
  }

  get shallows(): readonly Oid[] {
    return this.#advertisement.shallows;
  }

  /**
   * Pushes. `pack` is read only as fast as the target takes it; undefined where all commands delete.
   * Resolves with what the target answered, be it refusal. Throws the transport's codes, `remote_error` (the target gave up) and what `pack` throws;
   * after any of these the refs may or may not have moved.
   */
  async push(commands: readonly PushCommand[], pack: ByteStream | Buffer | undefined): Promise<PushAnswer> {
    const offered = this.#offered();
    const head = encodePushRequest({ commands, capabilities: offered, objectFormat: this.objectFormat });
    const conversation = this.#conversation ?? (await this.#open());
    if (!conversation.stateless) this.#conversation = undefined;
    const body = pack === undefined ? head : Buffer.isBuffer(pack) ? Buffer.concat([head, pack]) : followed(head, pack);
    const answer = await conversation.request(body, { patient: true });
    const words = new RemoteWords();
    const multiplexed = offered.includes('side-band-64k');
    const bytes = multiplexed ? demultiplex(answer, { words, truncatedCode: 'report_missing' }) : answer;
    try {
      const reader = new PktReader(bytes, { maxBytes: limits.reportBytes, truncatedCode: 'report_missing' });
      const report = await parseReportStatus(reader);
      await reader.drain(limits.reportBytes);
      return { report, words: words.lines() };
    } catch (error) {
      if (!(error instanceof GitferryError)) throw error;
      if (error.code === 'report_missing' || error.code === 'protocol_error') return { report: undefined, words: words.lines() };
      throw error;
    }
  }

  async #open(): Promise<Conversation> {
    if (!this.#isKnown) return (await openConversation(this.#transport, this.#lists, false)).conversation;
    const conversation = await this.#transport.open('git-receive-pack', { protocol: 0, isKnown: true });
    // Over SSH it comes all the same.
    if (conversation.advertisement !== undefined) await readAdvertisement(conversation.advertisement, this.#lists);
    return conversation;
  }

  async close(): Promise<void> {
    await this.#conversation?.close();
  }

  #offered(): string[] {
    const capabilities = this.capabilities;
    const chosen = ['report-status', 'side-band-64k', 'quiet'].filter((name) => capabilities.has(name));
    if (capabilities.has('object-format')) chosen.push(`object-format=${this.objectFormat}`);
    if (capabilities.has('agent')) chosen.push(`agent=${agent}`);
    return chosen;
  }
}

async function openConversation(
  transport: Transport,
  lists: ListShare | undefined,
  isFresh: boolean,
): Promise<{ readonly conversation: Conversation; readonly advertisement: RefAdvertisement }> {
  const conversation = await transport.open('git-receive-pack', { protocol: 0, isFresh });
  if (conversation.advertisement === undefined) throw new GitferryError('protocol_error', { detail: 'There is no advertisement.' });
  const advertisement = await readAdvertisement(conversation.advertisement, lists);
  if (advertisement.version === 2)
    throw new GitferryError('protocol_error', { detail: 'git-receive-pack answered with protocol version 2.' });
  return { conversation, advertisement };
}

async function* followed(head: Buffer, pack: ByteStream): ByteStream {
  yield head;
  yield* pack;
}
