import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import { limits } from '../../lib/core/limits.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { copyObjects } from '../../lib/lfs/copy-objects.ts';
import { LfsServer } from '../../lib/lfs/lfs-server.ts';
import type { LfsObject } from '../../lib/lfs/pointer.ts';
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
      { http, deadline, redactor: createRedactor([]) },
    );
  let bytes = 0;
  let bytesAfter = 0;
  let isOver = false;
  const copy = async (objects: readonly LfsObject[] = contents.map((content) => ({ oid: oidOf(content), size: content.length }))) => {
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
    const contents = Array.from({ length: 3 * limits.lfsBatchObjects + 1 }, (_, index) => Buffer.from(`object ${index}`));
    const made = await ends(contents, { target: { lfs: { fault: status('batch', 422) } } });
    const { failures, moved } = await made.copy();
    expect([failures.length, moved]).toEqual([contents.length, 0]);
    // Two groups may have been asked for at once; no other one then is.
    expect(made.target.lfs.log.length).toBeLessThanOrEqual(2);
  });
});

it('An empty object is not asked for at the source, and one that only says so is', async () => {
  const made = await ends([]);
  const [empty, other] = [Buffer.alloc(0), object].map((content) => ({ oid: oidOf(content), size: 0 })) as [LfsObject, LfsObject];
  expect(await made.copy([empty, other])).toMatchObject({ moved: 1, failures: [{ oid: other.oid, code: 'lfs_object_missing' }] });
  expect(made.source.lfs.log.map(({ oids }) => oids)).toEqual([[other.oid]]);
  expect(await made.target.lfs.objects()).toEqual([empty.oid]);
});

const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
/** What links say of their end, and whether they may be used. */
const ages: Readonly<Record<string, readonly [age: object, isUsed: boolean]>> = {
  'over by its seconds': [{ expires_in: -1 }, false],
  'over by its date': [{ expires_at: new Date(Date.now() - 1_000).toISOString() }, false],
  'over in a moment': [{ expires_in: limits.lfsExpiryMarginMs / 1000 - 1 }, false],
  'over by its seconds, not by its date': [{ expires_in: -1, expires_at: inAnHour }, false],
  'not over by its date': [{ expires_at: inAnHour }, true],
  'not over by its seconds': [{ expires_in: 3_600 }, true],
};

it('Links that are over, or will be in a moment, are asked for anew and never used', async () => {
  const cases = (['download', 'upload', 'verify'] as const).flatMap((kind) =>
    Object.entries(ages).map(([words, [age, isUsed]]) => {
      const content = Buffer.from(`a ${kind} link that is ${words}`);
      return { kind, age, isUsed, content, oid: oidOf(content) };
    }),
  );
  const byOid = new Map(cases.map((each) => [each.oid, each]));
  /** The links of the first answer, for all objects, are as old as the table says. */
  const alter: NonNullable<LfsServerOptions['alter']> = (answer) => {
    if (answer.objects.length === 1) return answer;
    const aged = ({ oid, actions, ...rest }: { oid: string; actions: Record<string, object> }) => {
      const { kind = '', age = {} } = byOid.get(oid) ?? {};
      const link = actions[kind];
      return {
        oid,
        ...rest,
        actions: { ...actions, ...(link === undefined ? {} : { [kind]: { ...link, header: { 'X-Old': 'yes' }, ...age } }) },
      };
    };
    return { ...answer, objects: answer.objects.map(aged) };
  };
  const made = await ends(
    cases.map(({ content }) => content),
    { source: { lfs: { alter } }, target: { lfs: { alter, verify: true } } },
  );
  expect(await made.copy()).toMatchObject({ moved: cases.length, failures: [] });
  const log = [...made.source.lfs.log, ...made.target.lfs.log];
  const seen = cases.map(({ content, kind, oid }) => {
    const uses = log.filter((exchange) => exchange.kind === kind && exchange.oids[0] === oid);
    const asked = log.filter((exchange) => exchange.kind === 'batch' && exchange.oids.join() === oid);
    return [String(content), uses.map(({ headers }) => headers['x-old'] === 'yes'), asked.map(({ operation }) => operation)];
  });
  expect(seen).toEqual(cases.map(({ content, isUsed }) => [String(content), [isUsed], isUsed ? [] : ['download', 'upload']]));
});

it('What is refused when its links are asked for anew is a failure', async () => {
  let answers = 0;
  const alter: NonNullable<LfsServerOptions['alter']> = (answer) => ({
    ...answer,
    objects: answer.objects.map(({ oid, size, actions }: { oid: string; size: number; actions: { upload: object } }) =>
      ++answers === 1
        ? { oid, size, actions: { upload: { ...actions.upload, expires_in: -1 } } }
        : { oid, size, error: { code: 422, message: 'not this one' } },
    ),
  });
  const made = await ends([object], { target: { lfs: { alter } } });
  expect(await made.copy()).toMatchObject({ moved: 0, failures: [{ oid: oidOf(object), code: 'lfs_object_refused' }] });
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
