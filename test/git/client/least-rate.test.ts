import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { atLeast, LeastRate } from '../../../lib/git/client/least-rate.ts';
import { transportTo } from '../../support/http-transport.ts';

const rate = { bytes: 100, inMs: 1_000 };

/** Chunks of so many bytes; each comes so long after it was asked for, and is kept by its reader for so long. */
it.each([
  ['a byte every 300 ms', [1, 1, 1, 1, 1], 300, 0, 'timed_out'],
  ['a hundred bytes at once, then one every 600 ms', [100, 1, 1, 1, 1], 600, 0, 'timed_out'],
  ['all of it before a window is over', [1, 1, 1, 1], 300, 0, 'whole'],
  ['enough in each window', [50, 50, 50, 50, 50], 300, 0, 'whole'],
  ['a reader that takes its time', [1, 1, 1, 1, 1], 1, 60_000, 'whole'],
  ['a late beginning', [1], 60_000, 0, 'whole'],
] as const)('of %s', async (_, chunks, comesAfter, keptFor, expected) => {
  let now = 0;
  async function* bytes() {
    for (const length of chunks) {
      now += comesAfter;
      yield new Uint8Array(length);
    }
  }
  const read = async () => {
    let length = 0;
    for await (const chunk of atLeast(bytes(), new LeastRate(rate, 'the pack'), () => now)) {
      length += chunk.length;
      now += keptFor;
    }
    return length === chunks.reduce((sum: number, each) => sum + each, 0) ? 'whole' : 'cut';
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
  await expect(read()).rejects.toMatchObject({ code: 'timed_out', message: expect.stringContaining('bytes of a list moved in') });
  await expect.poll(() => isEnded).toBe(true);
});
