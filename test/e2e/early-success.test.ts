/** A target that reports success before it has the whole pack: it is listed again instead of believed. */
import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { ReceivePack } from '../../lib/git/client/push-pack.ts';
import { UploadPack } from '../../lib/git/client/upload-pack.ts';
import type { Oid } from '../../lib/git/object-id.ts';
import { createTransport } from '../../lib/git/transport/create-transport.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { relay } from '../../lib/mirror/relay.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { temporaryFolder } from '../support/git.ts';
import { started } from '../support/scenario.ts';
import { startSshTestServer } from '../support/ssh-test-server.ts';
import { drained } from '../torture/hostile-server.ts';

const refs = Buffer.concat([encodePkt(`${'0'.repeat(40)} capabilities^{}\0report-status side-band-64k agent=git/2.39.5\n`), flushPkt]);
const inner = Buffer.concat([encodePkt('unpack ok\n'), encodePkt('ok refs/heads/main\n'), flushPkt]);
const success = Buffer.concat([encodePkt(Buffer.concat([Buffer.from([1]), inner])), flushPkt]);

it.each(['HTTP', 'SSH'] as const)('Success in the middle of a push over %s is not believed', async (protocol) => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  let openAtSource = 0;
  const source = await started(folder.path, {
    async intercept({ request, response, service, isRpc }) {
      response.on('error', () => {});
      const answer = (kind: string, bytes: Buffer): true => {
        response.writeHead(200, { 'content-type': `application/x-${service}-${kind}` }).end(bytes);
        return true;
      };
      if (service === 'git-receive-pack') {
        const head = Buffer.concat([encodePkt('# service=git-receive-pack\n'), flushPkt]);
        return isRpc ? answer('result', success) : answer('advertisement', Buffer.concat([head, refs]));
      }
      if (!isRpc) {
        const lines = ['# service=git-upload-pack\n', undefined, 'version 2\n', 'ls-refs\n', 'fetch=filter\n', undefined];
        return answer('advertisement', Buffer.concat(lines.map((line) => (line === undefined ? flushPkt : encodePkt(line)))));
      }
      request.resume();
      openAtSource++;
      response.on('close', () => openAtSource--);
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
      response.write(Buffer.concat([encodePkt('packfile\n'), encodePkt(Buffer.from('\x01PACK\0\0\0\x02\0\0\0\x09', 'latin1'))]));
      const piece = encodePkt(Buffer.concat([Buffer.from([1]), randomBytes(60_000)]));
      while (!response.destroyed) if (!response.write(piece)) await drained(response);
      return true;
    },
  });
  const ssh = await startSshTestServer({
    methods: ['none'],
    answers: {
      command: 'git-receive-pack',
      answer(channel) {
        channel.on('error', () => {});
        channel.write(Buffer.concat([refs, success]));
        channel.exit(0);
        channel.end();
      },
    },
  });
  onTestFinished(ssh.close);
  const deadline = createDeadline(60_000);
  const guard = createAddressGuard(['127.0.0.0/8']);
  const http = createHttpClient(guard);
  onTestFinished(async () => {
    deadline.clear();
    await http.close();
  });
  const connect = (url: string, hostKeys: readonly string[] = []) =>
    createTransport({ url: parseRepositoryUrl(url, 'T').url, credential: undefined, hostKeys }, { http, guard, deadline });
  const target = protocol === 'HTTP' ? connect(source.url('x.git')) : connect(ssh.url('/x.git'), ssh.hostKeys);
  onTestFinished(() => target.close());
  const result = await relay(
    {
      source: await UploadPack.open(connect(source.url('repo.git'))),
      target: await ReceivePack.open(target),
      commands: [{ ref: 'refs/heads/main', old: null, new: '1'.repeat(40) as Oid }],
      haves: [],
      thinPack: true,
    },
    { deadline, onBytes: () => {}, onPackSent: () => {} },
  );
  expect(result).toMatchObject({ kind: 'broken', error: { code: 'protocol_error' } });
  await expect.poll(() => openAtSource).toBe(0);
});
