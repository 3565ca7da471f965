import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import type { Exchange, GitHttpServerOptions } from '../support/git-http-server.ts';
import { line, resultsOf, scenario } from '../support/scenario.ts';

const base = {
  parents: line,
  source: { 'heads/main': 'c3', 'heads/x': 'y', 'heads/new': 'x' },
  target: { 'heads/main': 'c1', 'heads/x': 'c2' },
} as const;
const before = { 'heads/main': 'c1', 'heads/x': 'c2' };
const after = { 'heads/main': 'c3', 'heads/x': 'y', 'heads/new': 'x' };

const isPush = ({ service, isRpc }: Exchange): boolean => isRpc && service === 'git-receive-pack';

describe('what really happened is told when the bytes had already left', () => {
  /** A server that passes the push on, waits for its end, and answers in its own way. */
  const afterwards = (answer: (exchange: Exchange) => void): Omit<GitHttpServerOptions, 'root'> => ({
    intercept: async (exchange) => {
      if (!isPush(exchange)) return false;
      const chunks: Buffer[] = [];
      for await (const chunk of exchange.request) chunks.push(chunk as Buffer);
      await passOn(exchange, Buffer.concat(chunks));
      answer(exchange);
      return true;
    },
  });
  let plainUrl = '';
  async function passOn({ request }: Exchange, body: Buffer): Promise<void> {
    const answer = await fetch(`${plainUrl}${request.url ?? ''}`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-type': 'application/x-git-receive-pack-request' },
    });
    await answer.arrayBuffer();
  }

  it.each([
    ['dies', ({ response }: Exchange) => void response.destroy()],
    ['answers 500', ({ response }: Exchange) => void response.writeHead(500).end()],
    [
      'answers without a report',
      ({ response }: Exchange) => void response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' }).end('0000'),
    ],
    [
      'answers with an empty body',
      ({ response }: Exchange) => void response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' }).end(),
    ],
    [
      'answers with nonsense',
      ({ response }: Exchange) => void response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' }).end('nonsense'),
    ],
    [
      'answers with a web page',
      ({ response }: Exchange) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>done</p>'),
    ],
  ])('a target that takes the pack and then %s: all moved', async (_name, answer) => {
    const { startGitHttpServer } = await import('../support/git-http-server.ts');
    const made = await scenario({ ...base, targetServer: afterwards(answer) });
    const plain = await startGitHttpServer({ root: join(made.folder, 't') });
    plainUrl = plain.origin;
    const run = await made.sync();
    await plain.close();
    expect(resultsOf(run)).toEqual(['created heads/new', 'forced heads/x', 'updated heads/main']);
    expect(run.outcome).not.toBe('failed');
    expect(await made.refs()).toEqual(after);
  });

  it('a target that dies after the commands: nothing moved', async () => {
    const made = await scenario({
      ...base,
      targetServer: {
        intercept: (exchange) => {
          if (!isPush(exchange)) return false;
          exchange.request.once('data', () => exchange.response.destroy());
          return true;
        },
      },
    });
    const run = await made.sync();
    expect([run.outcome, run.counts.rejected]).toEqual(['failed', 3]);
    expect(['connection_failed', 'report_missing']).toContain(run.error?.code);
    expect(await made.refs()).toEqual(before);
  });

  it('a target that cannot even be listed again: every ref is named as unknown', async () => {
    let dead = false;
    const made = await scenario({
      ...base,
      targetServer: {
        intercept: (exchange) => {
          if (isPush(exchange)) dead = true;
          if (dead) exchange.response.destroy();
          return dead;
        },
      },
    });
    const run = await made.sync();
    expect([run.outcome, run.error?.code, run.counts.rejected]).toEqual(['failed', 'connection_failed', 3]);
    expect(await made.refs()).toEqual(before);
  });
});

describe('a source whose pack is damaged leaves the target as it was', () => {
  /** Hands over the bytes of an answer and where the pack begins in them (negative: in an earlier piece), however it is cut; listings pass. */
  const ofPacks = (change: (bytes: Buffer, packAt: number) => Buffer) => {
    let begin: number | undefined;
    return (_service: string, chunk: Buffer, offset: number): Buffer => {
      if (offset === 0) begin = undefined;
      const found = chunk.indexOf('PACK');
      if (begin === undefined && found >= 0) begin = offset + found;
      return begin === undefined ? chunk : change(chunk, begin - offset);
    };
  };
  const flip = (bytes: Buffer, packAt: number): Buffer => {
    const changed = Buffer.from(bytes);
    const at = packAt + 20;
    if (at >= 0 && at < changed.length) changed[at] = (changed[at] ?? 0) ^ 0xff;
    return changed;
  };

  it.each([
    ['has a wrong byte', { transformAnswer: ofPacks(flip) }, 'pack_corrupt'],
    ['is cut in the middle', { cutAnswerAfter: { service: 'git-upload-pack', bytes: 400 } }, 'pack_truncated'],
    [
      'has another signature',
      { transformAnswer: ofPacks((bytes) => Buffer.from(bytes.toString('latin1').replace('PACK', 'PUCK'), 'latin1')) },
      'pack_corrupt',
    ],
    [
      'ends with the connection closed properly',
      { transformAnswer: ofPacks((bytes, packAt) => bytes.subarray(0, Math.max(0, packAt + 30))) },
      'pack_truncated',
    ],
  ] as const)('%s', async (_name, sourceServer, code) => {
    const made = await scenario({ ...base, sourceServer });
    const run = await made.sync();
    expect([run.outcome, run.error?.code, run.counts.rejected]).toEqual(['failed', code, 3]);
    expect(await made.refs()).toEqual(before);
    // Nothing half-written stays behind either.
    expect(await git(made.target, ['count-objects', '-v']).then((text) => /garbage: (\d+)/.exec(text)?.[1])).toBe('0');
  });

  it('has bytes behind its end: what happened is told', async () => {
    const made = await scenario({
      ...base,
      sourceServer: {
        transformAnswer: (_service, chunk) =>
          chunk.toString('latin1').endsWith('0000') && !chunk.includes('refs/') ? Buffer.concat([chunk, Buffer.from('garbage')]) : chunk,
      },
    });
    const run = await made.sync();
    const refs = await made.refs();
    const moved = new Set(['created', 'updated', 'forced']);
    for (const { ref, result } of run.refs) {
      const short = ref.replace('refs/', '') as keyof typeof after;
      expect(refs[short]).toBe(moved.has(result) ? after[short] : (before as Record<string, string>)[short]);
    }
    expect(run.outcome).not.toBe('success');
  });
});
