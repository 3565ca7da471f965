/** Checks parameters against a call's schema; every fault names its field, in GitLab's words. */
import type { z } from 'zod';
import { badParameters, type Fault } from './api-error.ts';
import type { Parameters } from './read-parameters.ts';

const shownNames = 10;
const shownCharacters = 60;

/** Refuses with 400. Names in `ignored` are GitLab's and mean nothing here. */
export function checkInput<I extends z.ZodObject>(schema: I, ignored: ReadonlySet<string>, given: Parameters): z.output<I> {
  const known = Object.entries(given).filter(([name]) => !ignored.has(name) || Object.hasOwn(schema.shape, name));
  const strangers = known.map(([name]) => name).filter((name) => !Object.hasOwn(schema.shape, name));
  if (strangers.length > 0) throw badParameters(strangers.slice(0, shownNames).map((name) => ({ field: shown(name), why: 'is unknown' })));
  const result = schema.safeParse(Object.fromEntries(known));
  if (result.success) return result.data;
  const faults = new Map<string, Fault>();
  for (const issue of result.error.issues) {
    const name = String(issue.path[0]);
    if (!faults.has(name)) faults.set(name, { field: name, why: Object.hasOwn(given, name) ? faultOf(issue) : 'is missing' });
  }
  throw badParameters([...faults.values()]);
}

function faultOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value':
      return 'does not have a valid value';
    case 'too_big':
      if (issue.origin === 'string') return `is too long (maximum is ${issue.maximum} characters)`;
      if (issue.origin === 'array') return `has too many entries (maximum is ${issue.maximum})`;
      return `must be at most ${issue.maximum}`;
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'custom':
      return issue.message;
    default:
      return 'is invalid';
  }
}

function shown(name: string): string {
  const printable = JSON.stringify(name).slice(1, -1);
  return printable.length > shownCharacters ? `${printable.slice(0, shownCharacters)}…` : printable;
}
