/** The console as a Hono app: assets, sign-in, and behind it the pages, each with a session, a checked origin and the headers of security-headers.ts. */
import { Hono } from 'hono';
import type { ApiDeps } from '../api/api-deps.ts';
import { apiLimits } from '../api/http/api-limits.ts';
import { addressOf } from '../api/http/guess-limit.ts';
import { toGitferryError } from '../core/errors.ts';
import { RequestBodies } from '../core/request-bodies.ts';
import { admitForm } from './admit-form.ts';
import { answerAsset } from './assets.ts';
import { consoleLimits } from './console-limits.ts';
import { takeFlash } from './flash.ts';
import { addMirrorPages } from './pages/mirror-pages.ts';
import { addOverview } from './pages/overview.tsx';
import { problemPage } from './pages/problem.tsx';
import { addProjectPages } from './pages/project-form.tsx';
import { addSettings } from './pages/settings.tsx';
import { addSignIn, addSignOut } from './pages/sign-in.tsx';
import { addSingleSignOn } from './pages/single-sign-on.tsx';
import { Refusal } from './refusal.ts';
import { pageOf, returnPath, signInPath, singleSignOnPath } from './return-path.ts';
import { isSameOrigin } from './same-origin.ts';
import { securityHeaders } from './security-headers.ts';
import { type CookieRules, readCookie } from './session-cookie.ts';
import { findSession, type SignedIn } from './sessions.ts';
import type { ConsoleContext, ConsoleEnv, Visit } from './visit.ts';

/** Answers every path that is not the API's. Never throws. `bodies` is the account that its forms share with others of this process. */
export function createConsole(deps: ApiDeps, bodies = new RequestBodies(apiLimits.bodies)): Hono<ConsoleEnv> {
  const cookies: CookieRules = { secure: deps.publicUrl.startsWith('https:') };
  const app = new Hono<ConsoleEnv>();

  app.get('/assets/:name', (context) => answerAsset(context.req.param('name'), context.req.raw));

  app.use(async (context, next) => {
    for (const [name, value] of Object.entries(securityHeaders)) context.header(name, value);
    context.header('cache-control', 'no-store');
    const { method } = context.req;
    if (method !== 'GET' && method !== 'HEAD' && !isSameOrigin(context.req.raw, deps.publicUrl)) throw new Refusal(403, 'foreign_origin');
    await next();
  });

  app.use('/sign-in', async (context, next) => {
    context.req.raw = await admitForm(context.req.raw, bodies, { maxBytes: consoleLimits.signInBytes, sender: 'sign-in' });
    await next();
  });
  addSignIn(app, deps, cookies);
  addSingleSignOn(app, deps, cookies);

  app.use(async (context, next) => {
    const signedIn = await findSession(readCookie(context, cookies, 'session'), deps);
    if (signedIn === undefined) return toSignIn(context, readCookie(context, cookies, 'provider'));
    context.req.raw = await admitForm(context.req.raw, bodies, { maxBytes: consoleLimits.formBytes, sender: senderOf(signedIn) });
    const { pathname, search } = new URL(context.req.url);
    context.set('visit', {
      deps,
      ...signedIn,
      cookies,
      path: `${pathname}${search}`,
      address: addressOf(context.req.raw.headers),
      flash: () => takeFlash(context, cookies),
    });
    return next();
  });

  addSignOut(app);
  addOverview(app);
  addProjectPages(app);
  addMirrorPages(app);
  addSettings(app);

  app.notFound((context) => problemPage(context, visitOf(context), 404));
  app.onError((thrown, context) => {
    if (thrown instanceof Refusal) return problemPage(context, visitOf(context), thrown.status, thrown.reason);
    const { code, message, hint } = toGitferryError(thrown);
    const isUnavailable = code === 'storage_unavailable' || code === 'secrets_unavailable';
    deps.log.write(isUnavailable ? 'warn' : 'error', 'console_page_failed', { code, error: message });
    return problemPage(context, visitOf(context), isUnavailable ? 503 : 500, { code, hint });
  });
  return app;
}

/** undefined before somebody is known, and on paths that nobody has to sign in for. */
function visitOf(context: ConsoleContext): Visit | undefined {
  return context.get('visit');
}

/** Whose account a form is read on: those of one token or person share one. */
function senderOf({ token, session }: SignedIn): string | number {
  return session.person === undefined ? token.id : `${session.person.issuer} ${session.person.subject}`;
}

/**
 * Back to the page afterwards; after a form, to the page that held it. A part of a page that updates itself takes the whole page along. Whoever signed in
 * at a provider goes there: it lets in at once whom it still knows, with the groups of now. Not by itself, from a page that somebody left open.
 */
function toSignIn(context: ConsoleContext, provider: string | undefined): Response {
  const { raw, method, url } = context.req;
  const { pathname, search } = new URL(url);
  const isPart = raw.headers.get('hx-request') === 'true';
  const isRead = method === 'GET' || method === 'HEAD';
  const back = isRead && !isPart ? returnPath(`${pathname}${search}`) : (pageOf(raw) ?? '/');
  const path =
    isRead && !isPart && provider !== undefined
      ? singleSignOnPath(provider, back)
      : signInPath(back, { lost: !isRead && !pathname.startsWith('/sign-out') });
  if (isPart) return context.body(null, 401, { 'hx-redirect': path });
  return context.redirect(path, 303);
}
