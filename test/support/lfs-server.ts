/** An LFS server for tests, its objects in a folder: goes in front of a git server (`intercept`), and can be told to misbehave. git-lfs itself is its judge. */
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface LfsExchange {
  /** `batch`, or an object's link. */
  readonly kind: 'batch' | 'download' | 'upload' | 'verify';
  readonly operation: 'download' | 'upload' | undefined;
  /** Of a batch: all; of a link: the one. */
  readonly oids: readonly string[];
  readonly headers: IncomingMessage['headers'];
  /** Of a batch, and of `verify`. */
  // biome-ignore lint/suspicious/noExplicitAny: requests are asserted on
  readonly body: any;
}

export interface LfsServerOptions {
  /** Where objects are kept, by name. */
  readonly root: string;
  readonly basic?: { readonly username: string; readonly password: string };
  readonly verify?: boolean;
  /** Header that links ask for; requests without it are refused. */
  readonly linkHeader?: Readonly<Record<string, string>>;
  /** Origin of the links, if it is not the server's own. */
  readonly linkOrigin?: () => string;
  /** Changes the batch answer before it is sent. */
  // biome-ignore lint/suspicious/noExplicitAny: answers may be made absurd
  readonly alter?: (answer: any, exchange: LfsExchange) => unknown;
  /** Sees each request first; true = answered. `before` counts earlier ones for the same thing. */
  readonly fault?: (
    exchange: LfsExchange,
    response: ServerResponse,
    request: IncomingMessage,
    before: number,
  ) => boolean | Promise<boolean>;
}

export interface LfsTestServer {
  /** For GitHttpServerOptions.intercept: true = this was a request for LFS. */
  handle(exchange: { readonly request: IncomingMessage; readonly response: ServerResponse }): Promise<boolean>;
  readonly log: LfsExchange[];
  /** Names of the objects it has. */
  objects(): Promise<string[]>;
  put(content: Buffer): Promise<string>;
}

const mediaType = 'application/vnd.git-lfs+json';
const pieceBytes = 262_144;
/** Read and written in one piece, as a server does that has to be quick with many objects. */
const atOnceBytes = 4_000_000;

export function lfsServer(options: LfsServerOptions): LfsTestServer {
  const log: LfsExchange[] = [];
  let uploads = 0;
  const path = (oid: string): string => join(options.root, oid);

  async function handle({ request, response }: { request: IncomingMessage; response: ServerResponse }): Promise<boolean> {
    const scheme = 'encrypted' in request.socket ? 'https' : 'http';
    const url = new URL(request.url ?? '/', `${scheme}://${request.headers.host}`);
    const at = url.pathname.indexOf('/info/lfs/');
    if (at < 0) return false;
    const [, , , what = '', oid = ''] = url.pathname.slice(at).split('/');
    const kind = what === 'objects' ? 'batch' : what;
    if (kind !== 'batch' && kind !== 'download' && kind !== 'upload' && kind !== 'verify') {
      // Locks, which git-lfs asks for before it pushes.
      response.writeHead(404, { 'content-type': mediaType }).end('{"message":"no locks here"}');
      return true;
    }
    const body = kind === 'batch' || kind === 'verify' ? JSON.parse((await bodyOf(request)).toString()) : undefined;
    const oids = kind === 'batch' ? body.objects.map((object: { oid: string }) => object.oid) : [oid];
    const exchange: LfsExchange = { kind, operation: body?.operation, oids, headers: request.headers, body };
    const before = log.length;
    log.push(exchange);
    if (options.fault !== undefined && (await options.fault(exchange, response, request, alike(log.slice(0, before), exchange))))
      return true;
    if (kind === 'batch') {
      if (!isAuthorised(options, request))
        return answer(response, 401, { message: 'who are you' }, { 'www-authenticate': 'Basic realm="lfs"' });
      const base = `${options.linkOrigin?.() ?? url.origin}${url.pathname.slice(0, at)}/info/lfs`;
      const result = batchAnswer(body, base);
      return answer(response, 200, options.alter?.(result, exchange) ?? result);
    }
    const missing = Object.entries(options.linkHeader ?? {}).some(([name, value]) => request.headers[name.toLowerCase()] !== value);
    if (missing) return answer(response, 403, { message: 'the link wants its header' });
    if (kind === 'download') {
      const file = await open(path(oid)).catch(() => undefined);
      if (file === undefined) return answer(response, 404, { message: 'not here' });
      const { size } = await file.stat();
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
      if (size > atOnceBytes) file.createReadStream({ highWaterMark: pieceBytes }).pipe(response);
      else {
        const content = await file.readFile();
        await file.close();
        response.end(content);
      }
      return true;
    }
    if (kind === 'verify') return answer(response, existsSync(path(oid)) ? 200 : 404, {});
    const isWhole = await store(request, oid).catch(() => undefined);
    if (isWhole === false) return answer(response, 422, { message: 'that is not it' });
    if (isWhole === true) response.writeHead(200).end();
    return true;
  }

  /** Whether what came is the object; only then it is kept. Throws if the upload breaks off. */
  async function store(request: IncomingMessage, oid: string): Promise<boolean> {
    const incoming = `${options.root}-incoming-${++uploads}`;
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    try {
      const isSmall = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= atOnceBytes;
      if (isSmall) await writeFile(incoming, await bodyOf(request));
      else await pipeline(request, createWriteStream(incoming, { highWaterMark: pieceBytes }));
      const isWhole = hash.digest('hex') === oid;
      if (isWhole) await rename(incoming, path(oid)).catch(() => firstRename(incoming, oid));
      else await rm(incoming);
      return isWhole;
    } catch (error) {
      await rm(incoming, { force: true });
      throw error;
    }
  }

  async function firstRename(incoming: string, oid: string): Promise<void> {
    await mkdir(options.root, { recursive: true });
    await rename(incoming, path(oid));
  }

  function batchAnswer(body: { operation: string; objects: { oid: string; size: number }[] }, base: string): unknown {
    const action = (name: string, oid: string) => ({
      href: `${base}/${name}/${oid}?signature=very-secret`,
      ...(options.linkHeader === undefined ? {} : { header: options.linkHeader }),
    });
    const objects = body.objects.map(({ oid, size }) => {
      const isHere = existsSync(path(oid));
      if (body.operation === 'download')
        return isHere
          ? { oid, size, actions: { download: action('download', oid) } }
          : { oid, size, error: { code: 404, message: 'not here' } };
      const actions = { upload: action('upload', oid), ...(options.verify === true ? { verify: action('verify', oid) } : {}) };
      return isHere ? { oid, size } : { oid, size, actions };
    });
    return { transfer: 'basic', objects, hash_algo: 'sha256' };
  }

  return {
    handle,
    log,
    objects: async () => (existsSync(options.root) ? (await readdir(options.root)).sort() : []),
    async put(content) {
      const oid = createHash('sha256').update(content).digest('hex');
      await mkdir(options.root, { recursive: true });
      await writeFile(path(oid), content);
      return oid;
    },
  };
}

/** How many of these asked for the same. */
function alike(log: readonly LfsExchange[], { kind, operation, oids }: LfsExchange): number {
  return log.filter((other) => other.kind === kind && other.operation === operation && other.oids.join() === oids.join()).length;
}

function isAuthorised({ basic }: LfsServerOptions, request: IncomingMessage): boolean {
  if (basic === undefined) return true;
  return request.headers.authorization === `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
}

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): true {
  response.writeHead(status, { 'content-type': mediaType, ...headers }).end(JSON.stringify(body));
  return true;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
