import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { atLeast, LeastRate } from '../../../lib/git/client/least-rate.ts';
import { transportTo } from '../../support/http-transport.ts';

const rate = { bytes: 100, inMs: 1_000 };

it.each([
  [
    'a byte every 3 s',
    [
      [0, 1],
      [3_000, 1],
    ],
    'timed_out',
  ],
  [
    'a hundred bytes at once, then one a second',
    [
      [0, 100],
      [1_000, 1],
      [2_000, 1],
    ],
    'timed_out',
  ],
  [
    'all within the first window',
    [
      [0, 1],
      [999, 1],
    ],
    'whole',
  ],
  [
    'enough in each window, however it is spread',
    [
      [0, 50],
      [999, 50],
      [1_000, 10],
      [2_500, 200],
    ],
    'whole',
  ],
  [
    'a late beginning: time counts from the first bytes',
    [
      [60_000, 1],
      [60_500, 1],
    ],
    'whole',
  ],
] as const)('of %s: %s comes out as %s', async (_, chunks, expected) => {
  let now = 0;
  const counted = new LeastRate(rate, 'the pack', () => now);
  async function* bytes() {
    for (const [at, length] of chunks) {
      now = at;
      yield new Uint8Array(length);
    }
  }
  const read = async () => {
    let length = 0;
    for await (const chunk of atLeast(bytes(), counted)) length += chunk.length;
    return length === chunks.reduce((sum, [, each]) => sum + each, 0) ? 'whole' : 'cut';
  };
  expect(await read().catch(({ code }: { code: string }) => code)).toBe(expected);
});

it('ends the request of a server that drips', async () => {
  let isEnded = false;
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/x-git-upload-pack-advertisement');
    response.write('0');
    const drip = setInterval(() => response.write('0'), 20);
    response.on('close', () => {
      isEnded = true;
      clearInterval(drip);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  const { advertisement } = await transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`).open('git-upload-pack', {
    protocol: 2,
  });
  const read = async () => {
    for await (const _ of atLeast(advertisement!, new LeastRate({ bytes: 100, inMs: 200 }, 'a list'))) {
      // Nothing to do with it.
    }
  };
  await expect(read()).rejects.toMatchObject({ code: 'timed_out', message: expect.stringContaining('of a list came in') });
  await expect.poll(() => isEnded).toBe(true);
});
