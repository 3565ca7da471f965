/** A target that refuses a push before it has read it, and then reads no more of that connection: the run goes on over another one. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import { expect, it, onTestFinished } from 'vitest';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { git } from '../support/git.ts';
import type { GitHttpServerOptions } from '../support/git-http-server.ts';
import { line, type Scenario, scenario } from '../support/scenario.ts';
import { syncEnds } from '../support/ssh-sync.ts';
import { startSshTestServer } from '../support/ssh-test-server.ts';

const refusal = Buffer.concat([
  encodePkt('unpack pack exceeds maximum allowed size (1.00 MiB)\n'),
  encodePkt('ng refs/heads/main unpacker error\n'),
  flushPkt,
]);
/** As the only message of sideband 1. */
const report = Buffer.concat([encodePkt(Buffer.concat([Buffer.from([1]), refusal])), flushPkt]);
const advertisement = Buffer.concat([
  encodePkt(`${'0'.repeat(40)} capabilities^{}\0report-status side-band-64k ofs-delta delete-refs agent=git/2.39.5\n`),
  flushPkt,
]);

/** main with a file of 1.5 MB at the source, nothing at the target. */
async function withLargePack(targetServer: Omit<GitHttpServerOptions, 'root'> = {}): Promise<Scenario> {
  const made = await scenario({ parents: line, source: { 'heads/main': 'c1' }, target: {}, targetServer });
  const content = randomBytes(1_500_000);
  const commit = `commit refs/heads/main\ncommitter T <t@example.org> 1700000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\nM 100644 inline big.bin\ndata ${content.length}\n`;
  await git(made.source, ['fast-import', '--quiet'], { input: Buffer.concat([Buffer.from(commit), content, Buffer.from('\n')]) });
  return made;
}

function expectWordsTold(outcome: RunOutcome): void {
  expect(outcome.error?.code).toBe('push_too_large');
  expect(outcome.refs).toMatchObject([{ ref: 'refs/heads/main', result: 'rejected', reason: expect.stringContaining('1.00 MiB') }]);
  expect(outcome.refs[0]?.reason).not.toContain('not verified');
}

it('over HTTP is listed again at once, and its words are told', async () => {
  let pushes = 0;
  const made = await withLargePack({
    intercept({ request, response, service, isRpc }) {
      if (!isRpc || service !== 'git-receive-pack') return false;
      pushes++;
      request.once('data', () => {
        request.pause();
        response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' });
        response.end(report);
      });
      return true;
    },
  });
  const outcome = await made.sync();
  expect(pushes).toBeGreaterThan(0);
  expectWordsTold(outcome);
});

it('over SSH is listed again at once, and its words are told', async () => {
  let pushes = 0;
  const ssh = await startSshTestServer({
    methods: ['none'],
    answers: {
      command: 'git-receive-pack',
      answer(channel) {
        channel.write(advertisement);
        channel.once('data', (bytes: Buffer) => {
          // A list alone ends with a flush.
          if (bytes.length <= flushPkt.length) return void channel.end();
          pushes++;
          channel.write(report);
          channel.exit(1);
          channel.close();
          // When the report is on its way, nothing of this connection is read any more.
          setTimeout(() => socketOf(channel).pause(), 100);
        });
      },
    },
  });
  onTestFinished(ssh.close);
  const made = await withLargePack();
  const outcome = await syncEnds({ url: made.sourceUrl }, { url: ssh.url('/mirror.git'), hostKeys: ssh.hostKeys });
  expect(pushes).toBeGreaterThan(0);
  expectWordsTold(outcome);
});

function socketOf(channel: ServerChannel): Socket {
  return (channel as unknown as { _client: { _sock: Socket } })._client._sock;
}
