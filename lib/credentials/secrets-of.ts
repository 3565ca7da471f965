/** What of a credential is secret: for the redactor. */
import type { KnownSecret } from '../core/redact.ts';

interface CredentialTexts {
  readonly username: string;
  readonly password: string;
  readonly privateKey?: string | undefined;
  readonly isUsernameSecret?: boolean | undefined;
}

/** Tokens have at least this many characters; a shorter user name alone (`git`, a login) is no secret. */
const shortestToken = 8;
/** What goes in the place of the password where the token is the user name (GitHub). */
const placeholders: readonly string[] = ['', 'x', 'x-oauth-basic'];
/** A shorter line of a private key gives nothing away, and might stand in any text. */
const shortestKeyLine = 16;

/**
 * The password, and the user name where that may be a token (`https://TOKEN@host/`, `https://TOKEN:x-oauth-basic@host/`): not beside a private key.
 * Of a private key every line, because what fails may quote one of them.
 */
export function secretsOf(credential: CredentialTexts | undefined): readonly KnownSecret[] {
  if (credential === undefined) return [];
  const { username, password, privateKey, isUsernameSecret = false } = credential;
  const isToken = privateKey === undefined && placeholders.includes(password) && username.length >= shortestToken;
  const ofName = isUsernameSecret ? [username, username.slice(username.indexOf('%') + 1)] : isToken ? [username] : [];
  return [{ username, password }, ...ofName.map((name) => ({ password: name })), ...keyLines(privateKey)];
}

function keyLines(privateKey = ''): readonly KnownSecret[] {
  return privateKey
    .split(/\s+/)
    .filter((line) => line.length >= shortestKeyLine && /^[A-Za-z0-9+/=]+$/.test(line))
    .map((line) => ({ password: line, isBase64: true }));
}
