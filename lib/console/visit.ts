/** One request of somebody who is signed in: who it is, what they may do, and the API on their behalf. */
import type { Context } from 'hono';
import type { ApiDeps } from '../api/api-deps.ts';
import type { Answer, BodyAnswer } from '../api/http/answer.ts';
import { callApi } from '../api/http/answer-call.ts';
import type { RefusedAnswer } from '../api/http/api-error.ts';
import { type Sender, shownSession } from '../api/http/audit-trail.ts';
import { hasRole, isInstanceOwner } from '../api/http/authenticate.ts';
import type { Endpoint, PathParameters } from '../api/http/endpoint.ts';
import type { Parameters } from '../api/http/read-parameters.ts';
import type { AccessToken } from '../model/access-token.ts';
import type { Session } from '../model/session.ts';
import { type Flash, leaveFlash } from './flash.ts';
import { Refusal } from './refusal.ts';
import type { CookieRules } from './session-cookie.ts';

export interface Visit {
  readonly deps: ApiDeps;
  readonly token: AccessToken;
  readonly session: Session;
  readonly cookies: CookieRules;
  /** Path and query of the request. */
  readonly path: string;
  /** Whom the request came from; null = no proxy says. */
  readonly address: string | null;
  /** What the page before this one left to say. Taken when it is read: read it once, in the page. */
  flash(): Flash | undefined;
}

export type ConsoleEnv = { Variables: { visit: Visit } };
export type ConsoleContext = Context<ConsoleEnv>;

/** A call of the API as the person who is signed in. Refusals are answers (`'refusal' in answer`), or use `answered`. */
export function api<P extends string, R extends Answer>(
  visit: Visit,
  endpoint: Endpoint<P, R>,
  parameters: PathParameters<P>,
  input: Parameters = {},
): Promise<R | RefusedAnswer> {
  return callApi(visit.deps, visit.token, endpoint, parameters, input, senderOf(visit));
}

/** For the audit trail. */
export function senderOf({ address, session }: Pick<Visit, 'address' | 'session'>): Sender {
  return { address, session: shownSession(session) };
}

type Asked<R extends Answer> = R | RefusedAnswer | Promise<R | RefusedAnswer>;

/** The body of a call that must work for the page to be shown. Throws a Refusal, which becomes the page of that status. */
export async function answered<R extends BodyAnswer<number, unknown>>(answer: Asked<R>): Promise<R['body']> {
  const got = await answer;
  if ('refusal' in got) throw new Refusal(got.status, got.refusal);
  return got.body;
}

/** The same for calls that answer nothing, or nothing that is needed. */
export async function succeeded(answer: Asked<Answer>): Promise<void> {
  const got = await answer;
  if ('refusal' in got) throw new Refusal(got.status, got.refusal);
}

/** For pages that hold a form: refuses with 403 what the API would refuse once the form is sent. */
export function requireMaintainer({ token }: Visit): void {
  if (!hasRole(token, 'maintainer')) throw new Refusal(403);
}

/** The same for owners. */
export function requireOwner({ token }: Visit): void {
  if (!hasRole(token, 'owner')) throw new Refusal(403);
}

/** The same for what concerns more than some projects. */
export function requireInstanceOwner({ token }: Visit): void {
  if (!isInstanceOwner(token)) throw new Refusal(403);
}

/** To another page of the console (303), with something to say there. */
export function redirect(context: ConsoleContext, path: string, flash?: Flash): Response {
  if (flash !== undefined) leaveFlash(context, context.var.visit.cookies, flash);
  return context.redirect(path, 303);
}
