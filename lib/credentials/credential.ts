/** A credential: what signs in to a repository, from the API to the socket. */

/** What signs in; kept in Secrets Manager as JSON. Either part may be empty. */
export interface Credential {
  /** Empty = `git`, or the one that the token wants (default-user-name.ts). */
  readonly username: string;
  /** Empty where there is a key pair. */
  readonly password: string;
  /** Unencrypted, OpenSSH or PEM. It leaves Secrets Manager for the worker's memory only. */
  readonly privateKey?: string;
  /** As in authorized_keys. */
  readonly publicKey?: string;
  /** The user name holds a secret, too: CodeCommit's has a session token behind its `%`. */
  readonly isUsernameSecret?: boolean;
}
