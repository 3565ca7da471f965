/** A target that refuses a push before it has read it, and then reads no more of that connection: the run goes on over another one. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { git } from '../support/git.ts';
import { line, scenario } from '../support/scenario.ts';

it('is listed again at once, and its words are told', async () => {
  let pushes = 0;
  const made = await scenario({
    parents: line,
    source: { 'heads/main': 'c1' },
    target: {},
    targetServer: {
      intercept({ request, response, service, isRpc }) {
        if (!isRpc || service !== 'git-receive-pack') return false;
        pushes++;
        request.once('data', () => {
          request.pause();
          const report = [
            encodePkt('unpack pack exceeds maximum allowed size (1.00 MiB)\n'),
            encodePkt('ng refs/heads/main unpacker error\n'),
            flushPkt,
          ];
          response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' });
          response.end(Buffer.concat([encodePkt(Buffer.concat([Buffer.from([1]), ...report])), flushPkt]));
        });
        return true;
      },
    },
  });
  const content = randomBytes(1_500_000);
  const commit = `commit refs/heads/main\ncommitter T <t@example.org> 1700000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\nM 100644 inline big.bin\ndata ${content.length}\n`;
  await git(made.source, ['fast-import', '--quiet'], { input: Buffer.concat([Buffer.from(commit), content, Buffer.from('\n')]) });
  const outcome = await made.sync();
  expect(pushes).toBeGreaterThan(0);
  expect(outcome.error?.code).toBe('push_too_large');
  expect(outcome.refs).toMatchObject([{ ref: 'refs/heads/main', result: 'rejected', reason: expect.stringContaining('1.00 MiB') }]);
  expect(outcome.refs[0]?.reason).not.toContain('not verified');
});
