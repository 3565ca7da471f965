/** What every way to sign in says of itself: forms, lists and checks are made from it. */
import type { SignIn } from './sign-in.ts';

export interface MethodField {
  /** As the API calls it. */
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  /** What is wrong with a value, to follow the field's name. */
  fault(value: string): string | undefined;
}

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
  /** Somebody gives a private key (PEM), which is kept as a secret. */
  readonly takesPrivateKey: boolean;
  /** Beside those: none of them is secret. */
  readonly fields: readonly MethodField[];
  /** What is wrong with them together. */
  fault?(
    settings: Readonly<Partial<Record<string, string>>>,
    secret: { readonly privateKey: string | undefined; readonly password: string | undefined },
  ): { readonly field: string; readonly why: string } | undefined;
  /** Why this URL cannot be used with it, to follow the field's name. */
  urlFault?(url: string): string | undefined;
  /** Makes what signs in, for each request; without it, what is stored signs in as it is. Such a method belongs to machines: it is used as a shared credential only. */
  readonly signIn?: SignIn;
}
