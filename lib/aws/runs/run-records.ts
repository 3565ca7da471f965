/** Runs in the table: their summaries, and what is long of each (ref results, LFS failures) in items of its own. */
import type { Clock } from '../../core/clock.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { RunRecords } from '../../model/records.ts';
import type { LfsFailed, Run, RunRef, RunSummary } from '../../model/run.ts';
import { type Item, withoutNulls } from '../table/item.ts';
import { rowsForPage, slicePage, totalOf } from '../table/list-page.ts';
import { type Condition, isNew, type RecordTable } from '../table/record-table.ts';
import { decodeChunk, encodeChunks } from '../table/ref-chunks.ts';
import { type ItemKey, keys } from '../table/table.ts';

/** Longer lists of refs, and of LFS failures, go to items of their own, so that a list of runs reads little for each. A run of an event fits. */
const inlineBytes = 1_000;
/** 500 LFS objects fit into one chunk then. */
const lfsReasonCharacters = 200;

/** When DynamoDB may delete it, in seconds; readers leave it out from then on, because DynamoDB takes its time. */
export function expiryOf(at: number): number {
  return Math.floor(at / 1000) + serviceLimits.runDays * 86_400;
}

export function createRunRecords(table: RecordTable, clock: Clock): RunRecords {
  const isKept = (item: Item) => Number(item['expires_at']) > clock.now() / 1000;

  async function write(mirrorId: number, run: Run, condition?: Condition): Promise<void> {
    const refs = await inOrBeside(run.refs.slice(0, serviceLimits.runRefs));
    const failures = await inOrBeside((run.lfsFailures ?? []).map(storedFailure));
    const item = itemOfRun(mirrorId, run, {
      refs: refs.json,
      ref_chunks: refs.chunks.length === 0 ? null : refs.chunks.length,
      lfs_failures: (run.lfsFailures ?? []).length === 0 ? null : failures.json,
      lfs_failure_chunks: failures.chunks.length === 0 ? null : failures.chunks.length,
    });
    // The record first: if it must not be replaced, nor must its chunks. Until they are there, a reader sees fewer refs.
    if (!(await table.put(item, condition))) return;
    const expiry = { expires_at: item['expires_at'] };
    const beside = [
      ...refs.chunks.map((data, index) => ({ ...keys.runRefs(mirrorId, run.id, index), refs_json: data, ...expiry })),
      ...failures.chunks.map((data, index) => ({ ...keys.runLfs(mirrorId, run.id, index), lfs_json: data, ...expiry })),
    ];
    await Promise.all(beside.map((chunk) => table.put(chunk)));
  }

  return {
    put: (mirrorId, run) => write(mirrorId, run),
    putIfAbsent: (mirrorId, run) => write(mirrorId, run, isNew),

    async get(mirrorId, runId) {
      const item = await table.get(keys.run(mirrorId, runId));
      if (item === undefined || !isKept(item)) return undefined;
      const [refs, failures] = await Promise.all([
        readParts(table, item['refs'], item['ref_chunks'], (index) => keys.runRefs(mirrorId, runId, index)),
        readParts(table, item['lfs_failures'], item['lfs_failure_chunks'], (index) => keys.runLfs(mirrorId, runId, index)),
      ]);
      return {
        ...summaryOfItem(item),
        refs: refs as RunRef[],
        refsTotal: Number(item['refs_total']),
        lfsFailures: failures as LfsFailed[],
      };
    },

    async list(mirrorId, page) {
      const values = { ':pk': keys.run(mirrorId, '').pk, ':run': keys.run(mirrorId, '').sk };
      const condition = { expression: 'pk = :pk AND begins_with(sk, :run)', values };
      const query = { condition, only: ['pk', 'sk', 'expires_at'], newestFirst: page.sort !== 'asc', consistent: true };
      const { rows, ...counted } = await rowsForPage(table.pages(query), page, (row) =>
        isKept(row) ? { value: { pk: String(row['pk']), sk: String(row['sk']) }, count: 1 } : undefined,
      );
      const { items, hasNext } = slicePage(rows, page);
      return { items: (await table.getMany(items)).map(summaryOfItem), total: totalOf(counted), hasNext };
    },
  };
}

/** As JSON where it is short, else in chunks. */
async function inOrBeside(list: readonly unknown[]): Promise<{ readonly json: string | null; readonly chunks: readonly Uint8Array[] }> {
  const json = JSON.stringify(list);
  if (Buffer.byteLength(json) <= inlineBytes) return { json, chunks: [] };
  return { json: null, chunks: (await encodeChunks(list)).map(({ data }) => data) };
}

async function readParts(table: RecordTable, json: unknown, count: unknown, keyOf: (index: number) => ItemKey): Promise<unknown[]> {
  if (typeof json === 'string') return JSON.parse(json) as unknown[];
  const chunks = await table.getMany(Array.from({ length: Number(count ?? 0) }, (_, index) => keyOf(index)));
  return (await Promise.all(chunks.map((chunk) => decodeChunk((chunk['refs_json'] ?? chunk['lfs_json']) as Uint8Array)))).flat();
}

function itemOfRun(mirrorId: number, run: Run, refs: Item): Item {
  return withoutNulls({
    ...keys.run(mirrorId, run.id),
    ...refs,
    run_trigger: run.trigger,
    started_at: run.startedAt,
    finished_at: run.finishedAt,
    outcome: run.outcome,
    error: run.error === null ? null : { ...run.error, message: shortened(run.error.message, serviceLimits.messageCharacters) },
    counts: run.counts,
    relayed_bytes: run.bytes,
    run_path: run.path ?? null,
    requests: run.requests ?? null,
    notes: run.notes.slice(0, serviceLimits.runNotes).map((note) => shortened(note, serviceLimits.noteCharacters)),
    refs_total: run.refsTotal,
    lfs: run.lfs ?? null,
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
    ...(item['run_path'] === undefined ? {} : { path: item['run_path'], requests: item['requests'] }),
    notes: item['notes'],
    lfs: item['lfs'] ?? null,
  } as RunSummary;
}

function storedFailure(failure: LfsFailed): LfsFailed {
  return { ...failure, reason: shortened(failure.reason, lfsReasonCharacters) };
}

function shortened(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
}
