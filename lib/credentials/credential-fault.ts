/** What keeps a user name or password from being sent to a host as it is. */

interface TypedCredential {
  readonly username: string;
  readonly password: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const controls = /[\x00-\x1f\x7f]/;

/**
 * undefined = it can be sent. Line breaks and spaces around (as of `echo TOKEN > file`) are refused rather than trimmed: a host's "wrong password" would not say
 * why, and what was typed is what is sent. Basic authentication cannot carry the rest (RFC 7617). Repeats nothing of it.
 */
export function credentialFault({
  username,
  password,
}: TypedCredential): { readonly of: keyof TypedCredential; readonly fault: string } | undefined {
  if (username.includes(':')) return { of: 'username', fault: 'it must not hold a colon' };
  const texts = [['username', username] as const, ['password', password] as const];
  for (const [of, text] of texts) {
    if (/^[\r\n]|[\r\n]$/.test(text)) return { of, fault: 'it begins or ends with a line break: leave that out' };
    if (controls.test(text)) return { of, fault: 'it holds a line break or control character' };
    if (text !== text.trim()) return { of, fault: 'it begins or ends with a space: leave that out' };
  }
  return undefined;
}
