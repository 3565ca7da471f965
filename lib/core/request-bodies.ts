/** Bodies of requests while they are read and looked at: each has a limit and a time, and together they have one account of memory. */

export interface HeldBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** To be called once the bytes are not needed any more. */
  release(): void;
}

/**
 * `too_large` by its stated or real length; `incomplete` if the sender broke off; `too_slow` if it was not there in time; `busy` if bodies of this sender, or
 * of all, take too much memory now: worth sending again.
 */
export type BodyRefusal = 'too_large' | 'incomplete' | 'too_slow' | 'busy';

export interface BodyRules {
  readonly maxBytes: number;
  /** From the first byte to the last. */
  readonly withinMs: number;
  /** Whose it is: no sender takes all the memory. */
  readonly sender: string | number;
}

export class RequestBodies {
  readonly #totalBytes: number;
  readonly #senderBytes: number;
  #held = 0;
  /** Senders that have a body here now. */
  readonly #heldBy = new Map<string | number, number>();

  constructor({ totalBytes, senderBytes }: { readonly totalBytes: number; readonly senderBytes: number }) {
    this.#totalBytes = totalBytes;
    this.#senderBytes = senderBytes;
  }

  /** Reads a body; release what comes back. Never rejects. */
  async read(request: Request, { maxBytes, withinMs, sender }: BodyRules): Promise<HeldBody | BodyRefusal> {
    const stated = statedLength(request);
    if (stated !== undefined && stated > maxBytes) return 'too_large';
    let taken = 0;
    const take = (bytes: number): boolean => {
      const [held, heldBySender] = [this.#held + bytes, (this.#heldBy.get(sender) ?? 0) + bytes];
      if (held > this.#totalBytes || heldBySender > this.#senderBytes) return false;
      this.#held = held;
      this.#heldBy.set(sender, heldBySender);
      taken += bytes;
      return true;
    };
    const release = (): void => {
      const left = (this.#heldBy.get(sender) ?? 0) - taken;
      this.#held -= taken;
      taken = 0;
      if (left > 0) this.#heldBy.set(sender, left);
      else this.#heldBy.delete(sender);
    };
    // HTTP holds a sender to the length that he stated.
    if (stated !== undefined && !take(stated)) return 'busy';
    const read = stated === undefined ? readStream(request, maxBytes, take) : readWhole(request, maxBytes);
    const bytes = await inTime(read, withinMs);
    if (typeof bytes !== 'string') return { bytes, release };
    release();
    return bytes;
  }
}

/** undefined if the request does not say, as with chunks. */
function statedLength(request: Request): number | undefined {
  const stated = request.headers.get('content-length');
  return stated === null || !/^\d{1,15}$/.test(stated) ? undefined : Number(stated);
}

async function readWhole(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | BodyRefusal> {
  try {
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.length > maxBytes ? 'too_large' : bytes;
  } catch {
    return 'incomplete';
  }
}

/** What is over the limit is not read. */
async function readStream(
  { body }: Request,
  maxBytes: number,
  take: (bytes: number) => boolean,
): Promise<Uint8Array<ArrayBuffer> | BodyRefusal> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body ?? []) {
      length += chunk.length;
      if (length > maxBytes) return 'too_large';
      if (!take(chunk.length)) return 'busy';
      chunks.push(chunk);
    }
  } catch {
    return 'incomplete';
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** A request that is answered without its body is closed by the server, which ends the reading. */
async function inTime<T>(reading: Promise<T>, ms: number): Promise<T | 'too_slow'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'too_slow'>((resolve) => {
    timer = setTimeout(() => resolve('too_slow'), ms);
  });
  try {
    return await Promise.race([reading, late]);
  } finally {
    clearTimeout(timer);
  }
}
