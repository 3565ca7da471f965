import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { onWithdrawal, RequestWithdrawn, untilWithdrawn } from '../../../lib/git/transport/request-withdrawn.ts';
import { readAll } from '../../support/byte-streams.ts';

type Ending = 'end' | 'withdrawal' | 'error';
const failure = new Error('the source is gone');

async function* ending(pieces: readonly Uint8Array[], how: Ending): AsyncGenerator<Uint8Array> {
  yield* pieces;
  if (how === 'withdrawal') throw new RequestWithdrawn('later');
  if (how === 'error') throw failure;
}

const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });

describe('a stream that may be withdrawn', () => {
  it('passes on all that came before, whatever ends it, and says what that was', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.constantFrom<Ending>('end', 'withdrawal', 'error'), async (given, how) => {
        const stream = untilWithdrawn(ending(given, how));
        const taken: Uint8Array[] = [];
        const reading = (async () => {
          for await (const piece of stream) taken.push(piece);
        })();
        if (how === 'error') await expect(reading).rejects.toBe(failure);
        else await reading;
        expect(taken).toEqual(given);
        expect(stream.state).toBe({ end: 'whole', withdrawal: 'withdrawn', error: 'open' }[how]);
      }),
    );
  });

  it('stays ended where it was withdrawn', async () => {
    const stream = untilWithdrawn(ending([Buffer.from('a')], 'withdrawal'));
    expect((await readAll(stream)).toString()).toBe('a');
    expect(await stream[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });

  it('ends the stream below when its reader leaves, and is not whole then', async () => {
    let isEnded = false;
    const stream = untilWithdrawn(
      (async function* () {
        try {
          for (;;) yield Buffer.from('x');
        } finally {
          isEnded = true;
        }
      })(),
    );
    for await (const _ of stream) break;
    expect(isEnded).toBe(true);
    expect(stream.state).toBe('open');
  });

  it('ends the stream below at once, also while somebody waits for its next bytes', async () => {
    let wake = (): void => {};
    const below: AsyncIterator<Uint8Array> = {
      next: () =>
        new Promise((resolve) => {
          wake = () => resolve({ done: true, value: undefined });
        }),
      async return() {
        wake();
        return { done: true, value: undefined };
      },
    };
    const iterator = untilWithdrawn({ [Symbol.asyncIterator]: () => below })[Symbol.asyncIterator]();
    const waiting = iterator.next();
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});

describe('the watch over a withdrawal', () => {
  it.each(['before', 'while'])('calls once, with the reason, when it comes %s somebody watches', (when) => {
    const controller = new AbortController();
    const reasons: unknown[] = [];
    if (when === 'before') controller.abort(failure);
    onWithdrawal(controller.signal, (reason) => reasons.push(reason));
    controller.abort(failure);
    controller.abort('again');
    expect(reasons).toEqual([failure]);
  });

  it('is over when it is ended, and does nothing without a signal', () => {
    const controller = new AbortController();
    const reasons: unknown[] = [];
    onWithdrawal(controller.signal, (reason) => reasons.push(reason))();
    onWithdrawal(undefined, (reason) => reasons.push(reason))();
    controller.abort(failure);
    expect(reasons).toEqual([]);
  });
});
