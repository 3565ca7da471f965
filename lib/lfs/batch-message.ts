/** One message of the LFS batch API (git-lfs docs/api/batch.md): the request for up to a hundred objects, and its answer, checked object by object. */
import type { LfsObject } from './pointer.ts';

export type LfsOperation = 'download' | 'upload';

export const lfsMediaType = 'application/vnd.git-lfs+json';

export interface BatchRequest {
  readonly operation: LfsOperation;
  readonly objects: readonly LfsObject[];
  /** Full name of a ref that the objects belong to, for hosts that decide by branch. */
  readonly ref: string | undefined;
}

/** A link, and what to send with it. */
export interface Action {
  readonly href: URL;
  /** Names in lower case. */
  readonly header: Readonly<Record<string, string>>;
  /** Milliseconds since 1970; undefined = does not expire. */
  readonly expiresAt: number | undefined;
}

export type BatchedObject = LfsObject &
  (
    | {
        readonly kind: 'actions';
        readonly download?: Action;
        readonly upload?: Action;
        readonly verify?: Action;
        /** The host says that its links need no more credentials. */
        readonly authenticated: boolean;
      }
    | { readonly kind: 'error'; readonly status: number; readonly words: string }
    /** The answer has nothing for this object, or nothing that makes sense. */
    | { readonly kind: 'absurd'; readonly why: string }
  );

export function encodeBatchRequest({ operation, objects, ref }: BatchRequest): Buffer {
  return Buffer.from(
    JSON.stringify({
      operation,
      transfers: ['basic'],
      ...(ref === undefined ? {} : { ref: { name: ref } }),
      objects: objects.map(({ oid, size }) => ({ oid, size })),
      hash_algo: 'sha256',
    }),
  );
}

/**
 * One entry for each object of the request, in its order; objects that were not asked for are ignored. `receivedAt` (milliseconds since 1970) is what
 * `expires_in` counts from. undefined = no batch answer at all, or another transfer or hash than was asked for.
 */
export function parseBatchAnswer(text: string, request: BatchRequest, receivedAt: number): readonly BatchedObject[] | undefined {
  const answer = record(json(text));
  const { transfer, hash_algo: hash } = answer ?? {};
  if (answer === undefined || !Array.isArray(answer['objects'])) return undefined;
  if (!isAbsent(transfer) && transfer !== 'basic') return undefined;
  if (!isAbsent(hash) && hash !== '' && hash !== 'sha256') return undefined;
  const given = new Map<string, Json>();
  for (const entry of answer['objects']) {
    const object = record(entry);
    const oid = object?.['oid'];
    if (object !== undefined && typeof oid === 'string' && !given.has(oid)) given.set(oid, object);
  }
  return request.objects.map((wanted) => ({
    oid: wanted.oid,
    size: wanted.size,
    ...parseObject(given.get(wanted.oid), wanted, request.operation, receivedAt),
  }));
}

type Json = Readonly<Record<string, unknown>>;
type Parsed<T> = T extends unknown ? Omit<T, keyof LfsObject> : never;

function parseObject(object: Json | undefined, { size }: LfsObject, operation: LfsOperation, receivedAt: number): Parsed<BatchedObject> {
  const absurd = (why: string) => ({ kind: 'absurd', why }) as const;
  if (object === undefined) return absurd('the answer leaves it out');
  const error = record(object['error']);
  if (error !== undefined) {
    const { code, message } = error;
    const status = typeof code === 'number' && Number.isInteger(code) ? code : 500;
    return { kind: 'error', status, words: typeof message === 'string' ? message : '' };
  }
  if (object['size'] !== size) return absurd('the answer gives it another size');
  const given = isAbsent(object['actions']) ? {} : record(object['actions']);
  if (given === undefined) return absurd('its actions cannot be read');
  const actions: Partial<Record<'download' | 'upload' | 'verify', Action>> = {};
  for (const name of operation === 'download' ? (['download'] as const) : (['upload', 'verify'] as const)) {
    if (isAbsent(given[name])) continue;
    const action = parseAction(record(given[name]), receivedAt);
    if (action === undefined) return absurd(`its ${name} action cannot be read`);
    actions[name] = action;
  }
  // Without any, an upload is not needed; a download is not possible.
  if (operation === 'download' && actions.download === undefined) return absurd('the answer has no link for it');
  if (operation === 'upload' && actions.upload === undefined && Object.keys(given).length > 0 && actions.verify === undefined)
    return absurd('the answer has other actions than an upload');
  return { kind: 'actions', ...actions, authenticated: object['authenticated'] === true };
}

function parseAction(action: Json | undefined, receivedAt: number): Action | undefined {
  const href = httpUrlOf(action?.['href']);
  const header = headerOf(action?.['header']);
  if (action === undefined || href === undefined || header === undefined) return undefined;
  return { href, header, expiresAt: expiryOf(action, receivedAt) };
}

/** undefined = no http or https address. User info in it is dropped: what signs in comes as a header. */
export function httpUrlOf(value: unknown): URL | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  url.username = '';
  url.password = '';
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}

/** Names and values that may stand in an HTTP head, and none that are about the connection. undefined = cannot be read. */
export function headerOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (isAbsent(value)) return {};
  const given = record(value);
  if (given === undefined) return undefined;
  const header: Record<string, string> = {};
  for (const [name, text] of Object.entries(given)) {
    if (typeof text !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(text))
      return undefined;
    if (!ofConnection.has(name.toLowerCase())) header[name.toLowerCase()] = text;
  }
  return header;
}

const ofConnection: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'accept-encoding'],
  ...['proxy-authorization', 'proxy-connection'],
]);

/** `expires_in` (seconds) wins over `expires_at`, as the specification says; what cannot be read, or is the zero time that some servers write, is none. */
export function expiryOf({ expires_in: seconds, expires_at: date }: Json, receivedAt: number): number | undefined {
  if (typeof seconds === 'number' && Number.isFinite(seconds) && seconds !== 0) return receivedAt + seconds * 1000;
  const at = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  return Number.isNaN(at) || at <= 0 ? undefined : at;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function record(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}
