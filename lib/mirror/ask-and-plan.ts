/** From the refs of both ends to a plan, with what has to be asked in between. */
import { setImmediate } from 'node:timers/promises';
import type { AskOptions, History } from '../git/client/ask-history.ts';
import { type ContainmentQuestion, type HistoryAnswer, questionKey } from '../git/client/history-questions.ts';
import type { SmallPack } from '../git/client/small-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { planRefs } from './plan.ts';
import type { Candidate, Direction, Plan, SourceRefs, TargetDetails } from './planning.ts';
import type { CompiledRules } from './rules.ts';

export interface AskAndPlanInput {
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
  /** The pack that candidates need, if it is small. Asked once. */
  smallPack(candidates: readonly Candidate[]): Promise<SmallPack | undefined>;
}

export interface Planned {
  readonly plan: Plan;
  readonly smallPack: SmallPack | undefined;
}

/** Each round answers all that the last one needed, so there are at most a few. Throws what the questions throw. */
export async function askAndPlan(input: AskAndPlanInput): Promise<Planned> {
  const { direction, rules, source, values, impossible, history, only, targetDetails } = input;
  const contained = new Map<string, HistoryAnswer>();
  const tags = new Map<Oid, HistoryAnswer>();
  let { details } = input;
  let smallPack: Promise<SmallPack | undefined> | undefined;
  // The plan is made in one go: what takes long is done before, in turns.
  await rules.prepare(source.values.keys());
  await rules.prepare(values.keys());
  for (;;) {
    // A hundred thousand refs take 0.1 s: everything else that waits goes first, here and behind it.
    await setImmediate();
    const planning = planRefs({
      direction,
      rules,
      source,
      target: { values, impossible, ...(details === undefined ? {} : { details }) },
      answers: { contained, tags },
      ...(only === undefined ? {} : { only }),
    });
    await setImmediate();
    smallPack ??= input.smallPack(planning.candidates);
    if (planning.kind === 'plan') return { plan: planning.plan, smallPack: await smallPack };
    const { needs } = planning;
    const [gotDetails, gotContained, gotTags] = await Promise.all([
      needs.targetDetails ? targetDetails() : details,
      smallPack.then((pack) => provenOrAsked(needs.contained, pack, history, { decisive: true })),
      history.tags(needs.tags),
    ]);
    details = gotDetails;
    for (const [key, answer] of gotContained) contained.set(key, answer);
    for (const [oid, answer] of gotTags) tags.set(oid, answer);
  }
}

/** What the small pack proves is not asked. */
export async function provenOrAsked(
  questions: readonly ContainmentQuestion[],
  pack: SmallPack | undefined,
  history: History,
  options: AskOptions,
): Promise<ReadonlyMap<string, HistoryAnswer>> {
  const proven = (await pack?.prove(questions)) ?? new Map<string, HistoryAnswer>();
  const open = questions.filter((question) => !proven.has(questionKey(question)));
  return open.length === 0 ? proven : new Map([...proven, ...(await history.contained(open, options))]);
}
