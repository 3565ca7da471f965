/** The writes that give a lease back: settled, settled with a follow-up run, or asked for again. */
import type { Release } from '../../jobs/mirror-jobs.ts';
import type { Item } from '../table/item.ts';
import { type UpdateParts, updateExpression } from '../table/update-expression.ts';
import { attributesOf } from './mirror-item.ts';
import { nothingQueued, scheduleTrigger, wokenBy } from './request-attributes.ts';

export interface ReleaseForm {
  readonly answer: 'done' | 'queued';
  readonly parts: UpdateParts;
  /** Beside those that say who holds the lease. */
  readonly conditions: readonly string[];
}

/**
 * To be tried in this order; the first whose conditions hold counts. `values` belong to the caller's own conditions; `mark` stays on the item, so that the
 * caller knows its own write again.
 */
export function releaseForms({ status, now, nextDueAt, followUpAt, again }: Release, values: Item, mark: string): readonly ReleaseForm[] {
  const freed = {
    ...attributesOf(status),
    lease_token: null,
    lease_beat: 0,
    release_mark: mark,
    run_trigger: null,
    run_confirm_deletions: null,
    run_requested_at: null,
    waiting: null,
    run_refs: null,
    run_named: null,
    ...nothingSeen,
  };
  if (status.paused === true) {
    // The schedule has given up: whatever waits is settled too, but not what a person has asked for meanwhile, who may have mended it.
    const changes = { ...freed, ...nothingQueued, due_at: null };
    const byHand = { values: { ...values, ':manual': 'manual' }, names: { '#kind': 'kind' } };
    const { paused: _, ...resumed } = { ...status, failedRuns: 0, failingSince: null };
    return [
      {
        answer: 'done',
        parts: updateExpression(changes, { set: ['done_seq = requested_seq'], ...byHand }),
        conditions: ['(attribute_not_exists(queued_trigger) OR queued_trigger.#kind <> :manual)'],
      },
      ...releaseForms({ status: resumed, now, nextDueAt: followUpAt, followUpAt }, values, mark),
    ];
  }
  if (again !== undefined) {
    const { startAt, trigger, confirmDeletions, since, waiting } = again;
    const set = [
      since === undefined ? 'queued_at = if_not_exists(queued_at, :now)' : 'queued_at = :now',
      'queued_for = :start',
      // One that came during the run by hand is the one to name.
      trigger.kind === 'manual' ? 'queued_trigger = :trigger' : 'queued_trigger = if_not_exists(queued_trigger, :trigger)',
    ];
    // A message of an earlier request may still be on its way: it must not start the retry before its time.
    const { until = startAt, ...listed } = waiting ?? {};
    const heldUntil = until > now ? until : null;
    const changes = {
      ...freed,
      ...wokenBy(until, now),
      held_until: heldUntil,
      waiting: waiting === undefined ? null : listed,
      ...(confirmDeletions ? { queued_confirm: true } : {}),
    };
    const all = { ...values, ':now': since ?? now, ':start': startAt, ':trigger': trigger };
    return [{ answer: 'queued', parts: updateExpression(changes, { set, values: all }), conditions: [] }];
  }
  return [
    {
      answer: 'done',
      parts: updateExpression({ ...freed, due_at: nextDueAt }, { set: ['done_seq = started_seq'], values }),
      conditions: ['requested_seq = started_seq'],
    },
    {
      answer: 'queued',
      parts: updateExpression(
        { ...freed, ...wokenBy(followUpAt, now) },
        {
          set: [
            'done_seq = started_seq',
            'queued_at = if_not_exists(queued_at, :now)',
            'queued_for = :start',
            'queued_trigger = if_not_exists(queued_trigger, :schedule)',
          ],
          values: { ...values, ':now': now, ':start': followUpAt, ':schedule': scheduleTrigger },
        },
      ),
      conditions: [],
    },
  ];
}

const nothingSeen = { seen: null, resend_wait_ms: null };
