import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHostSlots } from '../../lib/aws/host-slots.ts';
import { keys } from '../../lib/aws/table.ts';
import type { HostSlots, SlotHolder } from '../../lib/jobs/host-slots.ts';
import type { Mirror } from '../../lib/model/mirror.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { putMirror } from '../support/mirrors.ts';

let aws: TestAws;
let slots: HostSlots;
beforeAll(async () => {
  aws = await startTestAws();
  slots = createHostSlots({ dynamo: aws.clients.dynamo, tableName: aws.tableName });
});
afterAll(() => aws.close());

let hosts = 0;
const newHost = (): string => `host-${++hosts}.example.org`;

async function holder(): Promise<SlotHolder & { readonly key: Mirror }> {
  const leaseToken = `lease-${Math.random()}`;
  return { key: await putMirror(aws, { leaseToken }), leaseToken };
}

const holders = (count: number) => Promise.all(Array.from({ length: count }, holder));

async function loseLease({ key }: { readonly key: Mirror }): Promise<void> {
  const input = { TableName: aws.tableName, Key: keys.mirror(key), UpdateExpression: 'REMOVE lease_token' };
  await aws.clients.dynamo.send(new UpdateCommand(input));
}

describe('take', () => {
  it('gives 50 who ask at once exactly as many slots as there are, each one once', async () => {
    const host = newHost();
    const taken = await Promise.all((await holders(50)).map((one) => slots.take(host, one, 8)));
    expect(taken.filter((slot) => slot !== undefined).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
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
    expect(await slots.take(host, first!, 5)).toBeUndefined();
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
    expect(answers.filter((answer) => answer !== undefined)).toEqual([slot]);
  });

  it('takes over the slot of a run whose mirror was deleted', async () => {
    const host = newHost();
    const [next] = await holders(1);
    await slots.take(host, { key: { projectId: 999_999, mirror: 'pull' }, leaseToken: 'gone' }, 1);
    expect(await slots.take(host, next!, 1)).toBe(0);
  });

  it('keeps to a limit that was lowered', async () => {
    const host = newHost();
    const all = await holders(5);
    for (const one of all) await slots.take(host, one, 5);
    const held = await slotOf(host, all[0]!);
    await slots.free(host, held, all[0]!.leaseToken);
    const [late] = await holders(1);
    expect(await slots.take(host, late!, 2)).toBe(held < 2 ? held : undefined);
  });
});

describe('free', () => {
  it('is for the holder only, and no error for anybody else', async () => {
    const host = newHost();
    const [mine, other] = await holders(2);
    await slots.take(host, mine!, 1);
    await slots.free(host, 0, other!.leaseToken);
    expect(await slots.take(host, other!, 1)).toBeUndefined();
    await slots.free(host, 0, mine!.leaseToken);
    await slots.free(host, 0, mine!.leaseToken);
    expect(await slots.take(host, other!, 1)).toBe(0);
  });
});

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
