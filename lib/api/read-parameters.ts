/** Takes a call's parameters from the query and from a JSON or form body alike, as GitLab does. */
import { ApiError, badParameter } from './api-error.ts';

export type Parameters = Readonly<Record<string, unknown>>;

/** Nothing that a call takes comes near this. */
const maxBodyBytes = 1024 * 1024;

/** The body's parameters win over the query's. Refuses with 400, 413 or 415. */
export async function readParameters(request: Request, query: URLSearchParams): Promise<Parameters> {
  const body = /^(GET|HEAD)$/.test(request.method) ? {} : await bodyParameters(request);
  return { ...fromPairs([...query]), ...body };
}

async function bodyParameters(request: Request): Promise<Parameters> {
  const bytes = await boundedBody(request);
  if (bytes.length === 0) return {};
  const contentType = request.headers.get('content-type') ?? '';
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (/^application\/([a-z0-9.+-]+\+)?json$/.test(mediaType)) return fromJson(bytes);
  if (mediaType === 'application/x-www-form-urlencoded') return fromPairs([...new URLSearchParams(new TextDecoder().decode(bytes))]);
  if (mediaType === 'multipart/form-data') return fromMultipart(bytes, contentType);
  if (mediaType === '') return fromJson(bytes);
  throw new ApiError(415, { error: "The provided content-type is not supported: use 'application/json' or a form." });
}

async function boundedBody(request: Request): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = new ApiError(413, { error: `The request body is larger than ${maxBodyBytes} bytes.` });
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > maxBodyBytes) throw tooLarge;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function fromJson(bytes: Uint8Array): Parameters {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw badParameter('message body does not match declared format');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badParameter('the request body must be a JSON object');
  return value as Parameters;
}

async function fromMultipart(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<Parameters> {
  try {
    return fromPairs([...(await new Response(bytes, { headers: { 'content-type': contentType } }).formData())]);
  } catch {
    throw badParameter('message body does not match declared format');
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
