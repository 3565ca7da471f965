/** Takes a call's parameters from the query and from a JSON or form body alike, as GitLab does. */
import { isWithinBounds } from '../../core/json-bounds.ts';
import type { BodyRefusal, RequestBodies } from '../../core/request-bodies.ts';
import { ApiError, badRequest } from './api-error.ts';
import { apiLimits } from './api-limits.ts';

export type Parameters = Readonly<Record<string, unknown>>;

export interface Reading {
  readonly query: URLSearchParams;
  readonly bodies: RequestBodies;
  /** Who calls: bodies of one caller take a part of the memory only. */
  readonly sender: number;
  /** Whether the call takes parameters. */
  readonly takesBody: boolean;
}

/** The body's parameters win over the query's. Refuses with 400, 408, 413, 415 or 503. */
export async function readParameters(request: Request, { query, ...reading }: Reading): Promise<Parameters> {
  const body = /^(GET|HEAD)$/.test(request.method) ? {} : await bodyParameters(request, reading);
  return { ...fromPairs([...query]), ...body };
}

async function bodyParameters(request: Request, { bodies, sender, takesBody }: Omit<Reading, 'query'>): Promise<Parameters> {
  const mediaType = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const isMultipart = mediaType === 'multipart/form-data';
  const maxBytes = !takesBody ? apiLimits.noBodyBytes : isMultipart ? apiLimits.multipartBytes : apiLimits.bodyBytes;
  const body = await bodies.read(request, { maxBytes, withinMs: apiLimits.bodyMs, sender });
  if (typeof body === 'string') throw refusalOf(body, maxBytes);
  try {
    const { bytes } = body;
    if (bytes.length === 0) return {};
    if (mediaType === '' || /^application\/([a-z0-9.+-]+\+)?json$/.test(mediaType)) return fromJson(bytes);
    if (mediaType === 'application/x-www-form-urlencoded') return fromForm(bytes);
    if (isMultipart) return await fromMultipart(bytes, request.headers.get('content-type') ?? '');
  } finally {
    body.release();
  }
  throw new ApiError(415, { as: 'error', message: "The provided content-type is not supported: use 'application/json' or a form." });
}

function refusalOf(refusal: BodyRefusal, maxBytes: number): ApiError {
  switch (refusal) {
    case 'too_large':
      return new ApiError(413, { as: 'error', message: `The request body is larger than ${maxBytes} bytes.` });
    case 'incomplete':
      return badRequest('the request body is not complete');
    case 'too_slow':
      return new ApiError(408, { message: '408 Request Timeout' });
    case 'busy':
      return new ApiError(503, { message: '503 Service Unavailable' }, { 'retry-after': '5' });
  }
}

function fromForm(bytes: Uint8Array): Parameters {
  const pairs = [...new URLSearchParams(new TextDecoder().decode(bytes))];
  if (pairs.length > apiLimits.json.marks) throw badRequest('the request body has too many parameters');
  return fromPairs(pairs);
}

function fromJson(bytes: Uint8Array): Parameters {
  if (!isWithinBounds(bytes, apiLimits.json)) throw badRequest('the request body has too many values, or nests them too deeply');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw badRequest('message body does not match declared format');
  }
  if (!isParameters(value)) throw badRequest('the request body must be a JSON object');
  return value;
}

function isParameters(value: unknown): value is Parameters {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function fromMultipart(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<Parameters> {
  try {
    return fromPairs([...(await new Response(bytes, { headers: { 'content-type': contentType } }).formData())]);
  } catch {
    throw badRequest('message body does not match declared format');
  }
}

/** `a[]=1&a[]=2` → `a: ['1', '2']`, `a[b]=1` → `a: {b: '1'}`; of a repeated plain name the last counts (Rack). A file is an object. */
function fromPairs(pairs: readonly (readonly [string, unknown])[]): Parameters {
  const values = new Map<string, unknown>();
  for (const [key, value] of pairs) {
    const plain = typeof value === 'string' ? value : {};
    const bracket = key.indexOf('[', 1);
    const name = bracket < 0 ? key : key.slice(0, bracket);
    const old = values.get(name);
    if (bracket < 0) values.set(name, plain);
    // Added to in place: with a copy for each pair, a megabyte of them would take minutes.
    else if (/^\[\d*\]$/.test(key.slice(bracket))) {
      if (Array.isArray(old)) old.push(plain);
      else values.set(name, [plain]);
    } else if (typeof old === 'object' && old !== null && !Array.isArray(old)) Object.assign(old, { [key.slice(bracket)]: plain });
    else values.set(name, { [key.slice(bracket)]: plain });
  }
  return Object.fromEntries(values);
}
