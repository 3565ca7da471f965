/** What of a credential is secret: for the redactor. */
import type { SecretPair } from './redact.ts';

/** Tokens have at least this many characters; a shorter user name alone (`git`, a login) is no secret. */
const shortestToken = 8;
/** What goes in the place of the password where the token is the user name (GitHub). */
const placeholders: readonly string[] = ['', 'x', 'x-oauth-basic'];

/** The password, and the user name where that may be a token (`https://TOKEN@host/`, `https://TOKEN:x-oauth-basic@host/`). */
export function secretsOf(credential: { readonly username: string; readonly password: string } | undefined): readonly SecretPair[] {
  if (credential === undefined) return [];
  const { username, password } = credential;
  const isToken = placeholders.includes(password) && username.length >= shortestToken;
  return [credential, ...(isToken ? [{ password: username }] : [])];
}
