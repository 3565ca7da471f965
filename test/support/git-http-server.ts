/** A real Git server over HTTP(S): `git http-backend` behind node:http, with switches for everything that hosts do differently or wrongly. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { gitEnvironment } from './git.ts';

export type GitService = 'git-upload-pack' | 'git-receive-pack';

export interface LoggedRequest {
  readonly method: string;
  readonly url: string;
  /** `info/refs` requests: the service in the query; else the service posted to. */
  readonly service: GitService | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly startedAt: number;
  endedAt: number;
  status: number;
  /** Bytes of the answer's body. */
  bytes: number;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly service: GitService | undefined;
  /** POST to a service, as opposed to discovery. */
  readonly isRpc: boolean;
}

export interface GitHttpServerOptions {
  /** Folder that holds the repositories. */
  readonly root: string;
  /** Leaves the Git-Protocol header out: the server then speaks v0. */
  readonly v0Only?: boolean;
  readonly basic?: { readonly username: string; readonly password: string };
  readonly bearer?: string;
  /** Answers chunked requests with this status (411 is the usual one). */
  readonly refuseChunked?: number;
  /** 413 above this. */
  readonly maxRequestBytes?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Waits before each answer. */
  readonly delayMs?: number;
  /** Cuts the connection after this many bytes of an rpc answer. */
  readonly cutAnswerAfter?: { readonly service: GitService; readonly bytes: number };
  /** Changes the bytes of an rpc answer on their way. */
  readonly transformAnswer?: (service: GitService, chunk: Buffer, offset: number) => Buffer;
  /** Hears the bytes of rpc requests as they come. */
  readonly onRequestBytes?: (service: GitService, chunk: Buffer) => void;
  /** Slows rpc answers down to about this rate. */
  readonly answerBytesPerSecond?: number;
  /** Sees each request first; true = answered. */
  readonly intercept?: (exchange: Exchange) => boolean | Promise<boolean>;
  /** Settings given to git (`-c name=value`), e.g. `uploadpack.allowFilter=true`. */
  readonly config?: readonly string[];
}

export interface GitHttpServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** The URL of a repository in `root`. */
  url(repository: string, userInfo?: string): string;
  readonly log: LoggedRequest[];
  /** Resolves when no git process works for this server any more. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** In pieces, twenty a second. */
