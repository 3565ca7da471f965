import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import { limits } from '../../lib/core/limits.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { copyObjects } from '../../lib/lfs/copy-objects.ts';
import { LfsServer } from '../../lib/lfs/lfs-server.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { type LfsScenarioOptions, lfsScenario, oidOf } from '../support/lfs-scenario.ts';
import type { LfsExchange, LfsServerOptions } from '../support/lfs-server.ts';
import { until } from '../support/service.ts';

type Fault = NonNullable<LfsServerOptions['fault']>;

/** Both ends of a scenario as the copy sees them, and these contents at the source. */
async function ends(contents: readonly Buffer[], options: LfsScenarioOptions = {}) {
  const made = await lfsScenario(options);
  for (const content of contents) await made.source.lfs.put(content);
  const http = createHttpClient(createAddressGuard(['127.0.0.0/8']));
  const deadline = createDeadline(60_000);
  onTestFinished(async () => {
    deadline.clear();
    await http.close();
  });
  const server = (side: 'source' | 'target') =>
    new LfsServer(
      { side, url: parseRepositoryUrl(made[side].url, 'TEST').url, credential: undefined, lfsUrl: undefined },
      { http, deadline },
    );
  let bytes = 0;
  let bytesAfter = 0;
  let isOver = false;
  const copy = async () => {
    const objects = contents.map((content) => ({ oid: oidOf(content), size: content.length }));
    const onBytes = (count: number): void => {
      if (isOver) bytesAfter += count;
      else bytes += count;
    };
    const result = await copyObjects({ objects, source: server('source'), target: server('target'), ref: undefined, onBytes });
    isOver = true;
    return result;
  };
  return { ...made, deadline, copy, bytes: () => bytes, bytesAfter: () => bytesAfter };
}

const object = Buffer.from('an object');
const status =
  (kind: LfsExchange['kind'], code: number, headers: Record<string, string> = {}): Fault =>
  (exchange, response, request) => {
    if (exchange.kind !== kind) return false;
    request.resume();
    response.writeHead(code, headers).end();
    return true;
  };
const atOnce = { 'retry-after': '0' };

describe('an object that fails again and again', () => {
  it.each<[string, 'source' | 'target', LfsExchange['kind'], Fault, { times: number; code: string }]>([
    ['an upload that fails', 'target', 'upload', status('upload', 503), { times: 2, code: 'server_error' }],
    ['an upload that may not', 'target', 'upload', status('upload', 403), { times: 2, code: 'lfs_access_denied' }],
    ['an upload that has to wait', 'target', 'upload', status('upload', 429, atOnce), { times: 3, code: 'rate_limited' }],
    ['an upload that is refused', 'target', 'upload', status('upload', 422), { times: 1, code: 'lfs_object_refused' }],
    ['a download that fails', 'source', 'download', status('download', 500), { times: 2, code: 'server_error' }],
    ['a download that is gone', 'source', 'download', status('download', 404), { times: 1, code: 'lfs_object_missing' }],
    [
      'a download of something else',
      'source',
      'download',
      ({ kind }, response) => kind === 'download' && !!response.end(Buffer.alloc(object.length)),
      { times: 2, code: 'lfs_object_corrupt' },
    ],
    ['a batch that has to wait', 'target', 'batch', status('batch', 429, atOnce), { times: 3, code: 'rate_limited' }],
    ['a batch that fails', 'source', 'batch', status('batch', 503, atOnce), { times: 3, code: 'server_error' }],
    ['a batch that may not', 'source', 'batch', status('batch', 403), { times: 1, code: 'lfs_access_denied' }],
    ['a batch that is no LFS answer', 'source', 'batch', status('batch', 200), { times: 1, code: 'lfs_disabled' }],
  ])('%s is asked for a bounded number of times', async (_, side, kind, fault, { times, code }) => {
    const made = await ends([object], { [side]: { lfs: { fault } } });
    expect(await made.copy()).toMatchObject({ moved: 0, bytes: 0, ended: undefined, failures: [{ oid: oidOf(object), code }] });
    expect(made[side].lfs.log.filter((exchange) => exchange.kind === kind)).toHaveLength(times);
    expect(await made.target.lfs.objects()).toEqual([]);
  });

  it('fails with its own batch alone where the host refuses one object of a group', async () => {
    const contents = Array.from({ length: limits.lfsBatchObjects + 1 }, (_, index) => Buffer.from(`object ${index}`));
    const made = await ends(contents, { target: { lfs: { fault: status('batch', 422) } } });
    const { failures, moved } = await made.copy();
    expect([failures.length, moved]).toEqual([contents.length, 0]);
    // Both groups may have been asked for at once, but none twice.
    expect(made.target.lfs.log.length).toBeLessThanOrEqual(2);
  });
});

describe('a copy whose run ends', () => {
  it('is over when its result is there: nothing is on its way any more, and nothing new begins', async () => {
    const contents = Array.from({ length: 3 * limits.lfsBatchObjects }, (_, index) => Buffer.alloc(20_000, `${index} `));
    const open = new Set<ServerResponse>();
    const drip: Fault = ({ kind }, response) => {
      if (kind !== 'download') return false;
      response.writeHead(200, { 'content-length': 20_000 });
      const timer = setInterval(() => response.write('drip'), 5);
      open.add(response);
      response.on('close', () => {
        clearInterval(timer);
        open.delete(response);
      });
      return true;
    };
    const uploads = new Set<ServerResponse>();
    const watch: Fault = ({ kind }, response) => {
      if (kind === 'upload') {
        uploads.add(response);
        response.on('close', () => uploads.delete(response));
      }
      return false;
    };
    const made = await ends(contents, { source: { lfs: { fault: drip } }, target: { lfs: { fault: watch } } });
    const copying = made.copy();
    await until('all places taken', async () => (open.size === limits.lfsConcurrentObjects && made.bytes() > 0 ? true : undefined));
    const reason = new GitferryError('run_interrupted');
    made.deadline.abort(reason);
    const result = await copying;
    expect(result).toEqual({ moved: 0, skipped: 0, failures: [], bytes: 0, ended: reason });
    await until('all connections closed', async () => (open.size + uploads.size === 0 ? true : undefined));
    expect(made.bytesAfter()).toBe(0);
    // Of three groups two were asked for; of their objects eight.
    for (const { lfs } of [made.source, made.target]) expect(lfs.log.filter(({ kind }) => kind === 'batch')).toHaveLength(2);
    expect(made.source.lfs.log.filter(({ kind }) => kind === 'download')).toHaveLength(limits.lfsConcurrentObjects);
    expect(await made.target.lfs.objects()).toEqual([]);
  });
});
