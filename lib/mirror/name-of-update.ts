/** What a change that was done is called in the record. */
import { type HistoryAnswer, questionKey } from '../git/client/history-questions.ts';
import type { RefOutcome } from './outcome.ts';
import type { PlannedChange } from './planning.ts';

/** `updated` or `forced`, where the plan left that open. */
export function nameOfUpdate(
  change: PlannedChange,
  fastForwards: ReadonlyMap<string, HistoryAnswer>,
): Pick<RefOutcome, 'result' | 'reason'> {
  if (change.result !== 'updated_or_forced') return { result: change.result, reason: null };
  const answer = fastForwards.get(questionKey({ commit: change.old ?? '', within: change.new ?? '' }));
  if (answer === 'yes') return { result: 'updated', reason: null };
  if (answer === 'no') return { result: 'forced', reason: null };
  return { result: 'updated', reason: 'not known whether this was a fast-forward' };
}