async function trickle(response: ServerResponse, bytes: Buffer, bytesPerSecond: number): Promise<void> {
  const piece = Math.max(1, Math.round(bytesPerSecond / 20));
  for (let at = 0; at < bytes.length && !response.destroyed; at += piece) {
    response.write(bytes.subarray(at, at + piece));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Starts on a port of its own on 127.0.0.1. Filters are allowed unless `config` says otherwise, as on the big hosts. */
export async function startGitHttpServer(options: GitHttpServerOptions): Promise<GitHttpServer> {
  const log: LoggedRequest[] = [];
  const sockets = new Set<Socket>();
  const backends = new Set<ChildProcess>();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(options, { log, backends }, request, response).catch((error: unknown) => {
      response.destroy(error as Error);
    });
  };
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  // nginx's default.
  server.keepAliveTimeout = 75_000;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const scheme = options.tls === undefined ? 'http' : 'https';
  return {
    port,
    origin: `${scheme}://127.0.0.1:${port}`,
    url: (repository, userInfo) => `${scheme}://${userInfo === undefined ? '' : `${userInfo}@`}127.0.0.1:${port}/${repository}`,
    log,
    async idle() {
      for (const backend of backends) await new Promise((resolve) => backend.once('close', resolve));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface Records {
  readonly log: LoggedRequest[];
  readonly backends: Set<ChildProcess>;
}

async function handle(
  options: GitHttpServerOptions,
  { log, backends }: Records,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://x');
  const rpc = /\/(git-(?:upload|receive)-pack)$/.exec(url.pathname)?.[1] as GitService | undefined;
  const service = rpc ?? (url.searchParams.get('service') as GitService | null) ?? undefined;
  const entry: LoggedRequest = {
    method: request.method ?? '',
    url: request.url ?? '',
    service,
    headers: request.headers,
    startedAt: performance.now(),
    endedAt: Number.POSITIVE_INFINITY,
    status: 0,
    bytes: 0,
  };
  log.push(entry);
  response.on('close', () => {
    entry.endedAt = performance.now();
    entry.status = response.statusCode;
  });
  if (options.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.delayMs));
  if ((await options.intercept?.({ request, response, service, isRpc: rpc !== undefined })) === true) return;
  if (!isAuthorised(options, request)) {
    request.resume();
    response.writeHead(401, { 'www-authenticate': options.bearer === undefined ? 'Basic realm="test"' : 'Bearer realm="test"' }).end();
    return;
  }
  if (options.refuseChunked !== undefined && request.headers['transfer-encoding'] !== undefined) {
    // Like nginx, it reads on for a while: a connection closed at once would lose the answer.
    request.resume();
    response.writeHead(options.refuseChunked).end();
    return;
  }
  const backend = runBackend(options, entry, url, request, response);
  backends.add(backend);
  backend.once('close', () => backends.delete(backend));
}

/** The program itself: killing `git http-backend` would leave it behind, and it never notices that a request of known length was cut. */
const httpBackend = join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend');

function isAuthorised({ basic, bearer }: GitHttpServerOptions, request: IncomingMessage): boolean {
  const given = request.headers.authorization;
  if (basic !== undefined) return given === `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
  return bearer === undefined || given === `Bearer ${bearer}`;
}

function runBackend(
  options: GitHttpServerOptions,
  entry: LoggedRequest,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): ChildProcess {
  const config = ['http.receivepack=true', 'uploadpack.allowFilter=true', 'receive.autogc=false', ...(options.config ?? [])];
  const settings = Object.fromEntries(
    config.flatMap((setting, index) => {
      const at = setting.indexOf('=');
      return [
        [`GIT_CONFIG_KEY_${index}`, setting.slice(0, at)],
        [`GIT_CONFIG_VALUE_${index}`, setting.slice(at + 1)],
      ];
    }),
  );
  const backend = spawn(httpBackend, {
    env: {
      ...gitEnvironment,
      ...settings,
      GIT_CONFIG_COUNT: String(config.length),
      GIT_PROJECT_ROOT: options.root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      REMOTE_USER: 'test',
      REMOTE_ADDR: '127.0.0.1',
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: request.headers['content-length'] }),
      ...(request.headers['content-encoding'] === undefined ? {} : { HTTP_CONTENT_ENCODING: request.headers['content-encoding'] }),
      ...(options.v0Only === true || request.headers['git-protocol'] === undefined
        ? {}
        : { GIT_PROTOCOL: String(request.headers['git-protocol']) }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  backend.stdin.on('error', () => {});
  feed(options, request, response, backend.stdin);
  if (entry.method === 'POST' && entry.service !== undefined) {
    const { service } = entry;
    request.on('data', (chunk: Buffer) => options.onRequestBytes?.(service, chunk));
  }
  request.on('aborted', () => backend.stdin.destroy());
  let head: Buffer | undefined = Buffer.alloc(0);
  let offset = 0;
  let trickled = Promise.resolve();
  const send = (chunk: Buffer): void => {
    const cut = options.cutAnswerAfter;
    const isCut = cut !== undefined && entry.method === 'POST' && cut.service === entry.service && offset + chunk.length > cut.bytes;
    let bytes = isCut ? chunk.subarray(0, cut.bytes - offset) : chunk;
    if (options.transformAnswer !== undefined && entry.method === 'POST' && entry.service !== undefined) {
      bytes = options.transformAnswer(entry.service, bytes, offset);
    }
    offset += chunk.length;
    entry.bytes += bytes.length;
    const rate = entry.method === 'POST' ? options.answerBytesPerSecond : undefined;
    if (rate !== undefined) {
      backend.stdout.pause();
      trickled = trickled.then(() => trickle(response, bytes, rate)).then(() => void backend.stdout.resume());
    } else if (!response.write(bytes) && !isCut) {
      backend.stdout.pause();
      response.once('drain', () => backend.stdout.resume());
    }
    if (isCut) {
      backend.kill();
      setImmediate(() => response.destroy());
    }
  };
  backend.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) return send(chunk);
    if (response.headersSent) return; // refused meanwhile
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    writeHead(head.toString('latin1', 0, end), response);
    const rest = head.subarray(end + 4);
    head = undefined;
    if (rest.length > 0) send(rest);
    else response.flushHeaders();
  });
  if (options.maxRequestBytes !== undefined) {
    // git http-backend begins its answer at once, and then there could be no 413.
    backend.stdout.pause();
    request.once('end', () => backend.stdout.resume());
  }
  backend.on('close', () => {
    if (head !== undefined && !response.headersSent) response.writeHead(500);
    void trickled.then(() => response.end());
  });
  response.on('close', () => backend.kill());
  return backend;
}

/** Pipes the request's body to the backend, up to the limit. */
function feed(options: GitHttpServerOptions, request: IncomingMessage, response: ServerResponse, stdin: NodeJS.WritableStream): void {
  if (options.maxRequestBytes === undefined) {
    request.pipe(stdin);
    return;
  }
  const maxBytes = options.maxRequestBytes;
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBytes) stdin.write(chunk);
    else if (!response.headersSent) response.writeHead(413).end();
  });
  request.on('end', () => {
    if (bytes <= maxBytes) stdin.end();
  });
}

function writeHead(text: string, response: ServerResponse): void {
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of text.split('\r\n')) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).toLowerCase();
    const value = line.slice(at + 1).trim();
    if (name === 'status') status = Number(value.split(' ')[0]);
    else headers[name] = value;
  }
  response.writeHead(status, headers);
}

/** The beginning of a request's body, which can still be read: for `intercept`. */
export async function beginningOf(request: IncomingMessage): Promise<string> {
  await once(request, 'readable');
  const chunk: Buffer = request.read() ?? Buffer.alloc(0);
  if (chunk.length > 0) request.unshift(chunk);
  return chunk.toString('latin1');
}
