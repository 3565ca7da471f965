/** Inflates one small object after the other with one zlib state: making one takes longer than inflating a small object, and a pack has thousands. */
import { constants, createInflate, inflateSync } from 'node:zlib';

/** What Node's own synchronous calls use of a zlib stream. It is not documented, though the same since Node 12: where it is missing, a state is made each time. */
interface ZlibHandle {
  onerror(message: string, errno: number, code: string): void;
  reset(): void;
  writeSync(flush: number, input: Uint8Array, at: number, bytes: number, output: Uint8Array, outAt: number, outBytes: number): void;
}

export interface Inflated {
  /** As many bytes as were asked for, or fewer if there are no more. Holds until the next one is inflated. */
  readonly content: Buffer;
  /** Of the input. */
  readonly usedBytes: number;
}

/** Larger objects are rare, and get an output of their own. */
const eagerBytes = 64 * 1024;

export class Inflater {
  readonly #handle: ZlibHandle | undefined;
  /** How much room is left in the output, and how much of the input is not used. */
  readonly #left: Uint32Array;
  /** For one byte more than the object, to see that it is no longer than it should be. */
  readonly #output = Buffer.allocUnsafe(eagerBytes + 1);
  #failure = '';

  constructor() {
    const { _handle: handle, _writeState: left } = createInflate() as unknown as { _handle?: Partial<ZlibHandle>; _writeState?: unknown };
    const isKnown = typeof handle?.writeSync === 'function' && typeof handle.reset === 'function' && left instanceof Uint32Array;
    this.#handle = isKnown ? (handle as ZlibHandle) : undefined;
    this.#left = isKnown ? left : new Uint32Array(2);
    if (this.#handle !== undefined) {
      this.#handle.onerror = (_message, _errno, code) => {
        this.#failure = code;
      };
    }
  }

  /**
   * Of the input from `at` on. Throws zlib's codes: `Z_BUF_ERROR` where the input ends early or the object is longer than `bytes`, `Z_DATA_ERROR` for what is
   * damaged.
   */
  inflate(input: Buffer, at: number, bytes: number): Inflated {
    if (this.#handle === undefined) return inflateAnew(input.subarray(at), bytes);
    const output = bytes < this.#output.length ? this.#output : Buffer.allocUnsafe(bytes + 1);
    this.#failure = '';
    this.#handle.reset();
    this.#handle.writeSync(constants.Z_FINISH, input, at, input.length - at, output, 0, bytes + 1);
    const [room = 0, unused = 0] = this.#left;
    if (this.#failure === '' && room === 0) this.#failure = 'Z_BUF_ERROR';
    if (this.#failure !== '') throw Object.assign(new Error(`zlib: ${this.#failure}`), { code: this.#failure });
    return { content: output.subarray(0, bytes + 1 - room), usedBytes: input.length - at - unused };
  }
}

function inflateAnew(input: Buffer, bytes: number): Inflated {
  const options = { info: true, chunkSize: Math.max(64, bytes), maxOutputLength: bytes + 1 };
  const { buffer, engine } = inflateSync(input, options) as unknown as {
    readonly buffer: Buffer;
    readonly engine: { readonly bytesWritten: number };
  };
  return { content: buffer, usedBytes: engine.bytesWritten };
}
