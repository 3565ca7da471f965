/** What the API found wrong with a form, by field, to be shown beside the fields. */
import type { Answer } from '../api/http/answer.ts';
import type { RefusedAnswer } from '../api/http/api-error.ts';

export interface Faults {
  /** Field → what is wrong with it. */
  readonly fields: Readonly<Record<string, string>>;
  /** What belongs to no field. */
  readonly general: readonly string[];
  readonly code: string | undefined;
  readonly hint: string | undefined;
}

export const noFaults: Faults = { fields: {}, general: [], code: undefined, hint: undefined };

/** `names` are the form's fields: faults of others are general. An answer that is no refusal has none. */
export function faultsOf(answer: Answer | RefusedAnswer, names: readonly string[]): Faults {
  if (!('refusal' in answer)) return noFaults;
  const { message, faults, code, hint } = answer.refusal;
  const fields: Record<string, string> = {};
  const general = message === undefined ? [] : [message];
  for (const { field, why } of faults) {
    if (!names.includes(field)) general.push(`${field} ${why}`);
    else fields[field] = fields[field] === undefined ? sentence(why) : `${fields[field]} ${sentence(why)}`;
  }
  return { fields, general: general.map(sentence), code, hint };
}

function sentence(fault: string): string {
  const begun = fault.charAt(0).toUpperCase() + fault.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
