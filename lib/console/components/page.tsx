/** The frame of every page: head, skip link, navigation, messages, the main landmark. */

import type { Child } from 'hono/jsx';
import { isInstanceOwner } from '../../api/http/authenticate.ts';
import { printable } from '../../core/printable.ts';
import { assetPath } from '../assets.ts';
import type { Visit } from '../visit.ts';
import { FlashMessage } from './flash-message.tsx';
import { ForeignText } from './foreign-text.tsx';

export interface Crumb {
  readonly path: string;
  readonly label: string;
}

interface Props {
  readonly title: string;
  /** undefined: nobody is signed in. */
  readonly visit: Visit | undefined;
  /** The pages above this one. */
  readonly crumbs?: readonly Crumb[];
  /** Beside the heading: links and buttons. */
  readonly actions?: Child;
  /** Instead of the title as heading. */
  readonly heading?: Child;
  readonly section?: 'overview' | 'settings';
  /** For pages with little on them. */
  readonly narrow?: boolean;
  readonly children?: Child;
}

/** htmx neither evaluates anything nor writes styles: the content security policy forbids both. */
const htmxConfig = JSON.stringify({
  includeIndicatorStyles: false,
  allowEval: false,
  allowScriptTags: false,
  selfRequestsOnly: true,
  historyCacheSize: 0,
  defaultSwapStyle: 'outerHTML',
  scrollIntoViewOnBoost: false,
});

export function Page({ title, visit, crumbs = [], actions, heading, section, narrow = false, children }: Props) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content={htmxConfig} />
        <title>{`${printable(title)} · gitferry`}</title>
        <link rel="icon" href={assetPath('icon.svg')} type="image/svg+xml" />
        <link rel="stylesheet" href={assetPath('console.css')} />
        <script src={assetPath('htmx.js')} defer></script>
        <script src={assetPath('console.js')} defer></script>
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header class="top">
          <div class="top-inner">
            <a class="brand" href="/">
              <svg viewBox="0 0 32 24" width="32" height="24" aria-hidden="true" focusable="false">
                <path
                  d="M4 13h24l-3.4 5H7.4zM9 13V8.500h11l4 4.500M13 8.500V4h3.500v4.500"
                  fill="none"
                  stroke="currentColor"
                  stroke-width="2"
                  stroke-linejoin="round"
                />
                <path d="M2 21.500q3.500-2 7 0t7 0 7 0 7 0" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" />
              </svg>
              gitferry
            </a>
            {visit !== undefined && <Navigation visit={visit} section={section} />}
          </div>
        </header>
        <main id="main" tabindex={-1} class={narrow ? 'narrow' : ''}>
          {visit !== undefined && <FlashMessage flash={visit.flash()} now={visit.deps.clock.now()} />}
          <p class="visually-hidden" id="live" role="status" aria-live="polite"></p>
          {crumbs.length > 0 && (
            <nav class="crumbs" aria-label="Breadcrumb">
              <ol>
                {crumbs.map(({ path, label }) => (
                  <li>
                    <a href={path}>
                      <ForeignText text={label} />
                    </a>
                  </li>
                ))}
              </ol>
            </nav>
          )}
          <div class="heading">
            <h1>{heading ?? <ForeignText text={title} />}</h1>
            {actions !== undefined && <div class="actions">{actions}</div>}
          </div>
          {children}
        </main>
      </body>
    </html>
  );
}

function Navigation({ visit, section }: { readonly visit: Visit; readonly section: Props['section'] }) {
  const current = (name: Props['section']) => (section === name ? ('page' as const) : undefined);
  const { token } = visit;
  return (
    <>
      <nav class="sections" aria-label="Main">
        <a href="/" aria-current={current('overview')}>
          Overview
        </a>
        {isInstanceOwner(token) && (
          <a href="/settings" aria-current={current('settings')}>
            Settings
          </a>
        )}
      </nav>
      <details class="account">
        <summary>
          <span class="visually-hidden">Signed in as </span>
          <span class="account-name">
            <ForeignText text={token.name} />
          </span>
        </summary>
        <div class="account-menu">
          <p>
            {token.role}
            {token.projectIds !== null && `, ${token.projectIds.length} ${token.projectIds.length === 1 ? 'project' : 'projects'}`}
          </p>
          <form method="post" action="/sign-out">
            <button type="submit" class="button button-quiet">
              Sign out
            </button>
          </form>
          <form method="post" action="/sign-out-everywhere">
            <button type="submit" class="button button-quiet">
              Sign out everywhere
            </button>
          </form>
        </div>
      </details>
    </>
  );
}
