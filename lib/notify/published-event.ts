/** An event as receivers get it: docs/notifications.md, held to it by a test. */

/** The published form: fields are added, never taken away. */
export interface NoticeEvent {
  readonly id: string;
  readonly type: string;
  readonly severity: string;
  readonly occurred_at: string;
  readonly since: string;
  readonly title: string;
  readonly text: string;
  readonly link: string;
  readonly project: { readonly id: number; readonly path: string } | null;
  /** `url` only where the channel may show addresses. */
  readonly mirror: { readonly id: number; readonly name: string; readonly direction: string; readonly url?: string } | null;
  readonly host: string | null;
  readonly credential: { readonly id: number; readonly name: string } | null;
  /** How many mirrors it concerns. */
  readonly mirrors: number | null;
  readonly decision: string | null;
  readonly count: number | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
  readonly run_id: string | null;
  readonly refs:
    | readonly { readonly ref: string; readonly result: string; readonly old: string | null; readonly new: string | null }[]
    | null;
  readonly refs_total: number | null;
}
