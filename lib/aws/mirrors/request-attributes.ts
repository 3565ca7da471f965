/** What a waiting request is on a mirror's item: `queued_*`, and `due_at`, at which the tick looks at it. */
import { serviceLimits } from '../../core/service-limits.ts';
import type { UpdateRequest } from '../../jobs/mirror-jobs.ts';
import type { Trigger } from '../../model/run.ts';
import type { Item } from '../table/item.ts';

/** Attributes of a request that waits, all gone. */
export const nothingQueued = {
  queued_at: null,
  queued_for: null,
  queued_due: null,
  queued_trigger: null,
  queued_confirm: null,
  queued_refs: null,
  queued_named: null,
  held_until: null,
};

export const scheduleTrigger: Trigger = { kind: 'schedule', who: '' };

/** SQS delays a message by at most this; a later start has no message, the tick sends it in time. */
const longestDelayMs = 900_000;

/** When the tick takes the message of a request for lost. */
export function dueOf(startAt: number, now: number, grace: number = serviceLimits.graceMs): number {
  return startAt - now > longestDelayMs ? startAt : startAt + grace;
}

/** Attributes of a request that a message for `startAt` was or will be sent for. */
export function wokenBy(startAt: number, now: number): Item {
  const due = dueOf(startAt, now);
  return { queued_due: due, due_at: due };
}

/** Clauses and values of one more request: what an earlier one that still waits has set, stays. */
export function queuedBy({ trigger, now, startAt, graceMs: grace, refs = [] }: UpdateRequest): {
  set: string[];
  add: string[];
  values: Item;
} {
  return {
    // A set, so that names of several requests come together; and how many requests have named theirs.
    add: refs.length === 0 ? [] : ['queued_refs :refs', 'queued_named :one'],
    set: [
      'requested_seq = requested_seq + :one',
      'queued_at = if_not_exists(queued_at, :now)',
      'queued_for = if_not_exists(queued_for, :start)',
      'queued_due = if_not_exists(queued_due, :due)',
      'due_at = if_not_exists(queued_due, :due)',
      // A person wants to find their own name in the record.
      trigger.kind === 'manual' ? 'queued_trigger = :trigger' : 'queued_trigger = if_not_exists(queued_trigger, :trigger)',
    ],
    values: {
      ':one': 1,
      ':now': now,
      ':start': startAt,
      ':due': dueOf(startAt, now, grace),
      ':trigger': trigger,
      ':true': true,
      ...(refs.length === 0 ? {} : { ':refs': new Set(refs) }),
    },
  };
}
