/** A person's sign-in to the console: kept as a hash of its cookie, and bound to whoever vouched for the person: a token, or an identity provider. */

interface SessionTimes {
  /** SHA-256 of the cookie's value, hexadecimal. */
  readonly sessionHash: string;
  readonly createdAt: number;
  /** Milliseconds since 1970. Checked on every use: DynamoDB deletes late. */
  readonly expiresAt: number;
}

/** Ends with its token. */
export interface TokenSession extends SessionTimes {
  /** Of the token that was signed in with: its role and projects are read anew on each request. */
  readonly tokenHash: string;
  /** The token's id: a token that is made again with the same value is another one. */
  readonly tokenId: number;
  readonly person?: undefined;
}

/** Role and projects follow on each request from the groups here and the settings as they are then. */
export interface ProviderSession extends SessionTimes {
  readonly person: Person;
}

export type Session = TokenSession | ProviderSession;

/** Who somebody is by an identity provider's word (OpenID Connect). Nothing here is secret. */
export interface Person {
  /** Its id in the settings. */
  readonly provider: string;
  /** `iss` and `sub`: together they name one person, for ever. */
  readonly issuer: string;
  readonly subject: string;
  /** For people to read; the provider may let its users change it. */
  readonly name: string;
  /** Of the person's groups at the sign-in, those that the settings named then. */
  readonly groups: readonly string[];
  /** Where a browser signs out at the provider; null = it has no such page. */
  readonly signOutUrl: string | null;
}
