/** An incoming webhook of a project: who may call it, how calls are proved, and whether they still come. */

export const providers = [
  'github',
  'gitlab',
  'forgejo',
  'gitea',
  'gogs',
  'bitbucket_cloud',
  'bitbucket_data_center',
  'azure_devops',
  'generic',
] as const;
export type Provider = (typeof providers)[number];

export interface Hook {
  readonly id: number;
  readonly projectId: number;
  readonly provider: Provider;
  /** SHA-256 of the token in its URL, hexadecimal. The token itself is kept nowhere. */
  readonly tokenHash: string;
  /** Its secret is derived from the signing key and this number; a rotation adds one. */
  readonly generation: number;
  /** Until when the generation before is accepted too, milliseconds since 1970; null = no longer. */
  readonly previousUntil: number | null;
  readonly createdAt: number;
  readonly lastDeliveryAt: number | null;
  /** Whose events it carried last: the project's own repository, or its upstream. */
  readonly lastDeliveryOf: 'project' | 'upstream' | null;
  /** Since when changes are found that it did not announce; cleared by the next delivery. */
  readonly silentSince: number | null;
}
