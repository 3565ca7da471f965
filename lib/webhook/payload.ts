/** What is in a body: JSON, or a form with the JSON in its field `payload`; and reading it without trusting its shape. */
import { isWithinBounds } from '../core/json-bounds.ts';
import { webhookLimits } from './webhook-limits.ts';

export type Payload = { readonly readable: true; readonly value: unknown } | { readonly readable: false };

/**
 * Parses once, as UTF-8 whatever the content type says. An empty body is readable and undefined; `too_large` is what has more levels or values than any
 * event. Never throws.
 */
export function parsePayload(body: Uint8Array): Payload | 'too_large' {
  const text = decode(body);
  if (text === '') return { readable: true, value: undefined };
  // By its first character and not by the content type: some senders get that wrong.
  const field = /^[{["]/.test(text) ? undefined : formField(body, 'payload');
  if (!isWithinBounds(field ?? body, webhookLimits.json)) return 'too_large';
  try {
    return { readable: true, value: JSON.parse(field === undefined ? text : decode(field)) };
  } catch {
    return { readable: false };
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}

/** The first field of this name in a form, decoded (application/x-www-form-urlencoded). By hand: URLSearchParams takes a second for 4 MiB of `+`. */
function formField(form: Uint8Array, name: string): Uint8Array | undefined {
  const bytes = Buffer.from(form.buffer, form.byteOffset, form.byteLength);
  const isFirst = bytes.subarray(0, name.length + 1).equals(Buffer.from(`${name}=`));
  const before = isFirst ? 0 : bytes.indexOf(`&${name}=`) + 1;
  if (!isFirst && before === 0) return undefined;
  const start = before + name.length + 1;
  const end = bytes.indexOf('&', start);
  const value = bytes.subarray(start, end < 0 ? bytes.length : end);
  const decoded = Buffer.alloc(value.length);
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const byte = value[at] ?? 0;
    const [high, low] = byte === percent ? [digitOf(value[at + 1]), digitOf(value[at + 2])] : [];
    const isEncoded = high !== undefined && low !== undefined;
    if (isEncoded) at += 2;
    decoded[length++] = isEncoded ? high * 16 + low : byte === plus ? space : byte;
  }
  return decoded.subarray(0, length);
}

const [percent, plus, space] = [0x25, 0x2b, 0x20];

/** Of a hexadecimal digit's byte. */
function digitOf(byte = 0): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}

/** What lies under these names, or undefined if anything on the way is not an object with a property of its own of that name. */
export function at(value: unknown, ...names: readonly string[]): unknown {
  let here = value;
  for (const name of names) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return undefined;
    here = (here as Record<string, unknown>)[name];
  }
  return here;
}

/** A text under these names, or undefined. */
export function textAt(value: unknown, ...names: readonly string[]): string | undefined {
  const found = at(value, ...names);
  return typeof found === 'string' ? found : undefined;
}

/** A list under these names; empty if there is none. */
export function listAt(value: unknown, ...names: readonly string[]): readonly unknown[] {
  const found = at(value, ...names);
  return Array.isArray(found) ? found : [];
}

/** The texts among the properties of an object. */
export function textsAt(value: unknown, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => textAt(value, name) ?? []);
}

/** The refs if each of them is a full name and there is at least one; otherwise the event does not tell. */
export function completeRefs(refs: readonly unknown[]): readonly string[] | undefined {
  const names = refs.filter((ref): ref is string => typeof ref === 'string' && ref.startsWith('refs/'));
  return names.length > 0 && names.length === refs.length ? names : undefined;
}
