import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHostSlots } from '../../lib/aws/host-slots.ts';
import { keys } from '../../lib/aws/table.ts';
import type { HostSlots, SlotHolder } from '../../lib/jobs/host-slots.ts';
import { turnMs } from '../../lib/jobs/host-turns.ts';
import type { Mirror } from '../../lib/model/mirror.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { noon, putMirror } from '../support/mirrors.ts';

let aws: TestAws;
let slots: HostSlots;
beforeAll(async () => {
  aws = await startTestAws();
  slots = createHostSlots({ dynamo: aws.clients.dynamo, tableName: aws.tableName });
});
afterAll(() => aws.close());

let hosts = 0;
const newHost = (): string => `host-${++hosts}.example.org`;

async function holder(fields: Partial<Mirror> = {}): Promise<SlotHolder & { readonly key: Mirror }> {
  const leaseToken = `lease-${Math.random()}`;
  return { key: await putMirror(aws, { ...fields, leaseToken }), leaseToken, since: noon, now: noon };
}

const holders = (count: number) => Promise.all(Array.from({ length: count }, () => holder()));

async function loseLease({ key }: { readonly key: Mirror }): Promise<void> {
  const input = { TableName: aws.tableName, Key: keys.mirror(key), UpdateExpression: 'REMOVE lease_token' };
  await aws.clients.dynamo.send(new UpdateCommand(input));
}

describe('take', () => {
  it('gives 50 who ask at once exactly as many slots as there are, each one once', async () => {
    const host = newHost();
    const taken = await Promise.all((await holders(50)).map((one) => slots.take(host, one, 8)));
    expect(taken.filter((slot) => typeof slot === 'number').sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('knows hosts apart', async () => {
    const [one] = await holders(1);
    expect(await slots.take(newHost(), one!, 1)).toBe(0);
    expect(await slots.take(newHost(), one!, 1)).toBe(0);
  });

  it('finds the one that is free', async () => {
    const host = newHost();
    const [first, ...others] = await holders(6);
    for (const one of others) await slots.take(host, one, 5);
    expect(await slots.take(host, first!, 5)).toBe('promised');
    await slots.free(host, 3, (await heldBy(host, others, 3))!.leaseToken);
    expect(await slots.take(host, first!, 5)).toBe(3);
  });

  it('takes over the slot of a run that lost its lease, for one of those who want it', async () => {
    const host = newHost();
    const [dead, alive] = await holders(2);
    for (const one of [dead!, alive!]) await slots.take(host, one, 2);
    const slot = await slotOf(host, dead!);
    await loseLease(dead!);
    const answers = await Promise.all((await holders(10)).map((one) => slots.take(host, one, 2)));
    expect(answers.filter((answer) => typeof answer === 'number')).toEqual([slot]);
  });

  it('takes over the slot of a run whose mirror was deleted', async () => {
    const host = newHost();
    const [next] = await holders(1);
    await slots.take(host, { key: { projectId: 999_999, mirror: 'pull' }, leaseToken: 'gone', since: noon, now: noon }, 1);
    expect(await slots.take(host, next!, 1)).toBe(0);
  });

  it('keeps to a limit that was lowered', async () => {
    const host = newHost();
    const all = await holders(5);
    for (const one of all) await slots.take(host, one, 5);
    const held = await slotOf(host, all[0]!);
    await slots.free(host, held, all[0]!.leaseToken);
    const [late] = await holders(1);
    expect(await slots.take(host, late!, 2)).toBe(held < 2 ? held : 'promised');
  });
});

describe('a host whose slots are all in use', () => {
  it('gives the next one that is free to the quiet project, although a busy one asks first each time', async () => {
    const host = newHost();
    const [first, second, ...busy] = await Promise.all(Array.from({ length: 7 }, () => holder({ projectId: 900_000 })));
    const quiet = await holder();
    const at = (one: SlotHolder, ms: number): SlotHolder => ({ ...one, now: noon + ms });
    for (const one of [first!, second!]) await slots.take(host, one, 2);
    const held = await slotOf(host, first!);
    for (const one of busy) expect(typeof (await slots.take(host, one, 2))).toBe('string');
    // Asks last, and was asked for last.
    expect(await slots.take(host, at({ ...quiet, since: noon + 500 }, 500), 2)).toBe('promised');
    const [place] = await promisedSlots(host);
    await slots.free(host, place!, (place === held ? first! : second!).leaseToken);
    for (const one of busy) expect(typeof (await slots.take(host, at(one, 1_000), 2))).toBe('string');
    expect(await slots.take(host, at({ ...quiet, since: noon + 500 }, 3_000), 2)).toBe(place);
  });

  it('waits for nobody who does not come', async () => {
    const host = newHost();
    const [first, next, other] = await holders(3);
    await slots.take(host, first!, 1);
    expect(await slots.take(host, next!, 1)).toBe('promised');
    await slots.free(host, 0, first!.leaseToken);
    expect(await slots.take(host, { ...other!, now: noon + turnMs - 1 }, 1)).toBe('full');
    expect(await slots.take(host, { ...other!, now: noon + turnMs + 1 }, 1)).toBe(0);
    await slots.free(host, 0, other!.leaseToken);
    expect(await tokenOf(host, 0)).toBeUndefined();
    expect(await promisedSlots(host)).toEqual([]);
  });
});

describe('free', () => {
  it('is for the holder only, and no error for anybody else', async () => {
    const host = newHost();
    const [mine, other] = await holders(2);
    await slots.take(host, mine!, 1);
    await slots.free(host, 0, other!.leaseToken);
    expect(await slots.take(host, other!, 1)).toBe('promised');
    await slots.free(host, 0, mine!.leaseToken);
    await slots.free(host, 0, mine!.leaseToken);
    expect(await slots.take(host, other!, 1)).toBe(0);
  });
});

/** Those that somebody is next at. */
async function promisedSlots(host: string): Promise<number[]> {
  const found: number[] = [];
  for (let slot = 0; slot < 10; slot++) {
    const { Item: item } = await aws.clients.dynamo.send(new GetCommand({ TableName: aws.tableName, Key: keys.slot(host, slot) }));
    if (item?.['next'] !== undefined) found.push(slot);
  }
  return found;
}

async function slotOf(host: string, { leaseToken }: SlotHolder): Promise<number> {
  for (let slot = 0; slot < 10; slot++) if ((await tokenOf(host, slot)) === leaseToken) return slot;
  throw new Error('it holds no slot');
}

async function heldBy(host: string, among: readonly SlotHolder[], slot: number): Promise<SlotHolder | undefined> {
  const token = await tokenOf(host, slot);
  return among.find(({ leaseToken }) => leaseToken === token);
}

async function tokenOf(host: string, slot: number): Promise<unknown> {
  const { Item: item } = await aws.clients.dynamo.send(new GetCommand({ TableName: aws.tableName, Key: keys.slot(host, slot) }));
  return item?.['lease_token'];
}
