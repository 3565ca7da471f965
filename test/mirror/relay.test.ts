import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { ReceivePack } from '../../lib/git/client/push-pack.ts';
import { UploadPack } from '../../lib/git/client/upload-pack.ts';
import { relay } from '../../lib/mirror/relay.ts';
import { git } from '../support/git.ts';
import type { GitHttpServerOptions } from '../support/git-http-server.ts';
import { transportTo } from '../support/http-transport.ts';
import { line, scenario } from '../support/scenario.ts';

type Server = Partial<GitHttpServerOptions>;

/** Takes a chunk of each push every 20 ms. */
const slowTarget: Server = {
  intercept({ request, isRpc, service }) {
    if (!isRpc || service !== 'git-receive-pack') return false;
    const timer = setInterval(() => request.read(16_384), 20);
    request.on('close', () => clearInterval(timer));
    return true;
  },
};

it.each<[string, Server, Server, 'source' | 'target']>([
  ['source', { answerBytesPerSecond: 20_000 }, {}, 'source'],
  ['target', {}, slowTarget, 'target'],
])('ends a pack that the %s moves too slowly, and says so of that side', async (_, sourceServer, targetServer, end) => {
  const made = await scenario({ parents: line, source: { 'heads/main': 'c1' }, target: {}, sourceServer, targetServer });
  const content = randomBytes(20_000_000);
  const commit = `commit refs/heads/main\ncommitter T <t@example.org> 1700000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\nM 100644 inline big.bin\ndata ${content.length}\n`;
  await git(made.source, ['fast-import', '--quiet'], { input: Buffer.concat([Buffer.from(commit), content, Buffer.from('\n')]) });
  const value = await git(made.source, ['rev-parse', 'main']);
  const deadline = createDeadline(60_000);
  onTestFinished(() => deadline.clear());
  const result = await relay(
    {
      source: await UploadPack.open(transportTo(made.sourceUrl, { deadline })),
      target: await ReceivePack.open(transportTo(made.targetUrl, { deadline })),
      commands: [{ ref: 'refs/heads/main', old: null, new: value }],
      haves: [],
      thinPack: false,
    },
    { deadline, onBytes: () => {}, onPackSent: () => {}, leastRate: { bytes: 5_000_000, inMs: 2_000 } },
  );
  expect(result).toMatchObject({ kind: 'broken', end, error: { code: 'timed_out' } });
});
