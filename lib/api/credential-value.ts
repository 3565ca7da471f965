/** What a user name and password must be to be sent to a host. */
import { badParameter } from './api-error.ts';

/** Basic authentication (RFC 7617) cannot carry these. Refuses with 400. */
export function checkCredentialValue({ username, password }: { readonly username: string; readonly password: string }): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const controls = /[\x00-\x1f\x7f]/;
  if (username.includes(':')) throw badParameter('username is invalid: it must not hold a colon');
  if (controls.test(username)) throw badParameter('username is invalid: it holds a line break or control character');
  if (controls.test(password)) throw badParameter('password is invalid: it holds a line break or control character');
}
