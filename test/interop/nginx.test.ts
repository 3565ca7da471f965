import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { isAvailable, programs } from '../support/programs.ts';
import { refsWith, sync } from '../support/sync.ts';
import { type Nginx, startNginx } from './nginx.ts';

/** `client_max_body_size` without a setting. */
const defaultLimitBytes = 1024 * 1024;

describe.skipIf(!isAvailable('nginx'))('git behind nginx', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: GitHttpServer;
  /** With its default limits. */
  let nginx: Nginx;
  let unlimited: Nginx;
  /** Passes requests on as they come. */
  let unbuffered: Nginx;

  beforeAll(async () => {
    folder = await temporaryFolder();
    server = await startGitHttpServer({
      root: folder.path,
      intercept({ response }) {
        // git http-backend begins its answer at once, and nginx sends no more of a request whose answer has begun: headers wait for the body.
        response.flushHeaders = () => {};
        return false;
      },
    });
    const options = { program: programs.nginx.path ?? '', upstream: server.origin };
    nginx = await startNginx({ ...options, folder: join(folder.path, 'nginx') });
    unlimited = await startNginx({ ...options, folder: join(folder.path, 'unlimited'), settings: ['client_max_body_size 0;'] });
    const asTheyCome = ['client_max_body_size 0;', 'proxy_request_buffering off;', 'proxy_http_version 1.1;'];
    unbuffered = await startNginx({ ...options, folder: join(folder.path, 'unbuffered'), settings: asTheyCome });
  });
  afterAll(async () => {
    await Promise.all([nginx?.close(), unlimited?.close(), unbuffered?.close(), server?.close()]);
    await folder.remove();
  });

  /** A repository with one branch, main, holding a file of this many incompressible bytes. */
  async function makeRepository(name: string, fileBytes: number): Promise<string> {
    const path = join(folder.path, name);
    await git(folder.path, ['init', '--quiet', '--bare', '--initial-branch=main', path]);
    if (fileBytes > 0) await commit(path, randomBytes(fileBytes));
    return path;
  }

  async function commit(repository: string, file: Uint8Array): Promise<void> {
    const blob = await git(repository, ['hash-object', '-w', '--stdin'], { input: file });
    const tree = await git(repository, ['mktree'], { input: `100644 blob ${blob}\tfile\n` });
    const oid = await git(repository, ['commit-tree', tree, '-m', 'file']);
    await git(repository, ['update-ref', 'refs/heads/main', oid]);
  }

  it('mirrors a small repository with nginx at both ends, and then has nothing to do', async () => {
    const source = await makeRepository('small.git', 100_000);
    const target = await makeRepository('small-target.git', 0);
    const run = (): ReturnType<typeof sync> => sync(`${nginx.origin}/small.git`, `${nginx.origin}/small-target.git`);
    expect(await run()).toMatchObject({ outcome: 'success', error: null, counts: { created: 1 } });
    expect(await refsOf(target)).toEqual(await refsOf(source));
    await git(target, ['fsck', '--strict']);
    expect(await run()).toMatchObject({ outcome: 'success', refs: [], bytes: 0 });
  });

  it.each([
    { what: 'a little', name: 'over-limit', bytes: defaultLimitBytes },
    { what: 'much', name: 'far-over-limit', bytes: 5_000_000 },
  ])('says what to do about a push over 1 MB (by $what), and writes nothing', async ({ name, bytes }) => {
    await makeRepository(`${name}.git`, bytes);
    const target = await makeRepository(`${name}-target.git`, 0);
    const outcome = await sync(server.url(`${name}.git`), `${nginx.origin}/${name}-target.git`);
    expect(outcome).toMatchObject({ outcome: 'partial', error: { code: 'push_too_large' } });
    expect(outcome.error?.hint).toContain('client_max_body_size');
    expect(await refsOf(target, ['refs/'])).toEqual({});
  });

  it('moves all others past a branch that is over the limit, in every run', async () => {
    const source = await makeRepository('one-over.git', 2_000_000);
    const target = await makeRepository('one-over-target.git', 0);
    await git(source, ['branch', '-m', 'main', 'a-large']);
    const tree = await git(source, ['mktree'], { input: '' });
    for (const name of ['b', 'c', 'd', 'e', 'f', 'main']) {
      const oid = await git(source, ['commit-tree', tree, '-m', name]);
      await git(source, ['update-ref', `refs/heads/${name}`, oid]);
    }
    const run = (): ReturnType<typeof sync> => sync(server.url('one-over.git'), `${nginx.origin}/one-over-target.git`);
    for (const created of [6, 0]) {
      expect(await run()).toMatchObject({ outcome: 'partial', counts: { created, rejected: 1 }, error: { code: 'push_too_large' } });
    }
    const { 'refs/heads/a-large': _, ...others } = await refsOf(source);
    expect(await refsOf(target)).toEqual(others);
  });

  it('pushes over 1 MB, chunked, where nginx takes any size', async () => {
    const source = await makeRepository('large.git', 5_000_000);
    const target = await makeRepository('large-target.git', 0);
    const outcome = await sync(`${unlimited.origin}/large.git`, `${unlimited.origin}/large-target.git`);
    expect(outcome).toMatchObject({ outcome: 'success', error: null, counts: { created: 1 } });
    expect(await refsOf(target)).toEqual(await refsOf(source));
    await git(target, ['fsck', '--strict']);
  });

  it('gets as many haves through as there can be', async () => {
    const branches = 10_000;
    const source = await makeRepository('haves.git', 1000);
    const target = await makeRepository('haves-target.git', 0);
    const commits = Array.from(
      { length: branches },
      (_, index) => `commit refs/heads/own${index}\ncommitter T <t@example.org> ${index} +0000\ndata 0\n`,
    );
    await git(target, ['fast-import', '--quiet'], { input: commits.join('\n') });
    const before = server.log.length;
    const outcome = await sync(`${nginx.origin}/haves.git`, `${nginx.origin}/haves-target.git`);
    expect(outcome).toMatchObject({ outcome: 'success', error: null, counts: { created: 1, kept: branches } });
    expect(refsWith(outcome, 'created')).toEqual(['refs/heads/main']);
    expect((await refsOf(target))['refs/heads/main']).toBe((await refsOf(source))['refs/heads/main']);
    const large = server.log
      .slice(before)
      .filter(({ service, headers }) => service === 'git-upload-pack' && Number(headers['content-length'] ?? 0) > 100_000);
    expect(large.map(({ headers, status }) => [headers['content-encoding'], status])).toContainEqual(['gzip', 200]);
  });
});
