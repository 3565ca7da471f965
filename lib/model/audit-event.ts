/** Who changed what: one record per change, sign-in or refused call, kept for the instance's own time and never changed afterwards. */

export interface AuditAuthor {
  /** `service` = gitferry itself; `unknown` = nobody whom we know. */
  readonly kind: 'token' | 'person' | 'service' | 'unknown';
  /** Of the token; null = none. */
  readonly id: number | null;
  /** As it was then: names may change. */
  readonly name: string;
  /** Whom an identity provider vouched for. */
  readonly provider: string | null;
  readonly subject: string | null;
}

export interface AuditTarget {
  /** GitLab's word for the kind of object: `RemoteMirror`. */
  readonly type: string;
  /** A number, or a branch's name; null = none, or not known yet. */
  readonly id: string | null;
}

/** Texts, JSON for all else; null = nothing. Secrets are `*****` on both sides. */
export interface AuditChange {
  readonly field: string;
  readonly from: string | null;
  readonly to: string | null;
}

export interface NewAuditEvent {
  /** `PUT /projects/{id}`, `sign_in`, `sign_in_refused`, `sign_out`. */
  readonly name: string;
  readonly author: AuditAuthor;
  /** The first characters of the session's hash; null = not in the console. */
  readonly session: string | null;
  /** As the last proxy before us saw it; null = none did. */
  readonly address: string | null;
  /** null = the instance. */
  readonly project: { readonly id: number; readonly path: string } | null;
  readonly target: AuditTarget;
  readonly changes: readonly AuditChange[];
  /** The HTTP status of its answer; null = begun, and its end was not recorded: the process died, or it is under way. */
  readonly status: number | null;
}

export interface AuditEvent extends NewAuditEvent {
  /** Time in milliseconds × 1000, and up to 999 more: by id is by time. */
  readonly id: number;
  readonly at: number;
  /** Refusals since the one before that were counted only. */
  readonly uncounted: number;
}

export interface AuditFilter {
  /** null = what concerns no project; undefined = everything. */
  readonly projectId: number | null | undefined;
  /** Milliseconds since 1970, both inclusive. */
  readonly after: number | undefined;
  readonly before: number | undefined;
  readonly authorId: number | undefined;
  readonly authorName: string | undefined;
  readonly targetType: string | undefined;
  readonly targetId: string | undefined;
}
