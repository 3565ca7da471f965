/** Reads an answer whole, to a limit: for answers that are small where nobody lies. */
import type { GitferryError } from '../core/errors.ts';
import type { HttpResponse } from './http-client.ts';
import { toNetworkError } from './network-error.ts';

export interface BodyRules {
  readonly mostBytes: number;
  /** What is thrown where there are more. */
  tooLarge(): GitferryError;
  /** For messages. */
  readonly host: string;
  readonly signal: AbortSignal;
}

/** The body is destroyed in any case. Throws what `tooLarge` gives, and failures of the network by code. */
export async function readBody(
  { body }: Pick<HttpResponse, 'body'>,
  { mostBytes, tooLarge, host, signal }: BodyRules,
): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > mostBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    throw toNetworkError(error, host, signal);
  } finally {
    body.destroy();
  }
  return Buffer.concat(chunks);
}
