/** A change of a mirror's settings, and what it means for its status and for the request that may wait. */
import type { Clock } from '../../core/clock.ts';
import type { Mirror, MirrorKey, MirrorSettings } from '../../model/mirror.ts';
import type { Item } from '../table/item.ts';
import { contended, type RecordTable, writeAttempts } from '../table/record-table.ts';
import { keys } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';
import { hostKeysMark } from './host-keys-mark.ts';
import { attributesOf, mirrorOfItem } from './mirror-item.ts';

export interface MirrorChange {
  readonly changes: Partial<MirrorSettings>;
  readonly resetStatus: boolean;
  /** Asked again of what is about to be changed; false = leave it. */
  readonly only?: (mirror: Mirror) => boolean;
}

/** Enabling and un-pausing are followed by a request; should that be lost, the tick starts the run after this long. */
const startWithoutRequestMs = 60_000;

/** What a change depends on. */
const watched = [
  ...['id', 'enabled', 'paused', 'due_at', 'lease_token'],
  ...['url', 'auth_method', 'credential_id', 'secret_name', 'public_key', 'host_keys_mark'],
  ...['only_protected_branches', 'mirror_branch_regex'],
] as const;

/** Of lib/aws/mirrors/mirror-jobs.ts: a request that waits, and the tick's notes on it. */
const requestAttributes = [
  'queued_at',
  'queued_for',
  'queued_due',
  'queued_trigger',
  'queued_confirm',
  'held_until',
  'waiting',
  'resend_wait_ms',
] as const;

/** The mirror as it is now; undefined = gone, or not `only`. What is written depends on what was read: if that has changed, it is read again. */
export async function changeMirror(
  table: RecordTable,
  clock: Clock,
  key: MirrorKey,
  { changes, resetStatus, only }: MirrorChange,
): Promise<Mirror | undefined> {
  for (let attempt = 0; attempt < writeAttempts; attempt++) {
    const item = await table.get(keys.mirror(key));
    if (item === undefined) return undefined;
    const before = mirrorOfItem(item);
    if (only !== undefined && !only(before)) return undefined;
    const { attributes, set } = consequences(before, changes, resetStatus, clock.now());
    if (Object.values(attributes).every((value) => value === undefined) && set.length === 0) return before;
    const { condition, ...known } = unchanged(item);
    const parts = updateExpression(attributes, { set, ...known });
    const after = await table.update(keys.mirror(key), parts, condition);
    if (after !== undefined) return mirrorOfItem(after);
  }
  throw contended();
}

function consequences(before: Mirror, changes: Partial<MirrorSettings>, resetStatus: boolean, now: number) {
  const enabled = changes.enabled ?? before.enabled;
  const leased = before.leaseToken !== null;
  const attributes: Item = attributesOf(changes);
  const set: string[] = [];
  if (changes.hostKeys !== undefined) attributes['host_keys_mark'] = hostKeysMark(changes.hostKeys);
  if (resetStatus) {
    Object.assign(attributes, {
      paused: null,
      failed_runs: 0,
      failing_since: null,
      attempts: 0,
      last_error: null,
      held_until: null,
      waiting: null,
    });
    // It may be another host now, or the same one with what it wanted: the tick starts the run, if no message does.
    if (before.waiting !== null && !leased)
      Object.assign(attributes, { due_at: now + startWithoutRequestMs, queued_due: now + startWithoutRequestMs });
    // A run under way says by itself how it ended.
    if (!leased) attributes['update_status'] = 'none';
  }
  // What was held back, which LFS objects it has and how much it takes was the former target's.
  if (changes.url !== undefined && changes.url !== before.url)
    Object.assign(attributes, { held_back_deletions: 0, lfs_state: null, push_limit: null, recent_deletions: null });
  if (!enabled) {
    for (const name of requestAttributes) attributes[name] = null;
    // A run under way stays in the index: should its worker die, the tick has to see it.
    if (!leased) {
      Object.assign(attributes, { due_at: null, seen: null });
      set.push('done_seq = requested_seq');
    }
  } else if (before.dueAt === null && (resetStatus || !before.paused)) {
    attributes['due_at'] = now + startWithoutRequestMs;
  }
  return { attributes, set };
}

/** Still the same mirror, as enabled, due, leased and set as it was read. */
function unchanged(item: Item): { condition: string; values: Item; names: Record<string, string> } {
  const clauses = watched.map((name, place) => (item[name] === undefined ? `attribute_not_exists(#w${place})` : `#w${place} = :w${place}`));
  return {
    condition: clauses.join(' AND '),
    names: Object.fromEntries(watched.map((name, place) => [`#w${place}`, name])),
    values: Object.fromEntries(watched.flatMap((name, place) => (item[name] === undefined ? [] : [[`:w${place}`, item[name]]]))),
  };
}
