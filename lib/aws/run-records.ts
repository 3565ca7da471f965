/** Runs in the table: their summaries, and every ref result, beside them or in chunks. */
import type { Clock } from '../core/clock.ts';
import type { RunRecords } from '../model/records.ts';
import { keptRefs, type LfsFailed, type Run, type RunRef, type RunSummary, runRetentionDays } from '../model/run.ts';
import { countedUpTo, slicePage } from './list-page.ts';
import { type Item, withoutNulls } from './mirror-item.ts';
import { type Condition, isNew, type RecordTable } from './record-table.ts';
import { decodeChunk, encodeChunks } from './ref-chunks.ts';
import { keys } from './table.ts';

/** Longer lists of refs go to items of their own. */
const inlineRefsBytes = 50_000;
/** Of texts that hosts had a part in, so that a run's item stays within DynamoDB's 400 KB. */
const messageCharacters = 30_000;
const noteCharacters = 2_000;
/** 500 LFS objects take 150 KB then. */
const lfsReasonCharacters = 200;
const keptNotes = 30;

/** When DynamoDB may delete it, in seconds; readers leave it out from then on, because DynamoDB takes its time. */
export function expiryOf(at: number): number {
  return Math.floor(at / 1000) + runRetentionDays * 86_400;
}

export function createRunRecords(table: RecordTable, clock: Clock): RunRecords {
  const isKept = (item: Item) => Number(item['expires_at']) > clock.now() / 1000;

  async function write(mirrorId: number, run: Run, condition?: Condition): Promise<void> {
    const refs = run.refs.slice(0, keptRefs);
    const json = JSON.stringify(refs);
    const chunks = Buffer.byteLength(json) <= inlineRefsBytes ? [] : await encodeChunks(refs);
    const item = itemOfRun(mirrorId, run, chunks.length === 0 ? { refs: json } : { ref_chunks: chunks.length });
    // The record first: if it must not be replaced, nor must its chunks. Until they are there, a reader sees fewer refs.
    if (!(await table.put(item, condition))) return;
    for (const [index, { data }] of chunks.entries()) {
      await table.put({ ...keys.runRefs(mirrorId, run.id, index), refs_json: data, expires_at: item['expires_at'] });
    }
  }

  return {
    put: (mirrorId, run) => write(mirrorId, run),
    putIfAbsent: (mirrorId, run) => write(mirrorId, run, isNew),

    async get(mirrorId, runId) {
      const item = await table.get(keys.run(mirrorId, runId));
      if (item === undefined || !isKept(item)) return undefined;
      const refs = typeof item['refs'] === 'string' ? JSON.parse(item['refs']) : await readChunks(table, mirrorId, runId, item);
      const lfsFailures = JSON.parse(String(item['lfs_failures'] ?? '[]')) as LfsFailed[];
      return { ...summaryOfItem(item), refs: refs as RunRef[], refsTotal: Number(item['refs_total']), lfsFailures };
    },

    async list(mirrorId, page) {
      const rows: Item[] = [];
      const enough = Math.max(countedUpTo + 1, page.page * page.perPage + 1);
      const values = { ':pk': keys.run(mirrorId, '').pk, ':run': keys.run(mirrorId, '').sk };
      const condition = { expression: 'pk = :pk AND begins_with(sk, :run)', values };
      const newestFirst = page.sort !== 'asc';
      for await (const row of table.query({ condition, only: ['pk', 'sk', 'expires_at'], newestFirst, consistent: true })) {
        if (!isKept(row)) {
          if (newestFirst) break;
          continue;
        }
        if (rows.push(row) >= enough) break;
      }
      const { items, ...rest } = slicePage(rows, page);
      const found = await table.getMany(items.map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) })));
      return { ...rest, items: found.map(summaryOfItem) };
    },
  };
}

async function readChunks(table: RecordTable, mirrorId: number, runId: string, item: Item): Promise<unknown[]> {
  const wanted = Array.from({ length: Number(item['ref_chunks'] ?? 0) }, (_, index) => keys.runRefs(mirrorId, runId, index));
  const chunks = await table.getMany(wanted);
  return (await Promise.all(chunks.map((chunk) => decodeChunk(chunk['refs_json'] as Uint8Array)))).flat();
}

function itemOfRun(mirrorId: number, run: Run, refs: Item): Item {
  return withoutNulls({
    ...keys.run(mirrorId, run.id),
    ...refs,
    run_trigger: run.trigger,
    started_at: run.startedAt,
    finished_at: run.finishedAt,
    outcome: run.outcome,
    error: run.error === null ? null : { ...run.error, message: shortened(run.error.message, messageCharacters) },
    counts: run.counts,
    relayed_bytes: run.bytes,
    notes: run.notes.slice(0, keptNotes).map((note) => shortened(note, noteCharacters)),
    refs_total: run.refsTotal,
    lfs: run.lfs ?? null,
    lfs_failures: storedFailures(run.lfsFailures ?? []),
    expires_at: expiryOf(run.startedAt),
  });
}

function summaryOfItem(item: Item): RunSummary {
  return {
    id: String(item['sk']).slice('RUN#'.length),
    trigger: item['run_trigger'],
    startedAt: item['started_at'],
    finishedAt: item['finished_at'],
    outcome: item['outcome'],
    error: item['error'] ?? null,
    counts: item['counts'],
    bytes: item['relayed_bytes'],
    notes: item['notes'],
    lfs: item['lfs'] ?? null,
  } as RunSummary;
}

function storedFailures(failures: readonly LfsFailed[]): string | null {
  if (failures.length === 0) return null;
  return JSON.stringify(failures.map((failure) => ({ ...failure, reason: shortened(failure.reason, lfsReasonCharacters) })));
}

function shortened(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}
