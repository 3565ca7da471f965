/** Masks secrets in their forms: short ones by one expression, long ones by their beginning and then step by step. */
import type { SecretForm } from './secret-forms.ts';

/** Longer forms are no part of an expression: one for 4,096 characters in every escape takes seconds to compile. */
const mostSteps = 128;
/** What a longer form is found by. Behind it, as much is masked as goes on like the secret. */
const headSteps = 64;

export interface Mask {
  (text: string): string;
  /** Characters of all expressions. */
  readonly size: number;
}

/** `flags` is `i` where case does not count. */
export function maskOf(forms: readonly SecretForm[], flags: '' | 'i', shown: string): Mask {
  const isLong = ({ length }: SecretForm) => length > mostSteps;
  // Long ones first: a secret may be part of another.
  const sorted = [...forms].sort((one, other) => other.length - one.length);
  const long = longMasks(sorted.filter(isLong), flags, shown);
  const short = [...new Set(sorted.filter((form) => !isLong(form)).map(expressionOf))].sort((a, b) => b.length - a.length);
  const expression = short.length === 0 ? undefined : new RegExp(short.join('|'), `g${flags}`);
  const mask = (text: string): string => {
    const rest = long.reduce((all, { apply }) => apply(all), text);
    return expression === undefined ? rest : rest.replace(expression, shown);
  };
  return Object.assign(mask, { size: short.join('|').length + long.reduce((sum, { head }) => sum + head.source.length, 0) });
}

function expressionOf(form: SecretForm): string {
  return form.map((patterns) => (patterns.length === 1 ? patterns[0] : `(?:${patterns.join('|')})`)).join('');
}

interface LongMask {
  readonly head: RegExp;
  apply(text: string): string;
}

/** Where a pattern that stands at `at` ends; -1 = it does not stand there. */
type EndOfStep = (pattern: string, text: string, at: number) => number;

function longMasks(forms: readonly SecretForm[], flags: string, shown: string): readonly LongMask[] {
  const byHead = new Map<string, SecretForm[]>();
  for (const form of forms) {
    const head = expressionOf(form.slice(0, headSteps));
    byHead.set(head, [...(byHead.get(head) ?? []), form]);
  }
  const steps = new Map<string, RegExp>();
  const endOfStep: EndOfStep = (pattern, text, at) => {
    const step = steps.get(pattern) ?? new RegExp(pattern, `y${flags}`);
    steps.set(pattern, step);
    step.lastIndex = at;
    return step.test(text) ? step.lastIndex : -1;
  };
  return [...byHead].map(([source, alike]) => {
    const head = new RegExp(source, `g${flags}`);
    const endFrom = (text: string, from: number) => Math.max(...alike.map((form) => endOf(form, text, from, endOfStep)));
    return { head, apply: (text) => maskLong(text, head, endFrom, shown) };
  });
}

function maskLong(text: string, head: RegExp, endFrom: (text: string, from: number) => number, shown: string): string {
  let result = '';
  let from = 0;
  head.lastIndex = 0;
  for (let found = head.exec(text); found !== null; found = head.exec(text)) {
    result += text.slice(from, found.index) + shown;
    from = Math.max(head.lastIndex, endFrom(text, found.index));
    head.lastIndex = from;
  }
  return result + text.slice(from);
}

/** How far the text goes on like this form. A character and its escape may both stand there (`%` and `%25`): each is gone on from. */
function endOf(form: SecretForm, text: string, from: number, endOfStep: EndOfStep): number {
  let places = new Set([from]);
  for (const patterns of form) {
    const next = new Set<number>();
    for (const place of places) for (const pattern of patterns) next.add(endOfStep(pattern, text, place));
    next.delete(-1);
    if (next.size === 0) break;
    places = next;
  }
  return Math.max(...places);
}
