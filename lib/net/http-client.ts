/** The one HTTP client: undici behind the address guard, with failures as coded errors. Follows no redirects and sets no credentials by itself. */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { rootCertificates } from 'node:tls';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { limits } from '../core/limits.ts';
import type { AddressGuard } from './address-guard.ts';
import { toNetworkError } from './network-error.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes are sent with Content-Length, an iterable chunked with backpressure. It is ended (`return`) when the answer comes before its end. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** Longest wait for the answer to begin; 0 leaves it to `signal`. */
  readonly headersMs: number;
  /** Longest silence within the answer. */
  readonly silenceMs: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** To be read to its end or destroyed by the caller; errors in it are undici's: pass them through `toNetworkError`. */
  readonly body: Readable;
}

export interface HttpClient {
  /** Resolves when the answer's headers are there, whatever the status. Throws network failures by code (`dns_failed`, `connection_failed`, `address_blocked`, ...). */
  request(request: HttpRequest): Promise<HttpResponse>;
  /**
   * Requests to this origin use no connection that is open now. For a host that answered a request before it had read all of it: what is sent behind
   * the unread rest waits for ever, and from this side nobody can tell (the rest is on its way). Requests under way go on.
   */
  leaveConnections(url: URL): void;
  /** Ends idle connections and waits for none. */
  close(): Promise<void>;
}

export interface HttpClientOptions {
  /** Certificate authorities to trust beside the usual ones, PEM. */
  readonly authorities?: string;
}

export function createHttpClient(guard: AddressGuard, { authorities }: HttpClientOptions = {}): HttpClient {
  // autoSelectFamily tries the next checked address when one does not answer; noDelay keeps small requests from waiting on acknowledgements.
  const connectTo = buildConnector({
    timeout: limits.connectMs,
    lookup: guard.lookup,
    noDelay: true,
    autoSelectFamily: true,
    ...(authorities === undefined ? {} : { ca: [...rootCertificates, authorities] }),
  });
  const connect: buildConnector.connector = (options, callback) => {
    try {
      guard.checkLiteral(options.hostname);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    connectTo(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      socket.on('end', () => resumeParser(socket));
      callback(null, socket);
    });
  };
  const createAgent = (): Agent =>
    new Agent({
      connect,
      pipelining: 1,
      keepAliveTimeout: limits.idleConnectionMs,
      keepAliveMaxTimeout: limits.longestIdleConnectionMs,
    });
  const agent = createAgent();
  /** By origin, while the usual agent may have a connection there that is not to be used. */
  const newer = new Map<string, Agent>();
  return {
    async request({ method, url, headers, body, signal, headersMs, silenceMs }) {
      const options: Dispatcher.RequestOptions = {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { ...headers },
        signal,
        headersTimeout: headersMs,
        bodyTimeout: silenceMs,
      };
      // undici streams any async iterable with backpressure; its types name Readable only.
      if (body !== undefined) options.body = body as Uint8Array | Readable;
      try {
        // undici gives a connection free one turn of the event loop after its answer ended: without this, the next request opens another one.
        await setImmediate();
        const response = await (newer.get(url.origin) ?? agent).request(options);
        // A body that is dropped unread fails with "aborted", and without a listener that would end the process. Readers still get its errors.
        response.body.on('error', () => {});
        return { status: response.statusCode, headers: flattened(response.headers), body: response.body };
      } catch (error) {
        throw toNetworkError(error, url.host, signal);
      }
    },
    leaveConnections({ origin }) {
      const left = newer.get(origin);
      const next = createAgent();
      newer.set(origin, next);
      // Waits for what is under way.
      left?.close().catch(() => {});
      const forget = (): void => {
        if (newer.get(origin) !== next) return;
        newer.delete(origin);
        next.close().catch(() => {});
      };
      setTimeout(forget, limits.longestIdleConnectionMs).unref();
    },
    close: async () => {
      await Promise.all([agent, ...newer.values()].map((each) => each.destroy()));
    },
  };
}

/** What undici keeps on its sockets, as far as it is touched here. */
interface UndiciParser {
  resume(): void;
  paused: boolean;
  readonly ptr: number;
  readonly llhttp: { llhttp_resume(ptr: number): void };
}

/**
 * Ends the pause of undici's parser before undici hears that a server closed. While the reader of an answer is slow, undici 7 leaves the parser paused:
 * the close then fails an assertion that nobody can catch, or drops an answer that came whole (nodejs/undici#5360, mended in version 8, which needs Node 22).
 * Nothing is left to read when a socket ends, so that the answer's body takes in no more than the piece that it had been given already.
 */
function resumeParser(socket: Socket): void {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  const { [key ?? '']: parser } = socket as unknown as Record<string | symbol, UndiciParser | null | undefined>;
  if (parser?.paused !== true) return;
  parser.resume();
  // Without a length the parser asks the body again, which still says "pause".
  if (parser.paused) {
    parser.llhttp.llhttp_resume(parser.ptr);
    parser.paused = false;
  }
}

function flattened(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | undefined> {
  const flat: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers)) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  return flat;
}
