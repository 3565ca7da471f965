/** Runs and their refs as the API shows them. */
import { z } from 'zod';
import { limits } from '../../core/limits.ts';
import { Turns } from '../../core/turns.ts';
import type { Run, RunRef, RunSummary } from '../../model/run.ts';
import { isoTime, type Shown } from '../http/answer.ts';
import { apiLimits } from '../http/api-limits.ts';
import type { Hide } from './hide-addresses.ts';

export const runRefSchema = z.object({
  ref: z.string(),
  result: z.string(),
  old: z.string().nullable(),
  new: z.string().nullable(),
  reason: z.string().nullable(),
});

export const lfsFailureSchema = z.object({
  oid: z.string(),
  size: z.int(),
  path: z.string().nullable(),
  code: z.string(),
  reason: z.string(),
});

export const runSchema = z
  .object({
    id: z.string(),
    trigger: z.object({
      kind: z.enum(['event', 'schedule', 'manual']),
      who: z.string(),
      retry: z.literal(true).optional().meta({ description: 'Tried again by itself after a failure' }),
    }),
    started_at: z.iso.datetime(),
    finished_at: z.iso.datetime(),
    outcome: z.enum(['success', 'partial', 'failed']),
    error: z.object({ code: z.string(), message: z.string(), hint: z.string() }).nullable(),
    counts: z.record(z.string(), z.int()),
    bytes: z.int(),
    path: z.enum(['ordinary', 'narrow']),
    requests: z.int().nullable(),
    duration_ms: z.int(),
    notes: z.array(z.string()),
    lfs: z.object({ moved: z.int(), skipped: z.int(), failed: z.int(), bytes: z.int() }).nullable(),
    slices: z.int(),
  })
  .meta({ id: 'Run' });

export const runWithRefsSchema = runSchema
  .extend({ refs: z.array(runRefSchema), refs_total: z.int(), refs_truncated: z.boolean(), lfs_failures: z.array(lfsFailureSchema) })
  .meta({ id: 'RunWithRefs' });

const hideNothing: Hide = (words) => words;

export function showRun(run: RunSummary, hidden: Hide = hideNothing): Shown<typeof runSchema> {
  const { error } = run;
  return {
    id: run.id,
    trigger: { kind: run.trigger.kind, who: run.trigger.who, ...(run.trigger.retry === true ? { retry: true } : {}) },
    started_at: isoTime(run.startedAt),
    finished_at: isoTime(run.finishedAt),
    outcome: run.outcome,
    error: error === null ? null : { code: error.code, message: hidden(error.message), hint: hidden(error.hint) },
    counts: run.counts,
    bytes: run.bytes,
    path: run.path ?? 'ordinary',
    requests: run.requests ?? null,
    duration_ms: Math.max(0, run.finishedAt - run.startedAt),
    notes: run.notes.map(hidden),
    lfs: run.lfs ?? null,
    slices: run.slices ?? 0,
  };
}

/** In short turns: thousands of refs may each have a reason of 500 characters, which is looked through for addresses. */
export async function showRunWithRefs(run: Run, hidden: Hide = hideNothing): Promise<Shown<typeof runWithRefsSchema>> {
  const turns = new Turns(limits.turnMs);
  const refs: RunRef[] = [];
  for (const ref of run.refs) {
    refs.push({ ...ref, reason: ref.reason === null ? null : hidden(ref.reason) });
    const pause = turns.pause();
    if (pause !== undefined) await pause;
  }
  return {
    ...showRun(run, hidden),
    ...boundedRefs(refs, run.refsTotal),
    lfs_failures: (run.lfsFailures ?? []).map((failure) => ({ ...failure, path: failure.path ?? null, reason: hidden(failure.reason) })),
  };
}

/** As many refs as fit, and how many there are. */
export function boundedRefs(refs: readonly RunRef[], total: number) {
  let bytes = 0;
  const fitting = refs.findIndex((ref) => {
    bytes += Buffer.byteLength(JSON.stringify(ref)) + 1;
    return bytes > apiLimits.refsBytes;
  });
  const shown = fitting < 0 ? refs : refs.slice(0, fitting);
  return { refs: shown, refs_total: total, refs_truncated: shown.length < total };
}
