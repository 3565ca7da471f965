import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHosts } from '../../lib/aws/hosts.ts';
import { createMirrorJobs } from '../../lib/aws/mirrors/mirror-jobs.ts';
import { keys } from '../../lib/aws/table/table.ts';
import { healthy } from '../../lib/jobs/hosts/host-health.ts';
import type { DueHost, Hosts } from '../../lib/jobs/hosts/hosts.ts';
import { dueShards } from '../../lib/jobs/mirror-jobs.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { noon, putMirror } from '../support/mirrors.ts';

let aws: TestAws;
let hosts: Hosts;
beforeAll(async () => {
  aws = await startTestAws();
  hosts = createHosts({ dynamo: aws.clients.dynamo, tableName: aws.tableName });
});
afterAll(() => aws.close());

let made = 0;
const newHost = (): string => `host-${++made}.example.org`;
async function guest() {
  const leaseToken = `lease-${Math.random()}`;
  const { projectId, mirror } = await putMirror(aws, { leaseToken });
  return { key: { projectId, mirror }, credentialId: null, leaseToken, now: noon };
}

describe('a place', () => {
  it('is taken by one of those who ask at once', async () => {
    const host = newHost();
    const taken = await Promise.all(Array.from({ length: 20 }, async () => hosts.take(host, { slot: 3 }, await guest())));
    expect(taken.filter(Boolean)).toHaveLength(1);
  });

  it('is taken twice by nobody, but known again by a repeat', async () => {
    const [host, one] = [newHost(), await guest()];
    expect(await hosts.take(host, { slot: 0 }, one)).toBe(true);
    expect(await hosts.take(host, { slot: 0 }, one)).toBe(true);
    expect((await hosts.view(host)).places).toMatchObject([{ slot: 0, holder: { key: one.key, leaseToken: one.leaseToken } }]);
  });

  it('is given back by its holder only', async () => {
    const [host, one] = [newHost(), await guest()];
    await hosts.take(host, { slot: 0 }, one);
    await hosts.free(host, 0, 'somebody else');
    expect((await hosts.view(host)).places).toHaveLength(1);
    await hosts.free(host, 0, one.leaseToken);
    expect((await hosts.view(host)).places).toEqual([]);
  });

  it('of a run that died is taken by one of those who want it', async () => {
    const [host, dead] = [newHost(), await guest()];
    await hosts.take(host, { slot: 0 }, dead);
    const before = await hosts.view(host);
    expect((await hosts.living(before)).places).toMatchObject([{ holder: { leaseToken: dead.leaseToken } }]);
    await aws.clients.dynamo.send(
      new UpdateCommand({ TableName: aws.tableName, Key: keys.mirror(dead.key), UpdateExpression: 'REMOVE lease_token' }),
    );
    const [place] = (await hosts.living(before)).places;
    if (place === undefined) throw new Error('no place');
    expect(place.holder).toBeUndefined();
    const taken = await Promise.all(Array.from({ length: 5 }, async () => hosts.take(host, place, await guest())));
    expect(taken.filter(Boolean)).toHaveLength(1);
  });

  it('is kept for one that is called, and taken by it', async () => {
    const [host, one, other] = [newHost(), await guest(), await guest()];
    expect(await hosts.keep(host, { slot: 2 }, { ...one, until: noon + 5 })).toBe(true);
    expect(await hosts.keep(host, { slot: 2 }, { ...other, until: noon + 5 })).toBe(false);
    const [place] = (await hosts.view(host)).places;
    expect(place).toMatchObject({ slot: 2, holder: undefined, keptFor: { key: one.key, until: noon + 5 } });
    expect(await hosts.take(host, { slot: 2 }, other)).toBe(false);
    expect(place !== undefined && (await hosts.take(host, place, one))).toBe(true);
  });
});

describe('the waiting list', () => {
  it('is in order, holds a run once, and knows hosts apart', async () => {
    const host = newHost();
    const runs = Array.from({ length: 30 }, (_, n) => ({
      key: { projectId: n, mirror: n },
      credentialId: n % 2 === 0 ? 7 : null,
      rank: noon - n,
      notBefore: n,
    }));
    const entries = await Promise.all(runs.map((run) => hosts.join(host, run)));
    expect(await hosts.join(host, runs[4] ?? runs[0]!)).toBe(entries[4]);
    await hosts.join(newHost(), runs[0]!);
    const found = await hosts.waiting(host, 100);
    expect(found.map(({ rank }) => rank)).toEqual(runs.map(({ rank }) => rank).sort());
    expect(found[0]).toEqual({ ...runs[29], entry: entries[29] });
    expect((await hosts.waiting(host, 3)).map(({ rank }) => rank)).toEqual([noon - 29, noon - 28, noon - 27]);
    await hosts.leave(host, entries[29] ?? '');
    expect((await hosts.waiting(host, 1))[0]?.rank).toBe(noon - 28);
  });
});

describe('health', () => {
  it('is told to one of those that write the same at the same time', async () => {
    const view = await hosts.view(newHost());
    const noted = await Promise.all([1, 2, 3].map(() => hosts.note(view, { ...healthy, downSince: noon })));
    expect(noted.filter(Boolean)).toHaveLength(1);
  });

  it('is changed by one of those who read the same', async () => {
    const host = newHost();
    const view = await hosts.view(host);
    expect(view.health).toEqual(healthy);
    const noted = await Promise.all([1, 2, 3].map((n) => hosts.note(view, { ...healthy, downSince: noon + n })));
    expect(noted.filter(Boolean)).toHaveLength(1);
    const after = await hosts.view(host);
    expect(await hosts.note(after, healthy)).toBe(true);
    expect(await hosts.note(after, { ...healthy, downSince: 1 })).toBe(false);
    expect((await hosts.view(host)).health).toEqual(healthy);
  });
});

describe('the tick', () => {
  async function dueHost(host: string): Promise<DueHost | undefined> {
    const jobs = createMirrorJobs({ dynamo: aws.clients.dynamo, tableName: aws.tableName });
    for (let shard = 0; shard < dueShards; shard++)
      for await (const due of jobs.due(shard, Number.MAX_SAFE_INTEGER)) if ('host' in due && due.host === host) return due;
    return undefined;
  }

  it('looks at a host by the earliest time that somebody wants, until nobody waits', async () => {
    const host = newHost();
    await hosts.lookBy(host, noon + 10);
    await hosts.lookBy(host, noon + 20);
    const due = await dueHost(host);
    expect(due).toEqual({ host, dueAt: noon + 10 });
    expect((await hosts.view(host)).isAwaited).toBe(true);
    await hosts.lookBy(host, noon + 5);
    expect(await hosts.looked(due!, null)).toBe(false);
    expect(await hosts.looked({ host, dueAt: noon + 5 }, null)).toBe(true);
    expect(await dueHost(host)).toBeUndefined();
    expect((await hosts.view(host)).isAwaited).toBe(false);
    // Nothing of the host shows up among the mirrors of the overview.
    const { Item: item } = await aws.clients.dynamo.send(new GetCommand({ TableName: aws.tableName, Key: keys.hostState(host) }));
    expect(item).not.toHaveProperty('id');
  });
});
