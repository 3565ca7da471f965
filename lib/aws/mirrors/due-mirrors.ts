/** The tick's part of the life of an update: what is due, and the writes that each repeat what was read in the index. */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { DueHost } from '../../jobs/hosts/hosts.ts';
import type { DueMirror, DueNotice, MirrorJobs, SeenLease } from '../../jobs/mirror-jobs.ts';
import { noticeKeyOf } from '../notices/outbox-due.ts';
import type { Item } from '../table/item.ts';
import { storageError } from '../table/storage-error.ts';
import { indexes } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';
import { keyOfItem } from './mirror-item.ts';
import type { MirrorTable } from './mirror-table.ts';
import { dueOf, nothingQueued, queuedBy, scheduleTrigger } from './request-attributes.ts';

type DueMirrors = Pick<MirrorJobs, 'due' | 'startScheduled' | 'noteResent' | 'noteLease' | 'retire'>;

export interface DueMirrorsDeps {
  readonly dynamo: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly table: MirrorTable;
}

export function createDueMirrors({ dynamo, tableName, table }: DueMirrorsDeps): DueMirrors {
  return {
    async *due(shard, until, after = -1) {
      let start: Item | undefined;
      do {
        const input = {
          TableName: tableName,
          IndexName: indexes.due,
          KeyConditionExpression: 'due_shard = :shard AND due_at BETWEEN :from AND :until',
          ExpressionAttributeValues: { ':shard': `DUE#${shard}`, ':until': until, ':from': after + 1 },
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        };
        const page = await dynamo.send(new QueryCommand(input)).catch((error: unknown) => {
          throw storageError(error);
        });
        for (const item of page.Items ?? []) yield dueOfItem(item);
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
    },

    async startScheduled(mirror, { now, startAt }) {
      const { set, values } = queuedBy({ trigger: scheduleTrigger, now, startAt, confirmDeletions: false, resume: false });
      const parts = updateExpression({}, { set, values: { ...values, ':read': mirror.dueAt } });
      const conditions = [isAsRead, hasNoLease, 'attribute_not_exists(queued_at)', 'enabled = :true', 'attribute_not_exists(paused)'];
      return (await table.write(mirror, { parts, conditions }, 'NONE')) !== undefined;
    },

    async noteResent(mirror, { now, waitMs }) {
      const due = dueOf(now, now, waitMs);
      // `queued_due` too: the next request would take the tick back to it.
      const changes = { due_at: due, queued_due: due, resend_wait_ms: waitMs };
      const parts = updateExpression(changes, { values: { ':read': mirror.dueAt } });
      return (
        (await table.write(mirror, { parts, conditions: [isAsRead, hasNoLease, 'attribute_exists(queued_at)'] }, 'NONE')) !== undefined
      );
    },

    async noteLease(mirror, { tick, now, dueAt }) {
      const { leaseToken, leaseBeat } = mirror;
      const seen = { lease_token: leaseToken, lease_beat: leaseBeat, at: tick, looked_at: now };
      const values = { ':read': mirror.dueAt, ':token': leaseToken, ':beat': leaseBeat };
      const parts = updateExpression({ seen, due_at: dueAt }, { values });
      return (
        (await table.write(mirror, { parts, conditions: [isAsRead, 'lease_token = :token', 'lease_beat = :beat'] }, 'NONE')) !== undefined
      );
    },

    async retire(mirror) {
      // `due_shard` stays: who makes it due again may not know its id.
      const changes = { due_at: null, ...nothingQueued, waiting: null, resend_wait_ms: null };
      const parts = updateExpression(changes, { set: ['done_seq = requested_seq'], values: { ':read': mirror.dueAt, ':false': false } });
      const conditions = [isAsRead, hasNoLease, '(enabled = :false OR attribute_exists(paused))'];
      return (await table.write(mirror, { parts, conditions }, 'NONE')) !== undefined;
    },
  };
}

/** Fails for a mirror that is gone, too. */
const isAsRead = 'due_at = :read';
const hasNoLease = 'attribute_not_exists(lease_token)';

function dueMirrorOfItem(item: Item): DueMirror {
  return {
    ...keyOfItem(item),
    direction: item['direction'] === 'pull' ? 'pull' : 'push',
    dueAt: Number(item['due_at']),
    enabled: item['enabled'] === true,
    paused: item['paused'] === true,
    queuedAt: numberOrNull(item['queued_at']),
    heldUntil: numberOrNull(item['held_until']),
    leaseToken: typeof item['lease_token'] === 'string' ? item['lease_token'] : null,
    leaseBeat: Number(item['lease_beat'] ?? 0),
    seen: seenLease(item['seen']),
    resendWaitMs: Number(item['resend_wait_ms'] ?? 0),
  };
}

function dueOfItem(item: Item): DueMirror | DueHost | DueNotice {
  const outbox = noticeKeyOf(item);
  if (outbox !== undefined) return { outbox, dueAt: Number(item['due_at']) };
  return String(item['pk']).startsWith('HOST#') ? dueHostOfItem(item) : dueMirrorOfItem(item);
}

function dueHostOfItem({ pk, due_at: dueAt }: Item): DueHost {
  return { host: String(pk).slice('HOST#'.length), dueAt: Number(dueAt) };
}

function seenLease(value: unknown): SeenLease | null {
  if (typeof value !== 'object' || value === null) return null;
  const { lease_token: leaseToken, lease_beat: leaseBeat, at, looked_at: lookedAt } = value as Record<string, unknown>;
  return { leaseToken: String(leaseToken), leaseBeat: Number(leaseBeat), at: Number(at), lookedAt: Number(lookedAt) };
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
