/** Smart HTTP: what requests look like to a server. */
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UploadPack } from '../../../../lib/git/client/upload-pack.ts';
import { encodePkt, flushPkt } from '../../../../lib/git/wire/pkt-line.ts';
import { readAll } from '../../../support/byte-streams.ts';
import { startFaultServer } from '../../../support/fault-server.ts';
import { git, temporaryFolder } from '../../../support/git.ts';
import { startGitHttpServer } from '../../../support/git-http-server.ts';
import { forThisTest, transportTo } from '../../../support/http-transport.ts';

const advertised = { 'content-type': 'application/x-git-upload-pack-advertisement' };
const resulted = { 'content-type': 'application/x-git-upload-pack-result' };
const id = 'a'.repeat(40);
const v2 = Buffer.concat([encodePkt('version 2\n'), encodePkt('ls-refs=unborn\n'), flushPkt]);

describe('a long request', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder();
    await git(folder.path, ['init', '--quiet', '--bare', join(folder.path, 'r.git')]);
  });
  afterAll(() => folder.remove());

  /** Long enough to be compressed. */
  const prefixes = Array.from({ length: 100 }, (_, index) => `refs/heads/some-prefix-${index}/`);

  it('is compressed, and git reads it', async () => {
    const server = await forThisTest(startGitHttpServer({ root: folder.path }));
    const source = await UploadPack.open(transportTo(server.url('r.git')));
    expect((await source.listRefs(prefixes)).refs).toEqual([]);
    await source.listRefs(['refs/']);
    expect(server.log.map(({ headers }) => headers['content-encoding'])).toEqual([undefined, 'gzip', undefined]);
  });

  it('is sent once more as it is to a server that does not decompress', async () => {
    const bodies: Buffer[] = [];
    const server = await forThisTest(
      startFaultServer(async (request, response) => {
        if (request.method === 'GET') return response.writeHead(200, advertised).end(v2);
        bodies.push(await readAll(request));
        if (request.headers['content-encoding'] === 'gzip') return response.writeHead(415).end('what is this?');
        return response.writeHead(200, resulted).end('0000');
      }),
    );
    const source = await UploadPack.open(transportTo(`${server.origin}/r`));
    expect((await source.listRefs(prefixes)).refs).toEqual([]);
    expect(bodies).toHaveLength(2);
    expect(gunzipSync(bodies[0]!)).toEqual(bodies[1]);
  });

  it('to git-receive-pack is not compressed', async () => {
    const server = await forThisTest(startGitHttpServer({ root: folder.path }));
    const conversation = await transportTo(server.url('r.git')).open('git-receive-pack', { protocol: 0 });
    await readAll(conversation.advertisement!);
    const commands = prefixes.map((prefix) => encodePkt(`${id} ${'0'.repeat(40)} ${prefix}x`));
    await readAll(await conversation.request(Buffer.concat([...commands, flushPkt])));
    expect(server.log.at(-1)?.headers).toMatchObject({ 'content-length': expect.any(String) });
    expect(server.log.at(-1)?.headers['content-encoding']).toBeUndefined();
  });
});
