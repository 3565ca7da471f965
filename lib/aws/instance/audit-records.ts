/** The audit trail in the table: a partition a month for the instance, and the index `list` for a project's part. Nothing deletes a record but its time to live. */
import type { Clock } from '../../core/clock.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { AuditEvent, AuditFilter, NewAuditEvent } from '../../model/audit-event.ts';
import type { AuditRecords, PageRequest } from '../../model/records.ts';
import type { Item } from '../table/item.ts';
import { contended, isNew, type RecordQuery, type RecordTable, writeAttempts } from '../table/record-table.ts';
import { type ItemKey, indexes } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';

const idsPerMs = 1000;
const dayMs = 24 * 3600_000;
/** The longest that a deployment may keep records: nothing is older. */
const longestDays = 3650;

function timeOf(id: number): number {
  return Math.floor(id / idsPerMs);
}

function monthOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 7);
}

function sortKey(id: number): string {
  return String(id).padStart(16, '0');
}

function keyOf(id: number): ItemKey {
  return { pk: `AUDIT#${monthOf(timeOf(id))}`, sk: sortKey(id) };
}

/** Those of the instance lie in that of project 0, which there is not. */
function bucketOf(projectId: number | null): string {
  return `AUDIT#${projectId ?? 0}`;
}

/** One per process: refusals are counted in it. `days`: how long a record is kept. */
export function createAuditRecords(table: RecordTable, clock: Clock, days: number): AuditRecords {
  // Generic cell rate algorithm: the time at which all refusals that were written are paid for. A storm of strangers hides nothing of those whom we know.
  const strangers = { paidAt: 0, uncounted: 0 };
  const known = { paidAt: 0, uncounted: 0 };

  async function put(event: NewAuditEvent, uncountedBefore: number): Promise<number> {
    for (let attempt = 0; attempt < writeAttempts; attempt++) {
      const at = clock.now();
      const id = at * idsPerMs + Math.floor(clock.random() * idsPerMs);
      const item = {
        ...keyOf(id),
        list_bucket: bucketOf(event.project?.id ?? null),
        list_id: id,
        audit_open: event.status === null,
        audit: { ...event, uncounted: uncountedBefore },
        expires_at: Math.ceil((at + days * dayMs) / 1000),
      };
      // A repeat of the SDK's after a lost answer finds its own record and writes another: two records of one event, never none.
      if (await table.put(item, isNew)) return id;
    }
    throw contended();
  }

  return {
    add: (event) => put(event, 0),

    async finish(id, end) {
      const names = { '#status': 'status', '#changes': 'changes', '#target': 'target', '#project': 'project', '#open': 'audit_open' };
      const values = {
        ':status': end.status,
        ':changes': end.changes,
        ':target': end.target,
        ':project': end.project,
        ':open': true,
        ':no': false,
      };
      const set = [
        'audit.#status = :status',
        'audit.#changes = :changes',
        'audit.#target = :target',
        'audit.#project = :project',
        '#open = :no',
      ];
      // Only what was begun and has no end: a record that is whole is never written again.
      await table.update(keyOf(id), updateExpression({}, { set, names, values }), 'attribute_exists(pk) AND #open = :open');
    },

    async addRefused(event) {
      const now = clock.now();
      const { auditRefusals, auditRefusalMs } = serviceLimits;
      const bound = event.author.kind === 'unknown' ? strangers : known;
      const paidAt = Math.max(bound.paidAt, now) + auditRefusalMs;
      if (paidAt > now + auditRefusals * auditRefusalMs) {
        bound.uncounted++;
        return;
      }
      const told = bound.uncounted;
      bound.paidAt = paidAt;
      bound.uncounted = 0;
      await put(event, told);
    },

    async get(id) {
      const item = await table.get(keyOf(id));
      return item === undefined || isOver(item, clock) ? undefined : eventOfItem(item);
    },

    async list(filter, request) {
      const { page, perPage, idAfter, sort } = request;
      const skipped = idAfter === undefined ? (page - 1) * perPage : 0;
      const found: AuditEvent[] = [];
      let [matches, read, border] = [0, 0, 0];
      for await (const item of rowsOf(table, rangeOf(filter, request, clock.now(), days), sort !== 'asc')) {
        if (idAfter !== undefined && read >= serviceLimits.auditRowsRead) return { items: found, total: undefined, hasNext: true, border };
        read++;
        const event = eventOfItem(item);
        border = event.id;
        if (isOver(item, clock) || !fits(event, filter) || ++matches <= skipped) continue;
        if (found.length === perPage) return { items: found, total: undefined, hasNext: true };
        found.push(event);
      }
      return { items: found, total: undefined, hasNext: false };
    },
  };
}

interface IdRange {
  readonly projectId: number | null | undefined;
  readonly least: number;
  readonly most: number;
}

function rangeOf(filter: AuditFilter, { idAfter, sort }: PageRequest, now: number, days: number): IdRange {
  // A minute more at the end: the clocks of two functions differ.
  const least = Math.max(filter.after ?? now - days * dayMs, now - longestDays * dayMs) * idsPerMs;
  const most = Math.min((filter.before ?? Number.POSITIVE_INFINITY) * idsPerMs + idsPerMs - 1, (now + 60_000) * idsPerMs);
  if (idAfter === undefined) return { projectId: filter.projectId, least, most };
  return sort === 'asc'
    ? { projectId: filter.projectId, least: Math.max(least, idAfter + 1), most }
    : { projectId: filter.projectId, least, most: Math.min(most, idAfter - 1) };
}

async function* rowsOf(table: RecordTable, { projectId, least, most }: IdRange, newestFirst: boolean): AsyncGenerator<Item> {
  if (least > most) return;
  const paged = { newestFirst, pageSize: serviceLimits.auditPageRows };
  if (projectId !== undefined) {
    const values = { ':bucket': bucketOf(projectId), ':least': least, ':most': most };
    const condition: RecordQuery['condition'] = { expression: 'list_bucket = :bucket AND list_id BETWEEN :least AND :most', values };
    yield* table.query({ condition, index: indexes.list, ...paged });
    return;
  }
  const months = monthsBetween(timeOf(least), timeOf(most));
  for (const month of newestFirst ? months.reverse() : months) {
    const values = { ':pk': `AUDIT#${month}`, ':least': sortKey(Math.max(0, least)), ':most': sortKey(most) };
    yield* table.query({ condition: { expression: 'pk = :pk AND sk BETWEEN :least AND :most', values }, ...paged });
  }
}

/** `2026-11`, `2026-12`. Not more than records are kept for, whatever was asked. */
function monthsBetween(fromMs: number, toMs: number): string[] {
  const [from, to] = [new Date(fromMs), new Date(toMs)];
  const count = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth() + 1;
  return Array.from({ length: Math.max(0, count) }, (_, month) => monthOf(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + month)));
}

function fits({ author, target }: AuditEvent, filter: AuditFilter): boolean {
  return (
    (filter.authorId === undefined || author.id === filter.authorId) &&
    (filter.authorName === undefined || author.name === filter.authorName) &&
    (filter.targetType === undefined || target.type === filter.targetType) &&
    (filter.targetId === undefined || target.id === filter.targetId)
  );
}

/** DynamoDB deletes late. */
function isOver(item: Item, clock: Clock): boolean {
  return Number(item['expires_at']) <= clock.now() / 1000;
}

function eventOfItem(item: Item): AuditEvent {
  const id = Number(item['sk']);
  return { ...(item['audit'] as NewAuditEvent & Pick<AuditEvent, 'uncounted'>), id, at: timeOf(id) };
}
