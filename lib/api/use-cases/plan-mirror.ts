/** A dry run for the API: what a run of this mirror would do, within the time that API Gateway waits. */
import { z } from 'zod';
import { GitferryError } from '../../core/errors.ts';
import type { Credential } from '../../credentials/credential.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Shown } from '../http/answer.ts';
import { ApiError, codedError } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';
import type { ProjectCall } from '../http/endpoint.ts';
import { boundedRefs, lfsFailureSchema, runRefSchema } from '../output/show-run.ts';

export const planSchema = z
  .object({
    outcome: z.enum(['success', 'partial', 'failed']),
    error: z.object({ code: z.string(), message: z.string(), hint: z.string(), retry_after_seconds: z.number().optional() }).nullable(),
    refs: z.array(runRefSchema),
    refs_total: z.int(),
    refs_truncated: z.boolean(),
    counts: z.record(z.string(), z.int()),
    bytes: z.int(),
    duration_ms: z.int(),
    dry_run: z.boolean(),
    notes: z.array(z.object({ code: z.string(), message: z.string() })),
    lfs: z
      .object({
        ...{ scan: z.string(), moved: z.int(), skipped: z.int(), failed: z.int(), bytes: z.int() },
        failures: z.array(lfsFailureSchema),
      })
      .nullable(),
    deletions_of: z.int().optional().meta({ description: 'Matching refs of the target before the deletions of the last 24 hours' }),
  })
  .meta({ id: 'Plan' });

/** `credential` is what `unsavedSecret` in its settings stands for. Refuses with 504 when the time is up, 400 where the mirror's credential is gone, 409 in silent mode, in which no host is contacted. */
export async function planMirror(
  { deps, project }: Pick<ProjectCall<unknown>, 'deps' | 'project'>,
  mirror: Mirror,
  credential?: Credential,
): Promise<Shown<typeof planSchema>> {
  const { silentModeEnabled } = await deps.records.settings.get();
  if (silentModeEnabled) throw new ApiError(409, { message: 'Silent mode is on: no host is contacted', code: 'silent_mode' });
  try {
    const outcome = await deps.plan({
      mirror,
      project,
      timeoutMs: apiLimits.answerMs,
      ...(credential === undefined ? {} : { credential }),
    });
    if (outcome.error?.code === 'deadline_exceeded') throw codedError(504, outcome.error);
    return { ...outcome, ...boundedRefs(outcome.refs.slice(0, apiLimits.planRefs), outcome.refs.length) };
  } catch (error) {
    if (!(error instanceof GitferryError)) throw error;
    if (error.code === 'deadline_exceeded') throw codedError(504, error);
    throw error.disposition === 'park' ? codedError(400, error) : error;
  }
}
