/** Why a sign-in at an identity provider did not work: for the person at the browser, and for the log. */

export type SignInFailure =
  /** No answer, or none that can be used. */
  | 'provider_unavailable'
  /** It says no, to the person or to gitferry. */
  | 'provider_refused'
  /** What came back does not prove who this is. */
  | 'not_proven'
  /** Proven, but without a role here. */
  | 'no_role'
  /** The provider left out the groups, because there are too many. */
  | 'groups_left_out';

export class SignInError extends Error {
  readonly failure: SignInFailure;
  /** More, for the log only: hosts and addresses are not everybody's business. */
  readonly detail: string;

  /** `message` is for everybody. Without a cause: what libraries leave there may hold tokens. */
  constructor(failure: SignInFailure, message: string, detail = '') {
    super(message);
    this.failure = failure;
    this.detail = detail;
  }
}
