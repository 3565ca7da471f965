import { describe, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import type { IncomingPack } from '../../lib/git/pack/incoming-pack.ts';
import { FetchAhead } from '../../lib/mirror/fetch-ahead.ts';

const longMs = 60_000;

function makePack() {
  const pack = {
    objects: 0,
    bytes: (async function* () {})(),
    cancelled: 0,
    async cancel() {
      pack.cancelled++;
    },
  } satisfies IncomingPack & { cancelled: number };
  return pack;
}

/** Lets what is settled already be told to everybody. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a pack that is fetched ahead', () => {
  it('is given to who takes it, and stays open', async () => {
    const pack = makePack();
    const ahead = new FetchAhead(Promise.resolve(pack), 1);
    expect(await ahead.take()).toBe(pack);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(pack.cancelled).toBe(0);
  });

  it('is ended when it is dropped, also before it has begun', async () => {
    const early = makePack();
    new FetchAhead(Promise.resolve(early), longMs).drop();
    let begin = (_: IncomingPack): void => {};
    const late = makePack();
    const ahead = new FetchAhead(new Promise((resolve) => (begin = resolve)), longMs);
    const taken = ahead.take();
    ahead.drop();
    begin(late);
    expect(await taken).toBeUndefined();
    await settled();
    expect([early.cancelled, late.cancelled]).toEqual([1, 1]);
  });

  it('is ended when nobody takes it in time, and is to be asked for anew', async () => {
    const pack = makePack();
    const ahead = new FetchAhead(Promise.resolve(pack), 1);
    await expect.poll(() => pack.cancelled).toBe(1);
    expect(await ahead.take()).toBeUndefined();
  });

  it('tells its failure to who takes it, and to nobody where it is dropped', async () => {
    const failing = (): Promise<never> => Promise.reject(new GitferryError('remote_error'));
    await expect(new FetchAhead(failing(), longMs).take()).rejects.toMatchObject({ code: 'remote_error' });
    new FetchAhead(failing(), longMs).drop();
    await settled();
  });

  it('is nothing where nothing is needed', async () => {
    expect(await new FetchAhead(Promise.resolve(undefined), longMs).take()).toBeUndefined();
  });
});
