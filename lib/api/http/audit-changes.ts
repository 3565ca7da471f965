/** What a call changed, field by field, before and after, as the API shows it: secrets are only said to have been given. */
import { createRedactor } from '../../core/redact.ts';
import { serviceLimits } from '../../core/service-limits.ts';
import type { AuditChange } from '../../model/audit-event.ts';
import type { Endpoint } from './endpoint.ts';
import type { Parameters } from './read-parameters.ts';
import { isSecretName, secretsOfCall } from './secrets-of-call.ts';

const masked = '*****';

export interface ChangedObject {
  readonly endpoint: Pick<Endpoint, 'method'>;
  /** Both as the API shows them; undefined = nothing. */
  readonly before: unknown;
  readonly body: unknown;
  readonly input: Parameters;
}

/** Empty where nothing differs. A call that makes or changes no object (a run is asked for) is told by its parameters. */
export function changesOf({ endpoint, before, body, input }: ChangedObject): readonly AuditChange[] {
  const redactor = createRedactor(secretsOfCall(input));
  const text = (value: unknown): string | null =>
    value === undefined || value === null ? null : shown(value, redactor.redact.bind(redactor));
  const [from, to] = [fieldsOf(before), endpoint.method === 'DELETE' ? {} : fieldsOf(body)];
  const isObject = before !== undefined || isMade(body);
  const told = isObject ? difference(from, to, text) : difference({}, fieldsOf(input), text);
  const names = new Set(told.map(({ field }) => field));
  // A new password leaves no other trace.
  const secret = Object.entries(input).filter(
    ([name, value]) => !names.has(name) && value !== '' && secretsOfCall({ [name]: value }).length > 0,
  );
  return [...told, ...secret.map(([field]) => ({ field: printableName(field), from: masked, to: masked }))].slice(
    0,
    serviceLimits.auditFields,
  );
}

function difference(
  from: Readonly<Record<string, unknown>>,
  to: Readonly<Record<string, unknown>>,
  text: (value: unknown) => string | null,
): readonly AuditChange[] {
  // In answers too: a value that is shown once, to whoever asked for it.
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter((field) => !isSecretName(field));
  return names
    .map((field) => ({ field: printableName(field), from: text(from[field]), to: text(to[field]) }))
    .filter((change) => change.from !== change.to);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
}

function isMade(body: unknown): boolean {
  return typeof body === 'object' && body !== null && ('id' in body || 'name' in body);
}

function printableName(field: string): string {
  return field.slice(0, 64);
}

/** The address of a hook holds its token. */
function shown(value: unknown, redact: (text: string) => string): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return redact(text)
    .replace(/(\/hooks\/)[A-Za-z0-9_.~-]+/g, `$1${masked}`)
    .slice(0, serviceLimits.auditValueCharacters);
}
