/** How gitferry signs in over SSH: the key if there is one, else the password, also where it is asked for as keyboard-interactive (RFC 4252, RFC 4256). */

import { GitferryError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { Credential } from '../../../credentials/credential.ts';
import { percentHint } from '../sign-in-hints.ts';

export interface Prompt {
  readonly prompt: string;
  /** Whether what is typed may be seen: not so for passwords. */
  readonly echo?: boolean;
}

/** One try, in ssh2's terms. `key` is a private key that was parsed. */
export type SignInAttempt<Key> =
  | { readonly type: 'none'; readonly username: string }
  | { readonly type: 'publickey'; readonly username: string; readonly key: Key }
  | { readonly type: 'password'; readonly username: string; readonly password: string }
  | { readonly type: 'keyboard-interactive'; readonly username: string; prompt(prompts: readonly Prompt[]): readonly string[] };

type Method = SignInAttempt<unknown>['type'];

/** The tries of one connection, one after the other, and what their failure means. */
export class SshSignIn<Key> {
  readonly #username: string;
  readonly #password: string;
  readonly #attempts: SignInAttempt<Key>[] = [];
  readonly #tried = new Set<Method>();
  #promptRounds = 0;
  /** What the server would take, as of its last answer. */
  #left: readonly string[] = [];

  constructor({ username, password }: Credential, key: Key | undefined) {
    this.#username = username === '' ? 'git' : username;
    this.#password = password;
    const name = { username: this.#username };
    if (key !== undefined) this.#attempts.push({ type: 'publickey', ...name, key });
    if (password !== '') {
      this.#attempts.push({ type: 'password', ...name, password });
      this.#attempts.push({ type: 'keyboard-interactive', ...name, prompt: (prompts) => this.#answers(prompts, password) });
    }
    if (this.#attempts.length === 0) this.#attempts.push({ type: 'none', ...name });
  }

  /** The next try, given what the server says it would take (null = it has not said yet); false when none is left. */
  next(left: readonly string[] | null): SignInAttempt<Key> | false {
    if (left !== null) this.#left = left;
    for (let attempt = this.#attempts.shift(); attempt !== undefined; attempt = this.#attempts.shift()) {
      if (left !== null && !left.includes(attempt.type)) continue;
      this.#tried.add(attempt.type);
      return attempt;
    }
    return false;
  }

  /** What it means that the server took none of them. */
  failure(place: string): GitferryError {
    const left = this.#left.filter((method) => /^[a-z0-9@.-]{1,64}$/i.test(method)).slice(0, 8);
    const takes = left.length === 0 ? '' : ` It takes: ${left.join(', ')}.`;
    const refused = (
      code: 'credentials_refused' | 'credentials_missing' | 'public_key_required' | 'password_required',
      what: string,
      hint?: string,
    ) => new GitferryError(code, { detail: `${place}: ${what}${takes}`, ...(hint === undefined ? {} : { hint }) });
    const takesPasswords = this.#left.includes('password') || this.#left.includes('keyboard-interactive');
    const takesKeys = this.#left.includes('publickey');
    const gaveKey = this.#tried.has('publickey');
    const gavePassword = this.#tried.has('password') || this.#tried.has('keyboard-interactive');
    if (this.#tried.has('none')) {
      if (takesKeys && !takesPasswords) return refused('public_key_required', `no key was given for user ${this.#shownUser()}.`);
      return refused('credentials_missing', `user ${this.#shownUser()} has neither key nor password.`, missingHint);
    }
    if (!gaveKey && takesKeys && !takesPasswords) return refused('public_key_required', 'the mirror has a password.');
    if (gaveKey && !gavePassword && !takesKeys && takesPasswords) return refused('password_required', 'the mirror has a key.');
    const what = gaveKey ? (gavePassword ? 'the key and the password' : 'the key') : 'the password';
    return refused(
      'credentials_refused',
      `${what} of user ${this.#shownUser()} was not accepted.`,
      gaveKey ? keyHint : percentHint({ username: this.#username, password: this.#password }),
    );
  }

  /** A name may be a token. */
  #shownUser(): string {
    return this.#username === 'git' ? 'git' : '***';
  }

  #answers(prompts: readonly Prompt[], password: string): string[] {
    if (++this.#promptRounds > limits.sshPromptRounds || prompts.length > limits.sshPrompts) {
      throw new GitferryError('credentials_refused', { detail: 'The server asks for more than a password.' });
    }
    return prompts.map(({ echo }) => (echo === true ? '' : password));
  }
}

const missingHint =
  'Give a user name with a password, or choose SSH public key authentication and add the public key on the host (on the command line: --source-ssh-key or --target-ssh-key).';
const keyHint =
  'Check the user name (most hosts want git), and that the public key is stored on the host for this account or repository, with write access for a target.';
