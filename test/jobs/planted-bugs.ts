/** Defects that simpler designs have, for the property test to find. */
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mirrorOfItem } from '../../lib/aws/mirrors/mirror-item.ts';
import { keys } from '../../lib/aws/table/table.ts';
import type { MirrorKey } from '../../lib/model/mirror.ts';
import type { Plant } from './life-world.ts';

export interface PlantedBug extends Plant {
  /** What the property test must say of it, as a regular expression. */
  readonly finding: string;
  /** Of a case that finds it soon. */
  readonly seed: number;
}

const forgetRequest = 'SET done_seq = requested_seq REMOVE queued_at, queued_for, queued_due, queued_trigger';

async function write(
  dynamo: DynamoDBDocumentClient,
  tableName: string,
  key: MirrorKey,
  expression: string,
  { values, condition }: { values?: Record<string, unknown>; condition?: string } = {},
) {
  const input = {
    TableName: tableName,
    Key: keys.mirror(key),
    UpdateExpression: expression,
    ReturnValues: 'ALL_NEW' as const,
    ...(condition === undefined ? {} : { ConditionExpression: condition }),
    ...(values === undefined ? {} : { ExpressionAttributeValues: values }),
  };
  return (await dynamo.send(new UpdateCommand(input))).Attributes;
}

export const plants: Readonly<Record<string, PlantedBug>> = {
  'a release that settles what was requested during the run, without a follow-up': {
    finding: 'no run was started after an accepted request',
    seed: 9,
    jobs: (jobs, dynamo, tableName) => ({
      ...jobs,
      async release(key, token, release) {
        const answer = await jobs.release(key, token, release);
        if (answer !== 'queued' || release.again !== undefined) return answer;
        await write(dynamo, tableName, key, forgetRequest);
        return 'done';
      },
    }),
  },
  'a lease that is taken whether somebody holds it or not': {
    finding: 'a lease was taken that somebody held',
    seed: 1,
    jobs: (jobs, dynamo, tableName) => ({
      ...jobs,
      async acquire(key, lease) {
        const mirror = await jobs.acquire(key, lease);
        if (mirror !== undefined) return mirror;
        const item = await write(dynamo, tableName, key, 'SET lease_token = :token, lease_beat = :zero, started_seq = requested_seq', {
          values: { ':token': lease.token, ':zero': 0 },
          condition: 'requested_seq > done_seq',
        }).catch(() => undefined);
        return item === undefined ? undefined : mirrorOfItem(item);
      },
    }),
  },
  'a request that is taken back when its message could not be sent': {
    // It forgets the request, and sometimes that of a run under way with it.
    finding: 'no run was started after an accepted request|a mirror waits for ever',
    seed: 24,
    queue: (queue, dynamo, tableName) => ({
      async send(wakeUps) {
        const unsent = await queue.send(wakeUps);
        for (const { key } of unsent) await write(dynamo, tableName, key, forgetRequest);
        // The one who asked is told, and would ask again.
        if (unsent.length > 0) throw new Error('not sent');
        return unsent;
      },
    }),
  },
  'a list that a run can leave unseen': {
    finding: 'a mirror was late after its host was back|a mirror waits for ever',
    seed: 3,
    hosts: (hosts) => ({ ...hosts, join: async (_host, { rank }) => String(rank) }),
  },
  'a host that nobody looks at': {
    finding: 'a mirror was late after its host was back|a mirror waits for ever',
    seed: 3,
    hosts: (hosts) => ({ ...hosts, lookBy: async () => {} }),
  },
  'a call that leaves nothing in the table': {
    finding: 'a mirror was late after its host was back|a mirror waits for ever',
    seed: 3,
    jobs: (jobs) => ({ ...jobs, call: async (key, { entry }) => (await jobs.get(key))?.waiting?.entry === entry }),
  },
  'a host whose answer nobody notes': {
    finding: 'a mirror was late after its host was back|a mirror waits for ever',
    seed: 24,
    hosts: (hosts) => ({
      ...hosts,
      note: async (view, health) => (health.downSince === null && health.failures.length === 0) || hosts.note(view, health),
    }),
  },
  'a release that does not ask whose lease it is': {
    finding: 'a lease was given back by somebody who did not hold it',
    seed: 1,
    jobs: (jobs) => ({
      ...jobs,
      async release(key, token, release) {
        const mirror = await jobs.get(key);
        return jobs.release(key, mirror?.leaseToken ?? token, release);
      },
    }),
  },
};
