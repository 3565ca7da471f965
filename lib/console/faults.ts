/** What the API found wrong with a form, by field, to be shown beside the fields. */
import type { Answer } from '../api/http/answer.ts';

export interface Faults {
  /** Field → what is wrong with it. */
  readonly fields: Readonly<Record<string, string>>;
  /** What belongs to no field. */
  readonly general: readonly string[];
  readonly code: string | undefined;
  readonly hint: string | undefined;
}

export const noFaults: Faults = { fields: {}, general: [], code: undefined, hint: undefined };

interface RefusalBody {
  readonly error?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly hint?: unknown;
}

/** `names` are the form's fields: faults of others are general. An answer that is no refusal has none. */
export function faultsOf({ status, body }: Answer, names: readonly string[]): Faults {
  if (status < 400) return noFaults;
  const { error, message, code, hint } = (typeof body === 'object' && body !== null ? body : {}) as RefusalBody;
  const fields: Record<string, string> = {};
  const general: string[] = [];
  const add = (name: string, fault: string): void => {
    if (!names.includes(name)) general.push(`${name} ${fault}`);
    else fields[name] = fields[name] === undefined ? sentence(fault) : `${fields[name]} ${sentence(fault)}`;
  };
  if (typeof error === 'string') {
    // `username, auth_user are mutually exclusive` is one fault.
    const firstSpace = error.indexOf(' ') + 1;
    const [begin = '', ...others] = error.slice(firstSpace).split(', ');
    for (const part of [error.slice(0, firstSpace) + begin, ...others]) {
      const [name = '', ...words] = part.split(' ');
      if (names.includes(name)) add(name, words.join(' '));
      else general.push(part);
    }
  } else if (typeof message === 'object' && message !== null) {
    for (const [name, faults] of Object.entries(message)) {
      for (const fault of Array.isArray(faults) ? faults : [faults]) add(name, String(fault));
    }
  } else {
    general.push(typeof message === 'string' ? message : `The request was refused (${status}).`);
  }
  return { fields, general: general.map(sentence), code: textOrNone(code), hint: textOrNone(hint) };
}

function sentence(fault: string): string {
  const begun = fault.charAt(0).toUpperCase() + fault.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
