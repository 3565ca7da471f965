/** Signing in with a token, and out again: here or everywhere. */
import type { Hono } from 'hono';
import type { ApiDeps } from '../../api/api-deps.ts';
import { TextField } from '../components/form-field.tsx';
import { Page } from '../components/page.tsx';
import { leaveFlash } from '../flash.ts';
import { readForm } from '../read-form.ts';
import { returnPath, signInPath } from '../return-path.ts';
import { type CookieRules, dropCookie, readCookie, writeCookie } from '../session-cookie.ts';
import { findSession, signIn } from '../sessions.ts';
import type { ConsoleEnv } from '../visit.ts';
import { sendPage } from './problem.tsx';

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
    return sendPage(context, <SignInPage back={back} note={note} />);
  });

  app.post('/sign-in', async (context) => {
    const form = await readForm(context.req.raw);
    const back = returnPath(form.text('return'));
    const signedIn = await signIn(form.text('token'), context.req.raw.headers, deps);
    deps.log.write('info', 'console_sign_in', 'waitMs' in signedIn ? { ok: false } : { ok: true, token: signedIn.token.id });
    if ('waitMs' in signedIn) {
      const seconds = Math.ceil(signedIn.waitMs / 1000);
      if (seconds > 0) context.header('retry-after', String(seconds));
      const fault =
        seconds > 0
          ? `Too many wrong tokens came from your address. Try again in ${seconds} seconds.`
          : 'This token is not known here, or it has expired.';
      return sendPage(context, <SignInPage back={back} fault={fault} />, seconds > 0 ? 429 : 403);
    }
    writeCookie(context, cookies, 'session', signedIn.cookie, signedIn.maxAgeSeconds);
    return context.redirect(back, 303);
  });
}

export function addSignOut(app: Hono<ConsoleEnv>): void {
  app.post('/sign-out', async (context) => {
    const { deps, session, cookies } = context.var.visit;
    await deps.records.sessions.delete(session.sessionHash);
    dropCookie(context, cookies, 'session');
    return context.redirect('/sign-in', 303);
  });

  app.post('/sign-out-everywhere', async (context) => {
    const { deps, session, cookies, token } = context.var.visit;
    // The index may not know the youngest yet: this one goes by its own key.
    await Promise.all([deps.records.sessions.delete(session.sessionHash), deps.records.sessions.deleteOfToken(token.id)]);
    dropCookie(context, cookies, 'session');
    leaveFlash(context, cookies, { kind: 'done', text: 'Signed out everywhere.' });
    return context.redirect(signInPath('/'), 303);
  });
}

function SignInPage({ back, note, fault }: { readonly back: string; readonly note?: string | undefined; readonly fault?: string }) {
  return (
    <Page title="Sign in" visit={undefined} narrow>
      <form method="post" action="/sign-in" class="card form sign-in">
        {note !== undefined && (
          <p class="message message-note" role="status">
            {note}
          </p>
        )}
        <input type="hidden" name="return" value={back} />
        <TextField
          name="token"
          label="Access token"
          type="password"
          autocomplete="current-password"
          required
          code
          fault={fault}
          hint={
            <>
              The same token that scripts use with the API. An owner makes tokens in the settings; the first one is in the file that{' '}
              <code>npm start</code> names, or what was given at deployment.
            </>
          }
        />
        <div class="buttons">
          <button type="submit" class="button button-primary">
            Sign in
          </button>
        </div>
      </form>
    </Page>
  );
}
