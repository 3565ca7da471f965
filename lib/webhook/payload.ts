/** What is in a body: JSON, or a form with the JSON in its field `payload`; and reading it without trusting its shape. */

export type Payload = { readonly readable: true; readonly value: unknown } | { readonly readable: false };

/** Parses once, as UTF-8 whatever the content type says. An empty body is readable and undefined. Never throws. */
export function parsePayload(body: Uint8Array): Payload {
  const text = new TextDecoder().decode(body).trim();
  if (text === '') return { readable: true, value: undefined };
  // By its first character and not by the content type: some senders get that wrong.
  const json = /^[{["]/.test(text) ? text : (new URLSearchParams(text).get('payload') ?? text);
  try {
    return { readable: true, value: JSON.parse(json) };
  } catch {
    return { readable: false };
  }
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
