/** Tokens with which people and scripts call the API: kept as a hash, with a role, projects and an expiry. */

export const roles = ['reporter', 'maintainer', 'owner'] as const;
export type Role = (typeof roles)[number];

/** Of the token that a deployment makes, which is not in the table; those there count from 1. */
export const deploymentTokenId = 0;

export interface AccessToken {
  readonly id: number;
  readonly name: string;
  /** SHA-256 of the token, hexadecimal. */
  readonly tokenHash: string;
  readonly role: Role;
  /** null = all projects. */
  readonly projectIds: readonly number[] | null;
  /** Milliseconds since 1970; null = never. Checked on every use. */
  readonly expiresAt: number | null;
  readonly createdAt: number;
}
