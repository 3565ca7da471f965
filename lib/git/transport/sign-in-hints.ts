/** Hints that a refused sign-in gives by what was sent and what was asked for, not by words. */

/** A percent escape where the character itself is meant, as in a user name `me%40example.org`: what was typed there is sent as it stands. */
export function percentHint(credential: { readonly username: string; readonly password: string } | undefined): string | undefined {
  if (credential === undefined) return undefined;
  const holder = /%40/.test(credential.username) ? 'user name' : /%40/.test(credential.password) ? 'password' : undefined;
  if (holder === undefined) return undefined;
  return `The ${holder} holds %40 where @ may be meant. Type @ itself, or percent-encode it exactly once in a URL.`;
}

/** Whether a 401 (its WWW-Authenticate) offers nothing that a password or token could answer: Negotiate (Kerberos), NTLM, Digest alone. */
export function asksForOtherSignIn(challenge: string): boolean {
  return /\b(negotiate|ntlm|kerberos|digest)\b/i.test(challenge) && !/\b(basic|bearer)\b/i.test(challenge);
}

/** Where hosts send those who have to sign in. */
export function isSignInPage(path: string): boolean {
  return /\/(sign_?in|log_?in|signin|auth|sso|saml|session|sessions)(\/|$)/i.test(path);
}
