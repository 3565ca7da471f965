/** The fields of methods that sign in by themselves (lib/credentials/methods/): taken from a call, checked by their method, shown again. */
import { z } from 'zod';
import { type AuthMethod, authMethods, methodOf } from '../../credentials/registry.ts';
import { badParameter, invalidField } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';
import { text } from '../http/fields.ts';

const ownersOf = new Map<string, readonly AuthMethod[]>();
for (const method of authMethods)
  for (const { name } of methodOf(method).fields) ownersOf.set(name, [...(ownersOf.get(name) ?? []), method]);

/** For the schema of a call. Their names depend on the methods: `checkedSettings` reads them. */
export const methodFields: Readonly<Record<never, z.ZodType>> = Object.fromEntries(
  [...ownersOf].map(([name, owners]) => [
    name,
    // Ids are numbers to some clients.
    z
      .preprocess((value) => (typeof value === 'number' ? String(value) : value), text(apiLimits.urlCharacters).nullable().optional())
      .meta({ type: 'string', description: `Of auth_method ${owners.join(', ')}` })
      .optional(),
  ]),
);

/** For the schema of an answer. */
export const shownMethodFields: Readonly<Record<never, z.ZodType>> = Object.fromEntries(
  [...ownersOf.keys()].map((name) => [name, z.string().nullable().optional()]),
);

type Settings = Readonly<Record<string, string>>;

/** What is stored with what a call gives: null and '' take one away. Refuses with 400 what is no field of this method, or not fit. */
export function checkedSettings(method: AuthMethod, input: object, before: Settings = {}): Settings {
  const settings = new Map(Object.entries(before));
  const { fields } = methodOf(method);
  for (const [name, value] of Object.entries(input)) {
    const owners = ownersOf.get(name);
    if (owners === undefined || value === undefined) continue;
    const field = fields.find((known) => known.name === name);
    if (field === undefined) throw badParameter(name, `goes with auth_method ${owners.join(' and ')}`);
    const given = typeof value === 'string' ? value.trim() : '';
    const fault = given === '' ? undefined : field.fault(given);
    if (fault !== undefined) throw invalidField(name, fault);
    if (given === '') settings.delete(name);
    else settings.set(name, given);
  }
  return Object.fromEntries(settings);
}

/** Whether a call gives any of them. */
export function hasMethodFields(input: object): boolean {
  return Object.entries(input).some(([name, value]) => value !== undefined && ownersOf.has(name));
}

/** All fields of the method, null = not set. */
export function shownSettings(method: AuthMethod, settings: Settings): Readonly<Record<string, string | null>> {
  return Object.fromEntries(methodOf(method).fields.map(({ name }) => [name, settings[name] ?? null]));
}
