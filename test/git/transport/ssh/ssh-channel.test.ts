import { Duplex, PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../../lib/core/limits.ts';
import { type ChannelStream, SshChannel } from '../../../../lib/git/transport/ssh/ssh-channel.ts';

const packetBytes = 32 * 1024;

/** A channel whose other side takes all, and remembers in which pieces it came. */
function makeChannel() {
  const pieces: Buffer[] = [];
  const corks: number[] = [];
  let corked = 0;
  const stream = new Duplex({
    read() {},
    write(piece: Buffer, _, done) {
      pieces.push(piece);
      corks.push(corked);
      done();
    },
  }) as ChannelStream;
  Object.assign(stream, { stderr: new PassThrough(), close: () => stream.destroy() });
  const listen = (): never => undefined as never;
  const socket = { writableLength: 0, once: listen, off: listen, cork: () => corked++, uncork: () => corked-- };
  const channel = new SshChannel(stream, { socket, failure: () => undefined });
  return { channel, stream, pieces, corks, corked: () => corked };
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('what is written to a command over SSH', () => {
  it('leaves in whole packets and in order, the rest at the end of the turn', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(40_000), { maxLength: 20 }), async (sizes) => {
        const { channel, pieces, corked } = makeChannel();
        const written = sizes.map((size, index) => Buffer.alloc(size, `${index} `));
        for (const piece of written) await channel.write(piece);
        expect(pieces.every(({ length }) => length % packetBytes === 0)).toBe(true);
        await endOfTurn();
        expect(Buffer.concat(pieces).equals(Buffer.concat(written))).toBe(true);
        expect(pieces.filter(({ length }) => length % packetBytes !== 0).length).toBeLessThanOrEqual(1);
        await endOfTurn();
        expect(corked()).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('reaches the socket while that is corked, so that packets of a turn go out together', async () => {
    const { channel, corks } = makeChannel();
    for (let index = 0; index < 4; index++) await channel.write(Buffer.alloc(packetBytes));
    await endOfTurn();
    expect(corks).toEqual([1, 2, 3, 4]);
  });

  it('leaves before the end of the input', async () => {
    const { channel, stream, pieces } = makeChannel();
    await channel.write(Buffer.from('the last '));
    await channel.write(Buffer.from('words'));
    channel.finish();
    expect(Buffer.concat(pieces).toString()).toBe('the last words');
    expect(stream.writableEnded).toBe(true);
  });

  it('does not leave any more once the command is ended', async () => {
    const { channel, pieces } = makeChannel();
    await channel.write(Buffer.from('too late'));
    channel.destroy();
    await endOfTurn();
    expect(pieces).toEqual([]);
    await expect(channel.write(Buffer.from('later still'))).rejects.toMatchObject({ code: 'connection_failed' });
  });
});

describe('what a command over SSH says', () => {
  it('is kept up to 256 KB while nobody reads, the rest waits at the server, and all of it arrives in order', async () => {
    const { channel, stream } = makeChannel();
    const pieces = Array.from({ length: 16 }, (_, index) => Buffer.alloc(packetBytes, `${index} `));
    for (const piece of pieces) stream.push(piece);
    stream.push(null);
    await endOfTurn();
    expect(stream.isPaused()).toBe(true);
    expect(stream.readableLength).toBe(16 * packetBytes - 256 * 1024);
    const read: Uint8Array[] = [];
    for (let piece = await channel.read(); piece !== undefined; piece = await channel.read()) {
      read.push(piece);
      await endOfTurn();
      expect(stream.readableLength).toBe(Math.max(16 - read.length - limits.sshQueueBytes / packetBytes, 0) * packetBytes);
    }
    expect(Buffer.concat(read).equals(Buffer.concat(pieces))).toBe(true);
  });

  it.each([
    ['one piece', 9_000],
    ['many pieces', 500],
  ])('on standard error is kept to its first 8 KB, of %s', async (_, size) => {
    const { channel, stream } = makeChannel();
    const all = Buffer.from(`${'kept'.padStart(8 * 1024)}, and this is not`);
    for (let from = 0; from < all.length; from += size) stream.stderr.push(all.subarray(from, from + size));
    await endOfTurn();
    expect(channel.words).toBe('kept');
  });
});
