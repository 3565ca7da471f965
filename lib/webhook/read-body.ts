/** Reads a request's body up to a limit, and refuses what is longer instead of cutting it. */

/** `too_large` by its stated or real length; `incomplete` if the sender broke off. Never throws. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | 'too_large' | 'incomplete'> {
  const stated = request.headers.get('content-length');
  if (stated !== null && Number(stated) > maxBytes) return 'too_large';
  try {
    // HTTP holds a sender to the length that he stated.
    const body = stated === null ? await readStream(request, maxBytes) : new Uint8Array(await request.arrayBuffer());
    return body === undefined || body.length > maxBytes ? 'too_large' : body;
  } catch {
    return 'incomplete';
  }
}

/** undefined = longer than the limit; the rest is not read. */
async function readStream({ body }: Request, maxBytes: number): Promise<Uint8Array | undefined> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
