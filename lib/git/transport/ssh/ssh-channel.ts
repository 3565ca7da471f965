/** One command running at the other end of an SSH connection: its output with backpressure, its input, its standard error, its exit. */
import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { shownWords } from './ssh-error.ts';

/** What ssh2 gives for a channel. */
export interface ChannelStream extends Duplex {
  readonly stderr: Readable;
  close(): void;
}

/** What a channel needs to know of its connection. */
export interface ChannelCarrier {
  readonly socket: Pick<Socket, 'writableLength' | 'once' | 'off' | 'cork' | 'uncork'>;
  /** Why the connection ended, once it has. */
  failure(): GitferryError | undefined;
}

export interface ExitStatus {
  /** undefined if a signal ended the command, or nobody said. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** Bytes on their way to the socket from which writers wait: less than a pack's worth, more than what the kernel takes at once. */
const waitingBytes = 512 * 1024;
/** What SSH servers take in one packet. */
const packetBytes = 32 * 1024;
const nothing = Buffer.alloc(0);

export class SshChannel {
  readonly #stream: ChannelStream;
  readonly #carrier: ChannelCarrier;
  readonly #queue: Uint8Array[] = [];
  readonly #words: Buffer[] = [];
  #queuedBytes = 0;
  readonly #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #sendSoon: NodeJS.Immediate | undefined;
  #wordBytes = 0;
  #ended = false;
  #dropped = false;
  #exit: ExitStatus | undefined;
  #wake: (() => void) | undefined;
  /** Resolves when nothing more can come or go. */
  readonly closed: Promise<void>;
  #isClosed = false;

  constructor(stream: ChannelStream, carrier: ChannelCarrier) {
    this.#stream = stream;
    this.#carrier = carrier;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('end', () => this.#end());
    stream.on('error', () => this.#end());
    stream.on('exit', (code: number | null, signal?: string) => {
      this.#exit = { code: code ?? undefined, signal: code === null ? signal : undefined };
    });
    stream.stderr.on('data', (chunk: Buffer) => this.#hear(chunk));
    stream.stderr.on('error', () => {});
    this.closed = new Promise((resolve) => {
      stream.on('close', () => {
        this.#isClosed = true;
        this.#end();
        resolve();
      });
    });
  }

  /** What the command wrote to standard error so far, printable, to a limit. */
  get words(): string {
    return shownWords(Buffer.concat(this.#words).toString('utf8'));
  }

  get isClosed(): boolean {
    return this.#isClosed || this.#dropped;
  }

  /** Whether it ended because its connection did. */
  get isCutOff(): boolean {
    return this.#exit === undefined && this.#carrier.failure() !== undefined;
  }

  /** How the command ended, if it has and the server said so. */
  get exit(): ExitStatus | undefined {
    return this.#exit;
  }

  /** The next piece of standard output; undefined at its end. Throws what ended the connection. For one reader. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.length;
        if (this.#queuedBytes < limits.sshQueueBytes && this.#stream.isPaused()) this.#stream.resume();
        return chunk;
      }
      if (this.#ended) {
        const failure = this.#exit === undefined && !this.#dropped ? this.#carrier.failure() : undefined;
        if (failure !== undefined) throw failure;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends, at the latest at the end of this turn, and resolves when more may be sent. Throws when the command takes no more. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.isClosed) throw this.#gone();
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
    if (this.#unsentBytes < packetBytes) {
      this.#sendSoon ??= setImmediate(() => this.#send(this.#unsentBytes).catch(() => {}));
      return;
    }
    await this.#send(this.#unsentBytes - (this.#unsentBytes % packetBytes));
    const { socket } = this.#carrier;
    if (socket.writableLength <= waitingBytes) return;
    await this.#unlessClosed((done) => {
      socket.once('drain', done);
      return () => socket.off('drain', done);
    });
  }

  /** Sends so much of what is unsent, in whole packets: each costs both sides a cipher of its own, whatever its length. */
  async #send(bytes: number): Promise<void> {
    clearImmediate(this.#sendSoon);
    this.#sendSoon = undefined;
    if (this.#unsentBytes === 0 || this.isClosed) return;
    const [first = nothing, ...others] = this.#unsent.splice(0);
    const all = others.length === 0 ? first : Buffer.concat([first, ...others]);
    if (bytes < all.length) this.#unsent.push(all.subarray(bytes));
    this.#unsentBytes = all.length - bytes;
    if (this.#unsentBytes > 0) this.#sendSoon = setImmediate(() => this.#send(this.#unsentBytes).catch(() => {}));
    const { socket } = this.#carrier;
    // ssh2 gives the socket length, content and tag of each packet by themselves: each would go out as a segment of its own, and wake the other side.
    socket.cork();
    setImmediate(() => socket.uncork());
    // ssh2 neither calls back nor fails when a channel closes before the other side has opened its window.
    await this.#unlessClosed((done) => this.#stream.write(all.subarray(0, bytes), () => done()));
  }

  /** Ends standard input, behind these bytes; the answer can still be read. */
  finish(last: Uint8Array = nothing): void {
    this.#unsent.push(last);
    this.#unsentBytes += last.length;
    this.#send(this.#unsentBytes).catch(() => {});
    if (!this.isClosed) this.#stream.end();
  }

  /** Ends it at once. What still comes is thrown away. */
  destroy(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#unsent.length = 0;
    this.#unsentBytes = 0;
    clearImmediate(this.#sendSoon);
    this.#end();
    if (this.#carrier.failure() === undefined && !this.#isClosed) {
      this.#stream.end();
      this.#stream.close();
    }
    this.#stream.resume();
  }

  async #unlessClosed(work: (done: () => void) => unknown): Promise<void> {
    let undo: unknown;
    const finished = new Promise<true>((resolve) => {
      undo = work(() => resolve(true));
    });
    const ok = await Promise.race([finished, this.#closing()]);
    if (typeof undo === 'function') undo();
    if (ok !== true || this.isClosed) throw this.#gone();
  }

  #closing(): Promise<void> {
    return this.closed;
  }

  #gone(): GitferryError {
    return this.#carrier.failure() ?? new GitferryError('connection_failed', { detail: 'The command ended', words: this.words });
  }

  #take(chunk: Buffer): void {
    if (this.#dropped) return;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= limits.sshQueueBytes) this.#stream.pause();
    this.#notify();
  }

  #hear(chunk: Buffer): void {
    if (this.#wordBytes >= limits.remoteWordsBytes) return;
    this.#words.push(chunk.subarray(0, limits.remoteWordsBytes - this.#wordBytes));
    this.#wordBytes += chunk.length;
  }

  #end(): void {
    this.#ended = true;
    this.#notify();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
