import { Duplex, Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SshChannel } from '../../../../lib/git/transport/ssh/ssh-channel.ts';
import { SshOutput } from '../../../../lib/git/transport/ssh/ssh-output.ts';
import { encodePkt, flushPkt } from '../../../../lib/git/wire/pkt-line.ts';
import { codeOf, cut, pieceSizes, readAll, settled } from '../../../support/byte-streams.ts';
import { hostile } from '../../../support/wire-arbitraries.ts';

/** What ssh2 gives for a command that writes these bytes in pieces, and then ends unless it is to be silent. */
function outputOf(bytes: Uint8Array, sizes?: readonly number[], { silent = false } = {}): SshOutput {
  const pieces = [...cutNow(bytes, sizes)];
  const stream = new Duplex({
    read() {
      const piece = pieces.shift();
      if (piece !== undefined) this.push(piece);
      else if (!silent) this.push(null);
    },
    write: (_chunk, _encoding, done) => done(),
  });
  const command = Object.assign(stream, { stderr: Readable.from([]), close: () => void stream.destroy() });
  const socket = { writableLength: 0, once: () => {}, off: () => {} };
  return new SshOutput(new SshChannel(command, { socket: socket as never, failure: () => undefined }), 'ssh://host/r');
}

function* cutNow(bytes: Uint8Array, sizes: readonly number[] = [Math.max(1, bytes.length)]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    if (size > 0) yield bytes.subarray(at, at + size);
    at += size;
  }
}

const packets = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map(encodePkt),
      fc.constantFrom('0001', '0002').map((mark) => Buffer.from(mark)),
    ),
    {
      maxLength: 8,
    },
  )
  .map((parts) => Buffer.concat([...parts, flushPkt]));

describe('the output of a command', () => {
  it('is cut into the same answers at the flush packets, however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(packets, { minLength: 1, maxLength: 4 }), pieceSizes, fc.boolean(), async (answers, sizes, peeks) => {
        const output = outputOf(Buffer.concat(answers), sizes);
        for (const [index, answer] of answers.entries()) {
          if (peeks) expect((await output.peek(4, 0)).subarray(0, 4)).toEqual(answer.subarray(0, 4));
          let told = 0;
          const read = await readAll(
            output.untilFlush(0, (isClean) => {
              told++;
              if (index === answers.length - 1) expect(isClean).toBe(true);
            }),
          );
          expect(read).toEqual(answer);
          expect(told).toBe(1);
        }
        expect(await readAll(output.untilEnd(0))).toHaveLength(0);
      }),
    );
  });

  it('is read to its end, whatever it is, in the pieces it comes in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5_000 }), pieceSizes, async (bytes, sizes) => {
        expect(await readAll(outputOf(bytes, sizes).untilEnd(0))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('that is no packets ends, is cut at a flush packet or is a protocol error, and the same in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(hostile(packets), pieceSizes, async (bytes, sizes) => {
        const whole = await settled(readAll(outputOf(bytes).untilFlush(0, () => {})));
        const inPieces = await settled(readAll(outputOf(bytes, sizes).untilFlush(0, () => {})));
        if ('code' in whole) expect(whole.code).toBe('protocol_error');
        expect(inPieces).toEqual(whole);
      }),
    );
  });

  it('says whether something came behind the flush packet, and keeps it', async () => {
    const output = outputOf(Buffer.from('0000rest'));
    let clean: boolean | undefined;
    expect(await readAll(output.untilFlush(0, (isClean) => (clean = isClean)))).toEqual(flushPkt);
    expect(clean).toBe(false);
    expect((await readAll(output.untilEnd(0))).toString()).toBe('rest');
  });

  it('that stays away is timed out, for who peeks and who reads', async () => {
    expect(await codeOf(outputOf(Buffer.from('00'), undefined, { silent: true }).peek(4, 20))).toBe('timed_out');
    expect(await codeOf(readAll(outputOf(Buffer.from('0010'), undefined, { silent: true }).untilFlush(20, () => {})))).toBe('timed_out');
  });

  it('that is destroyed ends for who waits, and tells nobody of a flush packet', async () => {
    const output = outputOf(Buffer.from('0010'), undefined, { silent: true });
    const answer = output.untilFlush(0, () => expect.unreachable());
    const reading = readAll(answer);
    setImmediate(() => answer.destroy());
    await reading;
    answer.destroy();
    expect(await readAll(cut((await output.peek(1, 0)).subarray(0)))).toHaveLength(0);
  });
});
