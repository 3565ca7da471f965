import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../../lib/core/deadline.ts';
import { limits } from '../../../lib/core/limits.ts';
import { ListMemory, listBytesFor } from '../../../lib/git/client/list-memory.ts';
import { ReceivePack } from '../../../lib/git/client/push-pack.ts';
import { UploadPack } from '../../../lib/git/client/upload-pack.ts';
import { encodePkt, flushPkt } from '../../../lib/git/wire/pkt-line.ts';
import { codeOf } from '../../support/byte-streams.ts';
import { transportTo } from '../../support/http-transport.ts';
import { startHostileServer } from '../../torture/hostile-server.ts';

const oid = '1'.repeat(40);
const lineBytes = 80;
const lineCost = limits.listBytesPerRef + limits.listBytesPerByte * lineBytes;

function countLines(count: (lineBytes: number) => void, lines: number): void {
  for (let line = 0; line < lines; line++) count(lineBytes);
}

describe('the memory that a function has for lists', () => {
  it.each<[number | undefined, number, boolean]>([
    [undefined, 1_000_000, true],
    [256, 100_000, true],
    [256, 500_000, false],
    [128, 20_000, true],
    [1024, 500_000, true],
  ])('%s MB: room for %i short lines is %s', (memoryMiB, lines, fits) => {
    const bytes = listBytesFor(memoryMiB) ?? Number.POSITIVE_INFINITY;
    expect(lines * lineCost <= bytes).toBe(fits);
  });
});

describe('the lists of a run', () => {
  it('share their memory, and one that begins anew has given its own back', () => {
    const memory = new ListMemory(10 * lineCost).open();
    const [source, target] = [memory.share(), memory.share()];
    countLines(source.begin(), 5);
    countLines(target.begin(), 5);
    countLines(target.begin(), 5);
    expect(() => countLines(source.begin(), 6)).toThrow(expect.objectContaining({ code: 'advertisement_too_large' }));
  });

  it('are limited by the length of their lines as well as by their number', () => {
    const count = new ListMemory(10 * lineCost).open().share().begin();
    expect(() => count(10 * lineBytes)).not.toThrow();
    expect(() => count(60 * lineBytes)).toThrow(expect.objectContaining({ code: 'advertisement_too_large' }));
  });

  it.each<['ls-refs of a source' | 'an advertisement of a target']>([['ls-refs of a source'], ['an advertisement of a target']])(
    'are counted in %s',
    async (which) => {
      const lines = Array.from({ length: 30 }, (_, index) => encodePkt(`${oid} refs/heads/${index}\n`));
      const server = await startHostileServer({
        'ls-refs': () => ({ body: [...lines, flushPkt] }),
        advertisement: (service) =>
          service === 'git-receive-pack' ? { body: [encodePkt(`${oid} refs/heads/a\0report-status\n`), ...lines, flushPkt] } : undefined,
      });
      const deadline = createDeadline(20_000);
      onTestFinished(async () => {
        deadline.clear();
        await server.close();
      });
      const list = async (maxBytes: number): Promise<unknown> => {
        const share = new ListMemory(maxBytes).open().share();
        const transport = transportTo(`${server.origin}/x.git`, { deadline });
        if (which === 'an advertisement of a target') return ReceivePack.open(transport, share);
        return (await UploadPack.open(transport, share)).listRefs(['refs/heads/']);
      };
      const most = 30 * lineCost;
      expect(await codeOf(list(most))).toBeUndefined();
      expect(await codeOf(list(most / 3))).toBe('advertisement_too_large');
    },
  );
});

describe('the lists of several runs in one process', () => {
  /** Lines that are more than any run is left. */
  const large = Math.ceil(limits.listKeptBytes / lineCost) + 1;
  const short = expect.objectContaining({ code: 'memory_short' });

  it('take no more together than one run may, whenever they begin, but for the little that each is left', () => {
    const memory = new ListMemory(4 * large * lineCost);
    const list = (): number => {
      const count = memory.open().share().begin();
      for (let line = 0; ; line++) {
        try {
          count(lineBytes);
        } catch {
          return line * lineCost;
        }
      }
    };
    const taken = Array.from({ length: 24 }, list).reduce((sum, bytes) => sum + bytes, 0);
    expect(taken).toBeLessThanOrEqual(4 * large * lineCost + 24 * limits.listKeptBytes);
  });

  it('end with a failure that is tried again where the others leave no room, unless they are small', () => {
    const memory = new ListMemory(3 * large * lineCost);
    countLines(memory.open().share().begin(), 3 * large);
    expect(() => countLines(memory.open().share().begin(), large - 2)).not.toThrow();
    expect(() => countLines(memory.open().share().begin(), large)).toThrow(short);
  });

  it('have the room of those that ended, whose late lines count no more', () => {
    const memory = new ListMemory(2 * large * lineCost);
    const first = memory.open();
    const late = first.share().begin();
    countLines(late, 2 * large);
    first.close();
    countLines(late, 2 * large);
    expect(() => countLines(memory.open().share().begin(), 2 * large)).not.toThrow();
  });
});
