/** One LFS object on its way: streamed from the source's link into the target's, its size and SHA-256 checked before its end is let go. */
import { createHash } from 'node:crypto';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { HttpResponse } from '../net/http-client.ts';
import { toNetworkError } from '../net/network-error.ts';
import { type Action, lfsMediaType } from './batch-message.ts';
import type { LfsServer } from './lfs-server.ts';
import type { LfsObject } from './pointer.ts';

export interface TransferInput {
  readonly object: LfsObject;
  readonly source: LfsServer;
  readonly target: LfsServer;
  /** undefined for an object of 0 bytes, whose content is known. */
  readonly download: { readonly action: Action; readonly authenticated: boolean } | undefined;
  /** undefined = the target has it, and only wants to `verify`. */
  readonly upload: Action | undefined;
  readonly verify: Action | undefined;
  readonly uploadAuthenticated: boolean;
  onBytes(bytes: number): void;
  /** Longest silence of both ends; that of `limits` unless a test is in a hurry. */
  readonly silenceMs?: number;
}

/**
 * Resolves when the target has taken the object (and verified it, if it asked for that). Throws `lfs_object_corrupt` (the target has then not seen the end of
 * the upload), `lfs_object_missing`, `lfs_object_refused`, `lfs_quota_exceeded`, `lfs_transfer_failed`, and the network's codes.
 */
export async function transferObject(input: TransferInput): Promise<void> {
  const { object, source, target, download, upload, verify, uploadAuthenticated: authenticated } = input;
  const watch = new SilenceWatch(target.deadline.signal, input.silenceMs ?? limits.lfsSilenceMs);
  try {
    if (upload !== undefined) {
      const content = download === undefined ? undefined : await openDownload(object, source, download, watch.signal);
      await put(input, content, upload, watch);
    }
    if (verify === undefined) return;
    watch.refresh();
    const response = await target.request({
      method: 'POST',
      action: verify,
      authenticated,
      headers: { 'content-type': lfsMediaType, accept: lfsMediaType },
      body: Buffer.from(JSON.stringify({ oid: object.oid, size: object.size })),
      signal: watch.signal,
    });
    await settle(response, target);
  } finally {
    watch.end();
  }
}

async function openDownload(
  { size }: LfsObject,
  source: LfsServer,
  { action, authenticated }: { readonly action: Action; readonly authenticated: boolean },
  signal: AbortSignal,
): Promise<HttpResponse> {
  const response = await source.request({ method: 'GET', action, authenticated, signal });
  if (response.status !== 200) throw await source.errorFor(response, 'transfer');
  const fault = faultOf(response, size);
  if (fault === undefined) return response;
  response.body.destroy();
  throw fault;
}

function faultOf({ headers }: HttpResponse, size: number): GitferryError | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    return new GitferryError('lfs_transfer_failed', { detail: 'The source compressed it although it was not asked to.' });
  const announced = headers['content-length'];
  if (announced === undefined || Number(announced) === size) return undefined;
  return new GitferryError('lfs_object_corrupt', { detail: `The source has ${announced} bytes, not ${size}.` });
}

async function put(
  { object, target, uploadAuthenticated, onBytes }: TransferInput,
  content: HttpResponse | undefined,
  action: Action,
  watch: SilenceWatch,
) {
  const passage = content === undefined ? undefined : new ObjectPassage(object, content, watch, onBytes);
  try {
    const response = await target.request({
      method: 'PUT',
      action,
      authenticated: uploadAuthenticated,
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(object.size) },
      // Nothing to hold back in an empty file: it is read and checked first.
      body: passage === undefined || object.size === 0 ? await emptied(passage) : passage.bytes(),
      signal: watch.signal,
    });
    if (response.status < 300 && passage !== undefined && !passage.isComplete) {
      response.body.destroy();
      throw target.protocolError('it took the object before all of it was sent');
    }
    await settle(response, target);
  } catch (error) {
    // What the source did wrong shows at the target as a broken upload.
    throw passage?.failure ?? error;
  } finally {
    content?.body.destroy();
  }
}

async function emptied(passage: ObjectPassage | undefined): Promise<Buffer> {
  if (passage !== undefined) for await (const _ of passage.bytes());
  return Buffer.alloc(0);
}

/** Throws unless it is a success; reads the rest of the answer, so that its connection can be used again. */
async function settle(response: HttpResponse, target: LfsServer): Promise<void> {
  if (response.status < 200 || response.status >= 300) throw await target.errorFor(response, 'transfer');
  let bytes = 0;
  try {
    for await (const chunk of response.body) {
      bytes += (chunk as Buffer).length;
      if (bytes > limits.restBytes) break;
    }
  } catch {
    // The status was the answer.
  }
  response.body.destroy();
}

/** An object's bytes on their way through; the last piece goes out only when all of it is known to be right. */
class ObjectPassage {
  readonly #object: LfsObject;
  readonly #content: HttpResponse;
  readonly #watch: SilenceWatch;
  readonly #onBytes: (bytes: number) => void;
  isComplete = false;
  failure: GitferryError | undefined;

  constructor(object: LfsObject, content: HttpResponse, watch: SilenceWatch, onBytes: (bytes: number) => void) {
    this.#object = object;
    this.#content = content;
    this.#watch = watch;
    this.#onBytes = onBytes;
  }

  async *bytes(): AsyncGenerator<Uint8Array, void> {
    const { oid, size } = this.#object;
    const hash = createHash('sha256');
    let received = 0;
    let held: Buffer | undefined;
    try {
      for await (const chunk of this.#content.body as AsyncIterable<Buffer>) {
        this.#watch.refresh();
        received += chunk.length;
        if (received > size) throw new GitferryError('lfs_object_corrupt', { detail: `The source sends more than ${size} bytes.` });
        hash.update(chunk);
        if (held !== undefined) {
          this.#onBytes(held.length);
          yield held;
        }
        held = chunk;
      }
      if (received < size) throw new GitferryError('lfs_transfer_failed', { detail: `The source sent ${received} of ${size} bytes.` });
      if (hash.digest('hex') !== oid) throw new GitferryError('lfs_object_corrupt', { detail: 'Its SHA-256 is another one.' });
      this.isComplete = true;
      if (held === undefined) return;
      this.#onBytes(held.length);
      yield held;
    } catch (error) {
      this.failure ??= sourceFailure(error, this.#watch.signal);
      throw this.failure;
    } finally {
      this.#content.body.destroy();
    }
  }
}

function sourceFailure(error: unknown, signal: AbortSignal): GitferryError {
  const failure = toNetworkError(error, 'The source', signal);
  return failure.code === 'connection_failed'
    ? new GitferryError('lfs_transfer_failed', { detail: failure.detail, cause: error })
    : failure;
}

/** Aborts when neither end has moved for too long, and with the run's deadline. */
class SilenceWatch {
  readonly #deadline: AbortSignal;
  readonly #own = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #pass = (): void => this.#own.abort(this.#deadline.reason);

  constructor(deadline: AbortSignal, silenceMs: number) {
    this.#deadline = deadline;
    const silent = (): void => this.#own.abort(new GitferryError('timed_out', { detail: 'Neither side moved an LFS object on.' }));
    this.#timer = setTimeout(silent, silenceMs);
    this.#timer.unref();
    // By hand: what AbortSignal.any makes is kept as long as the run's own signal.
    deadline.addEventListener('abort', this.#pass, { once: true });
    if (deadline.aborted) this.#pass();
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  refresh(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#deadline.removeEventListener('abort', this.#pass);
  }
}
