import { randomBytes } from 'node:crypto';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { commitTo } from '../support/commit-to.ts';
import { git, refsOf } from '../support/git.ts';
import { line, resultsOf, scenario } from '../support/scenario.ts';

const base = {
  parents: line,
  source: { 'heads/main': 'c3', 'heads/x': 'y', 'heads/new': 'x' },
  target: { 'heads/main': 'c1', 'heads/x': 'c2' },
} as const;
const after = { 'heads/main': 'c3', 'heads/x': 'y', 'heads/new': 'x' };

describe('servers that can do less', () => {
  const withQuestions = {
    parents: line,
    source: { 'heads/main': 'c3', 'heads/ff': 'c3', 'heads/no': 'y', 'heads/re': 'c3' },
    target: { 'heads/main': 'c1', 'heads/ff': 'c2', 'heads/no': 'c3', 'heads/re': 'x', 'heads/pin': 'c1' },
  } as const;
  const results = ['diverged heads/no', 'diverged heads/re', 'kept heads/pin', 'updated heads/ff', 'updated heads/main'];

  it.each([
    ['no filter at all', { config: ['uploadpack.allowFilter=false'] }],
    ['a filter but not tree:0', { config: ['uploadpack.allowFilter=true', 'uploadpackfilter.tree.allow=false'] }],
    ['no filter and v0', { v0Only: true, config: ['uploadpack.allowFilter=false'] }],
  ])('a source with %s gives the same answers', async (_name, sourceServer) => {
    const made = await scenario({ ...withQuestions, sourceServer });
    expect(resultsOf(await made.sync('--keep-divergent-refs'))).toEqual(results);
    const deleting = await made.sync();
    expect(deleting.counts.deleted).toBe(1);
  });

  it.each([411, 501])('a target that refuses chunked requests with %i gets a long pack with its length', async (refuseChunked) => {
    const made = await scenario({ ...base, targetServer: { refuseChunked } });
    const { randomBytes } = await import('node:crypto');
    const path = join(made.folder, 'random');
    await writeFile(path, randomBytes(2_500_000));
    const blob = await git(made.source, ['hash-object', '-w', path]);
    await git(made.source, ['update-ref', 'refs/tags/large', blob]);
    await rm(path);
    const run = await made.sync();
    expect([run.outcome, run.counts.created]).toEqual(['success', 2]);
    const large = await git(made.target, ['rev-parse', 'refs/tags/large']);
    expect(large).toBe(blob);
    expect(await git(made.target, ['fsck', '--strict', '--no-dangling'])).toBe('');
    const sent = made.targetServer.log.filter(({ method, service }) => method === 'POST' && service === 'git-receive-pack');
    expect(sent.map(({ headers }) => headers['transfer-encoding'])).toEqual(['chunked', undefined]);
  });

  it('a target that indexes packs instead of unpacking them is no different', async () => {
    const made = await scenario(base);
    await appendFile(join(made.target, 'config'), '[receive]\n\tunpackLimit = 1\n');
    expect((await made.sync()).outcome).toBe('success');
    expect(await made.refs()).toEqual(after);
  });

  it('a target that cannot unpack a thin pack is sent a whole one', async () => {
    let pushes = 0;
    const asked: boolean[] = [];
    const made = await scenario({
      ...base,
      sourceServer: { onRequestBytes: (_service, chunk) => void (chunk.includes('ofs-delta') && asked.push(chunk.includes('thin-pack'))) },
      targetServer: {
        intercept: ({ request, response, service, isRpc }) => {
          if (!isRpc || service !== 'git-receive-pack' || ++pushes > 1) return false;
          request.resume();
          const report = Buffer.concat([encodePkt('unpack index-pack abnormal exit\n'), flushPkt]);
          response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' });
          response.end(Buffer.concat([encodePkt(Buffer.concat([Buffer.from([1]), report])), flushPkt]));
          return true;
        },
      },
    });
    const tip = await commitTo(made.source, { 'large.txt': randomBytes(1_200_000).toString('base64') });
    const run = await made.sync();
    // The first finds out that the pack is not small, the second is the look at LFS pointers; what follows asks how to call the results.
    expect([run.outcome, pushes, asked.slice(0, 4)]).toEqual(['success', 2, [false, false, true, false]]);
    expect((await refsOf(made.target))['refs/heads/main']).toBe(tip);
  });
});
