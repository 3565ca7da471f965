import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../../lib/aws/records.ts';
import { defaultInstanceSettings } from '../../../lib/model/instance-settings.ts';
import type { Records } from '../../../lib/model/records.ts';
import { startTestAws, type TestAws } from '../../support/aws.ts';
import { createHeldClock } from '../../support/held-clock.ts';

let aws: TestAws;
let one: Records;
let other: Records;
const clock = createHeldClock();

beforeAll(async () => {
  aws = await startTestAws();
  const input = { dynamo: aws.clients.dynamo, tableName: aws.tableName, clock };
  // Two processes, each with a cache of its own.
  [one, other] = [createRecords(input), createRecords(input)];
});
afterAll(() => aws.close());

describe('the settings of the instance', () => {
  it('are the defaults until they are changed, and only where they are', async () => {
    expect(await one.settings.get()).toEqual(defaultInstanceSettings);
    expect(await one.settings.update({ maxRunsPerHost: 3 })).toEqual({ ...defaultInstanceSettings, maxRunsPerHost: 3 });
    expect(await one.settings.update({})).toEqual({ ...defaultInstanceSettings, maxRunsPerHost: 3 });
    expect(await one.settings.update({ silentModeEnabled: true })).toEqual({
      ...defaultInstanceSettings,
      maxRunsPerHost: 3,
      silentModeEnabled: true,
    });
    const all = { ...defaultInstanceSettings, pullIntervalSeconds: 61, maxDeletionsPercent: 7, silentModeEnabled: false };
    expect(await one.settings.update(all)).toEqual(all);
    expect(await one.settings.get({ fresh: true })).toEqual(all);
  });

  it('are known at once where they are changed, and within five seconds elsewhere', async () => {
    await other.settings.get({ fresh: true });
    await one.settings.update({ reconcileIntervalSeconds: 1234 });
    expect((await one.settings.get()).reconcileIntervalSeconds).toBe(1234);
    expect((await other.settings.get()).reconcileIntervalSeconds).not.toBe(1234);
    expect((await other.settings.get({ fresh: true })).reconcileIntervalSeconds).toBe(1234);
    await one.settings.update({ reconcileIntervalSeconds: 4321 });
    clock.advance(5_000);
    expect((await other.settings.get()).reconcileIntervalSeconds).toBe(4321);
  });

  it('are read again when the clock was set back', async () => {
    await other.settings.get({ fresh: true });
    await one.settings.update({ reconcileIntervalSeconds: 99 });
    clock.advance(-3_600_000);
    expect((await other.settings.get()).reconcileIntervalSeconds).toBe(99);
  });
});
