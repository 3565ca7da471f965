/** A person's sign-in to the console: kept as a hash, bound to the token it was made with, and ended with it. */

export interface Session {
  /** SHA-256 of the cookie's value, hexadecimal. */
  readonly sessionHash: string;
  /** Of the token that was signed in with: its role and projects are read anew on each request. */
  readonly tokenHash: string;
  /** The token's id: a token that is made again with the same value is another one. */
  readonly tokenId: number;
  readonly createdAt: number;
  /** Milliseconds since 1970. Checked on every use: DynamoDB deletes late. */
  readonly expiresAt: number;
}
