/** The kinds of parameters that calls take. Forms and queries carry text only, so numbers and switches are read from text as well. */
import { z } from 'zod';

/** What GitLab's API takes for a boolean. */
const truths: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['true', 't', 'yes', 'y', 'on', '1'].map((word) => [word, true])),
  ...Object.fromEntries(['false', 'f', 'no', 'n', 'off', '0'].map((word) => [word, false])),
};

export function flag() {
  return z.preprocess(
    (value) => (typeof value === 'string' || typeof value === 'number' ? (truths[String(value).toLowerCase()] ?? value) : value),
    z.boolean(),
  );
}

export function integer({ min, max }: { readonly min: number; readonly max: number }) {
  return z.preprocess(
    (value) => (typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value),
    z.int().min(min).max(max),
  );
}

/** An id that something may or may not have. */
export function idField() {
  return integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const controls = /[\x00-\x1f\x7f]/;

/** Half a character, as JSON can write it: nothing that is not UTF-8 can be stored. */
const halves = /\p{Surrogate}/u;

/** One line, not empty. */
export function line(maxLength: number) {
  return text(maxLength)
    .refine((text) => text.trim() !== '', 'is empty')
    .refine((text) => !controls.test(text), 'holds a line break or control character');
}

/** Any text, empty too: what it may hold is checked elsewhere. */
export function text(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine((text) => !halves.test(text), 'is not valid Unicode');
}

export function choice<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values);
}

/** `name[]=…` in forms, an array in JSON; a single text counts as a list of one. */
export function texts(maxLength: number) {
  return z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(z.string().max(maxLength)).max(1000));
}
