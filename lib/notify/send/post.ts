/** A POST of JSON through the guarded client, and what its answer means. */
import type { Deadline } from '../../core/deadline.ts';
import { printable } from '../../core/printable.ts';
import type { HttpClient } from '../../net/http-client.ts';
import { notifyLimits } from '../notify-limits.ts';
import type { ChannelAnswer } from './message.ts';

export interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Redirects are refused: a signed message goes where it was addressed to. Rejects with failures of the network, by code. */
export async function post(url: URL, { headers, body }: Post, { signal }: Deadline, http: HttpClient): Promise<ChannelAnswer> {
  const response = await http.request({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', 'user-agent': 'gitferry', ...headers },
    body: Buffer.from(body),
    signal,
    headersMs: notifyLimits.attemptMs,
    silenceMs: notifyLimits.attemptMs,
  });
  const { status } = response;
  const words = await beginningOf(response.body);
  const seconds = Number(response.headers['retry-after'] ?? '');
  return {
    ok: status >= 200 && status < 300,
    words: `HTTP ${status}${words === '' ? '' : `: ${words}`}`,
    ...(Number.isInteger(seconds) && seconds > 0 ? { retryAfterSeconds: seconds } : {}),
    // Standard Webhooks: 410 asks to send nothing more.
    ...(status === 410 ? { isFinal: true } : {}),
  };
}

async function beginningOf(body: AsyncIterable<unknown> & { destroy(): unknown }): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += (chunk as Buffer).length;
      chunks.push(chunk as Buffer);
      if (bytes >= notifyLimits.answerBytes) break;
    }
  } catch {
    // The status is the answer; its words are an extra.
  }
  body.destroy();
  return printable(Buffer.concat(chunks).subarray(0, notifyLimits.answerBytes).toString('utf8')).replace(/\s+/g, ' ').trim();
}
