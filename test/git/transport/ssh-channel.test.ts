import { Duplex, PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChannelStream, SshChannel } from '../../../lib/git/transport/ssh-channel.ts';

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
