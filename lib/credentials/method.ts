/** What every way to sign in says of itself: forms, lists and checks are made from it. */

export interface CredentialMethod {
  /** In lists of credentials: `password`. */
  readonly word: string;
  /** As a choice in a form. */
  readonly label: string;
  readonly hint?: string;
  readonly schemes: readonly ('https' | 'http' | 'ssh')[];
  /** Somebody types a password or token. */
  readonly takesPassword: boolean;
  /** gitferry makes a key pair and shows its public half, which somebody gives to the host. */
  readonly makesKeyPair: boolean;
}
