/** Tokens with which people and scripts call the API: kept as a hash, with a role, projects and an expiry. */
import type { Person } from './session.ts';

export const roles = ['reporter', 'maintainer', 'owner'] as const;
export type Role = (typeof roles)[number];

/** Of the token that a deployment makes, which is not in the table; those there count from 1. */
export const deploymentTokenId = 0;

/** Of somebody who signed in at an identity provider: they have no token, and no list names this one. */
export const personTokenId = -1;

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
  /** Whom an identity provider vouched for; absent for tokens. */
  readonly person?: Pick<Person, 'provider' | 'subject'>;
}
