import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { limits } from '../../lib/core/limits.ts';
import { ask, type Told } from '../../lib/credentials/ask.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { noon } from '../support/mirrors.ts';

const secret = 'glpat-0123456789abcdefghijklmnop';

async function asked(answer: RequestListener): Promise<Told> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const http = createHttpClient(createAddressGuard(['127.0.0.0/8']));
  const deadline = createDeadline(10_000);
  onTestFinished(async () => {
    deadline.clear();
    await http.close();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/token`);
  return ask({ method: 'GET', url, headers: {}, secrets: [secret] }, { http, signal: deadline.signal, clock: { now: () => noon } });
}

it.each([0, 480, 490, 495, 499])(
  'A host that repeats the token %i characters into its words is not quoted with a part of it',
  async (before) => {
    const message = `${'x'.repeat(before)}${secret} and more`;
    const { words } = await asked((_, response) => response.writeHead(400).end(JSON.stringify({ message })));
    expect(words.length).toBeLessThanOrEqual(limits.refReasonCharacters);
    for (let length = 4; length <= secret.length; length++) expect(words).not.toContain(secret.slice(0, length));
  },
);

it.each([
  ['7', 7],
  [new Date(noon + 90_000).toUTCString(), 90],
  ['soon', undefined],
] as const)('Retry-After: %s is %s seconds', async (header, retryAfterSeconds) => {
  const answer = asked((_, response) => response.writeHead(429, { 'retry-after': header }).end());
  await expect(answer).rejects.toMatchObject({ code: 'rate_limited', ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
});

it('An answer without end is read to a limit', async () => {
  const answer = asked((_, response) => {
    response.on('error', () => {});
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  await expect(answer).rejects.toMatchObject({ code: 'protocol_error', message: expect.stringContaining('more than 1 MiB') });
});

it('A connection that is cut in the middle of an answer is connection_failed', async () => {
  const answer = asked((_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => response.destroy());
  });
  await expect(answer).rejects.toMatchObject({ code: 'connection_failed' });
});
