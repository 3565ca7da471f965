/** Signing in with a token, and out again: here, everywhere, and at the identity provider. */
import type { Hono } from 'hono';
import type { ApiDeps } from '../../api/api-deps.ts';
import type { Session } from '../../model/session.ts';
import { ForeignText } from '../components/foreign-text.tsx';
import { Page } from '../components/page.tsx';
import { leaveFlash, takeFlash } from '../flash.ts';
import { noteSignIn, noteSignOut } from '../note-sign-in.ts';
import { readForm } from '../read-form.ts';
import { returnPath, signInPath } from '../return-path.ts';
import { type CookieRules, dropCookie, readCookie, writeCookie } from '../session-cookie.ts';
import { findSession, signIn } from '../sessions.ts';
import type { ConsoleContext, ConsoleEnv } from '../visit.ts';
import { sendPage } from './problem.tsx';
import { sendSignIn } from './sign-in-page.tsx';

export function addSignIn(app: Hono<ConsoleEnv>, deps: ApiDeps, cookies: CookieRules): void {
  app.get('/sign-in', async (context) => {
    const back = returnPath(context.req.query('return'));
    const cookie = readCookie(context, cookies, 'session');
    if ((await findSession(cookie, deps)) !== undefined) return context.redirect(back, 303);
    // A browser drops a cookie when its time is up: a page to return to tells the same.
    const isLost = context.req.query('lost') === 'form';
    const note = isLost
      ? 'Your session had ended, so nothing was done with the form that you sent. Sign in again, and fill it in once more.'
      : cookie !== undefined
        ? 'Your session has ended. Sign in again, and you are back where you were.'
        : undefined;
    const flash = takeFlash(context, cookies);
    if (flash?.kind === 'failed') return sendSignIn(context, deps, { back, problem: flash.text });
    return sendSignIn(context, deps, { back, note: flash?.text ?? note });
  });

  app.post('/sign-in', async (context) => {
    const form = await readForm(context.req.raw);
    const back = returnPath(form.text('return'));
    const signedIn = await signIn(form.text('token'), context.req.raw.headers, deps);
    await noteSignIn(
      context.req.raw.headers,
      deps,
      'waitMs' in signedIn ? undefined : signedIn.token,
      'waitMs' in signedIn && signedIn.waitMs > 0,
    );
    deps.log.write('info', 'console_sign_in', 'waitMs' in signedIn ? { ok: false } : { ok: true, token: signedIn.token.id });
    if ('waitMs' in signedIn) {
      const seconds = Math.ceil(signedIn.waitMs / 1000);
      if (seconds > 0) context.header('retry-after', String(seconds));
      const fault =
        seconds > 0
          ? `Too many wrong tokens came from your address. Try again in ${seconds} seconds.`
          : 'This token is not known here, or it has expired.';
      return sendSignIn(context, deps, { back, fault }, seconds > 0 ? 429 : 403);
    }
    writeCookie(context, cookies, 'session', signedIn.cookie, signedIn.maxAgeSeconds);
    dropCookie(context, cookies, 'provider');
    return context.redirect(back, 303);
  });
}

export function addSignOut(app: Hono<ConsoleEnv>): void {
  app.post('/sign-out', async (context) => {
    const { deps, session, cookies } = context.var.visit;
    await noteSignOut(context.var.visit, 'sign_out');
    await deps.records.sessions.delete(session.sessionHash);
    dropCookie(context, cookies, 'session');
    return leave(context, session);
  });

  app.post('/sign-out-everywhere', async (context) => {
    const { deps, session, cookies, token } = context.var.visit;
    const { person } = session;
    const { sessions } = deps.records;
    const others = person === undefined ? sessions.deleteOfToken(token.id) : sessions.deleteOfPerson(person);
    await noteSignOut(context.var.visit, 'sign_out_everywhere');
    // The index may not know the youngest yet: this one goes by its own key.
    await Promise.all([sessions.delete(session.sessionHash), others]);
    dropCookie(context, cookies, 'session');
    leaveFlash(context, cookies, { kind: 'done', text: 'Signed out everywhere.' });
    return leave(context, session);
  });
}

/** To the provider, where it signs people out; a person who still is signed in there would be let in again without a question. */
function leave(context: ConsoleContext, { person }: Session): Response | Promise<Response> {
  dropCookie(context, context.var.visit.cookies, 'provider');
  if (person === undefined || person.signOutUrl === null) return context.redirect(signInPath('/'), 303);
  // Not a redirect: browsers apply the rule on where forms may lead (form-action) to all that follows a form.
  context.header('refresh', `0; url=${person.signOutUrl}`);
  return sendPage(
    context,
    <Page title="Signed out" visit={undefined} narrow>
      <div class="card">
        <p>
          You are signed out of gitferry.{' '}
          <a href={person.signOutUrl}>
            Sign out at <ForeignText text={person.provider} />
          </a>
          , too, if your browser does not go there by itself.
        </p>
        <p>
          <a href="/sign-in">To the sign-in</a>
        </p>
      </div>
    </Page>,
  );
}
