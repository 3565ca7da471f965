/** From the refs of both ends to a plan, with what has to be asked in between. */
import type { History } from '../git/client/ask-history.ts';
import type { HistoryAnswer } from '../git/client/history-questions.ts';
import type { Oid } from '../git/object-id.ts';
import { planRefs } from './plan.ts';
import type { Direction, Plan, SourceRefs, TargetDetails } from './planning.ts';
import type { CompiledRules } from './rules.ts';

export interface PlanInput {
  readonly direction: Direction;
  readonly rules: CompiledRules;
  readonly source: SourceRefs;
  /** The target's refs, by name. */
  readonly values: ReadonlyMap<string, Oid>;
  readonly impossible: ReadonlySet<string>;
  readonly history: History;
  /** Refs to plan for; undefined = all. */
  readonly only: ReadonlySet<string> | undefined;
  /** Where they are known already. */
  readonly details?: TargetDetails | undefined;
  targetDetails(): Promise<TargetDetails>;
}

/** Each round answers all that the last one needed, so there are at most a few. Throws what the questions throw. */
export async function askAndPlan({
  direction,
  rules,
  source,
  values,
  impossible,
  history,
  only,
  details: given,
  targetDetails,
}: PlanInput): Promise<Plan> {
  const contained = new Map<string, HistoryAnswer>();
  const tags = new Map<Oid, HistoryAnswer>();
  let details = given;
  // The plan is made in one go: what takes long is done before, in turns.
  await rules.prepare(source.values.keys());
  await rules.prepare(values.keys());
  for (;;) {
    const planning = planRefs({
      direction,
      rules,
      source,
      target: { values, impossible, ...(details === undefined ? {} : { details }) },
      answers: { contained, tags },
      ...(only === undefined ? {} : { only }),
    });
    if (planning.kind === 'plan') return planning.plan;
    const { needs } = planning;
    const [gotDetails, gotContained, gotTags] = await Promise.all([
      needs.targetDetails ? targetDetails() : details,
      history.contained(needs.contained, { decisive: true }),
      history.tags(needs.tags),
    ]);
    details = gotDetails;
    for (const [key, answer] of gotContained) contained.set(key, answer);
    for (const [oid, answer] of gotTags) tags.set(oid, answer);
  }
}
