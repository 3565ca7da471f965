/** Removes the secrets in use from every text that a person, a log or a client can see. */

/** Shorter secrets are removed only in their structural forms (URL user info, Basic credentials): replacing them everywhere would leave no text. */
const shortestPlainSecret = 4;
const mask = '*****';
/** User info in a URL: with a password, or (not over SSH, where a user name is no secret) a name long enough to be a token. */
const urlWithPassword = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@:]*:[^\s/?#@]*(?:@[^\s/?#@]*)*@/gi;
const urlWithToken = /\b(https?:\/\/)[^\s/?#@:]{8,}@/gi;
const authorizationHeader = /\b(authorization\s*[:=]\s*)(basic|bearer|token)?\s*[^\s,;"']+/gi;

export interface SecretPair {
  readonly username?: string | undefined;
  readonly password: string;
}

export interface Redactor {
  redact(text: string): string;
}

/**
 * A redactor that knows these credentials: the password itself, percent-encoded (both cases), form-encoded, JSON-escaped, base64,
 * and as part of HTTP Basic. Passwords and tokens in URLs and Authorization headers are removed whether known or not.
 */
export function createRedactor(secrets: readonly SecretPair[]): Redactor {
  const forms = new Set<string>();
  for (const { username = '', password } of secrets) {
    if (password === '') continue;
    forms.add(Buffer.from(`${username}:${password}`).toString('base64'));
    if (password.length < shortestPlainSecret) continue;
    const encoded = encodeURIComponent(password);
    for (const form of [
      password,
      encoded,
      encoded.replace(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase()),
      encoded.replaceAll('%20', '+'),
      encodeURI(password),
      JSON.stringify(password).slice(1, -1),
      password.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
      Buffer.from(password).toString('base64'),
      Buffer.from(`:${password}`).toString('base64'),
    ]) {
      forms.add(form);
    }
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return {
    redact(text) {
      let result = text;
      for (const form of longestFirst) result = result.replaceAll(form, mask);
      return result.replace(urlWithPassword, `$1${mask}@`).replace(urlWithToken, `$1${mask}@`).replace(authorizationHeader, `$1${mask}`);
    },
  };
}
