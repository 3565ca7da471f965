/** What of a call's parameters is secret: for the redactor of what went wrong with it. */
import type { KnownSecret } from '../../core/redact.ts';
import { secretsOf } from '../../credentials/secrets-of.ts';
import type { Parameters } from './read-parameters.ts';

/** Parameters whose whole value is a secret. */
const secretName = /password|passphrase|secret|token|private_key/i;

export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

export function secretsOfCall(input: Parameters): readonly KnownSecret[] {
  return Object.entries(input).flatMap(([name, value]) =>
    textsOf(value).flatMap((text) => (secretName.test(name) ? [{ password: text }] : ofUrl(text))),
  );
}

/** Lists and objects, too: nothing is known of a call that failed. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** What stands in front of the last @, as typed and decoded, whether or not the URL can be read. */
function ofUrl(text: string): readonly KnownSecret[] {
  const end = text.lastIndexOf('@');
  if (end < 0) return [];
  const userInfo = text.slice(text.indexOf('://') < 0 ? 0 : text.indexOf('://') + 3, end);
  const colon = userInfo.indexOf(':');
  const [username, password] = colon < 0 ? [userInfo, ''] : [userInfo.slice(0, colon), userInfo.slice(colon + 1)];
  return [...secretsOf({ username, password }), ...(password === '' ? [] : [{ password: decoded(password) }])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
