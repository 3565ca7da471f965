/** Signing in at an identity provider: the way there, and the way back. */
import type { Context, Hono } from 'hono';
import type { ApiDeps } from '../../api/api-deps.ts';
import { toGitferryError } from '../../core/errors.ts';
import { SignInError, type SignInFailure } from '../../sso/sign-in-error.ts';
import { consoleLimits } from '../console-limits.ts';
import { leaveFlash } from '../flash.ts';
import { noteSignIn } from '../note-sign-in.ts';
import { returnPath, signInPath } from '../return-path.ts';
import { type CookieRules, cookiesNamed, dropCookie, readCookie, writeCookie } from '../session-cookie.ts';
import { findSession, signInPerson } from '../sessions.ts';
import { type Flow, parseFlow, printFlow } from '../sign-in-flow.ts';
import type { ConsoleEnv } from '../visit.ts';
import { sendSignIn } from './sign-in-page.tsx';

const statuses = {
  provider_unavailable: 503,
  provider_refused: 403,
  not_proven: 403,
  no_role: 403,
  groups_left_out: 403,
} as const satisfies Readonly<Record<SignInFailure, number>>;

const unknownFlow =
  'This sign-in was not begun in this browser, took longer than ten minutes, or was ended before. Nobody was signed in. Begin it once more.';

export function addSingleSignOn(app: Hono<ConsoleEnv>, deps: ApiDeps, cookies: CookieRules): void {
  app.get('/sign-in/sso/:provider', async (context) => {
    const provider = context.req.param('provider');
    const back = returnPath(context.req.query('return'));
    // Only a sign-in that worked brings it back: nobody is sent in circles.
    dropCookie(context, cookies, 'provider');
    const fail = (problem?: SignInError) =>
      sendSignIn(context, deps, { back, problem: problem?.message }, problem === undefined ? 503 : statuses[problem.failure]);
    return reportingFailures(deps, provider, fail, async () => {
      const begun = await deps.sso?.begin(provider);
      if (begun === undefined) return context.redirect(signInPath(back), 303);
      const { url, secrets } = begun;
      makeRoom(context, cookies);
      writeCookie(context, cookies, `flow-${secrets.state}`, printFlow({ provider, back, ...secrets }), consoleLimits.flowSeconds);
      return context.redirect(url, 303);
    });
  });

  app.get('/sign-in/sso/:provider/callback', async (context) => {
    const provider = context.req.param('provider');
    const flow = takeFlow(context, cookies);
    // Away from here: the address holds the code, and a page would leave it in the history and send it along with what it loads.
    const fail = (back: string, problem?: string): Response => {
      if (problem !== undefined) leaveFlash(context, cookies, { kind: 'failed', text: problem });
      return context.redirect(signInPath(back), 303);
    };
    if (flow?.provider !== provider) {
      const isIn = (await findSession(readCookie(context, cookies, 'session'), deps)) !== undefined;
      if (isIn) return context.redirect('/', 303);
      deps.log.write('info', 'console_sign_in', { ok: false, failure: 'unknown_flow' });
      return fail(flow?.back ?? '/', unknownFlow);
    }
    const report = async (problem?: SignInError) => {
      if (problem !== undefined) await noteSignIn(context.req.raw.headers, deps, undefined);
      return fail(flow.back, problem?.message);
    };
    return reportingFailures(deps, provider, report, async () => {
      const found = await deps.sso?.finish(provider, new URL(context.req.url).search, flow);
      if (found === undefined) return fail(flow.back);
      const { cookie, maxAgeSeconds } = await signInPerson(found, deps);
      await noteSignIn(context.req.raw.headers, deps, found.person);
      deps.log.write('info', 'console_sign_in', { ok: true, by: found.person.name, sso: provider, subject: found.person.subject });
      writeCookie(context, cookies, 'session', cookie, maxAgeSeconds);
      writeCookie(context, cookies, 'provider', provider, consoleLimits.sessionMs / 1000);
      return context.redirect(flow.back, 303);
    });
  });
}

/** Failures of the sign-in go to the log and to `fail`. That the settings cannot be used says the sign-in page itself. */
async function reportingFailures(
  deps: ApiDeps,
  provider: string,
  fail: (problem?: SignInError) => Response | Promise<Response>,
  step: () => Promise<Response>,
): Promise<Response> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof SignInError) {
      const { failure, detail, message } = error;
      deps.log.write('warn', 'console_sign_in', { ok: false, sso: provider, failure, error: message, detail });
      return fail(error);
    }
    if (toGitferryError(error).code !== 'storage_unavailable' && (await isUnusable(deps))) return fail();
    throw error;
  }
}

async function isUnusable({ sso }: ApiDeps): Promise<boolean> {
  return (
    sso?.providers().then(
      () => false,
      () => true,
    ) ?? false
  );
}

/** The flow that the answer belongs to: begun in this browser, and ended by this. undefined = none. */
function takeFlow(context: Context, cookies: CookieRules): Flow | undefined {
  const state = context.req.query('state') ?? '';
  if (!/^[A-Za-z0-9_-]{20,100}$/.test(state)) return undefined;
  const value = readCookie(context, cookies, `flow-${state}`);
  if (value === undefined) return undefined;
  dropCookie(context, cookies, `flow-${state}`);
  const flow = parseFlow(value);
  return flow?.state === state ? flow : undefined;
}

/** Sign-ins that nobody ends leave their cookies: a browser sends all of them with each request. */
function makeRoom(context: Context, cookies: CookieRules): void {
  const open = cookiesNamed(context, cookies, 'flow-');
  for (const state of open.slice(0, Math.max(0, open.length - consoleLimits.openFlows + 1))) dropCookie(context, cookies, `flow-${state}`);
}
