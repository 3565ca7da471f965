/** The page to sign in at: a button for each identity provider, and the field for an access token, which works whatever they do. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ApiDeps } from '../../api/api-deps.ts';
import { toGitferryError } from '../../core/errors.ts';
import { ForeignText } from '../components/foreign-text.tsx';
import { TextField } from '../components/form-field.tsx';
import { Page } from '../components/page.tsx';
import { singleSignOnPath } from '../return-path.ts';
import { sendPage } from './problem.tsx';

interface Shown {
  readonly back: string;
  readonly note?: string | undefined;
  /** What is wrong with the token that was typed. */
  readonly fault?: string | undefined;
  /** Why the sign-in at a provider did not work. */
  readonly problem?: string | undefined;
}

type Providers = readonly { readonly id: string; readonly name: string }[];

export async function sendSignIn(context: Context, deps: ApiDeps, shown: Shown, status: ContentfulStatusCode = 200): Promise<Response> {
  const providers = await offered(deps);
  return sendPage(context, <SignInPage {...shown} providers={providers} />, status);
}

/** 'unusable' = there are some, but nobody can tell which: a token is the way in. */
async function offered({ sso, log }: ApiDeps): Promise<Providers | 'unusable'> {
  try {
    return (await sso?.providers()) ?? [];
  } catch (error) {
    const { code, message } = toGitferryError(error);
    log.write('error', 'sso_settings_unusable', { code, error: message });
    return 'unusable';
  }
}

function SignInPage({ back, note, fault, problem, providers }: Shown & { readonly providers: Providers | 'unusable' }) {
  const failed = providers === 'unusable' ? 'Single sign-on cannot be used now: its settings are not readable. The log says why.' : problem;
  return (
    <Page title="Sign in" visit={undefined} narrow>
      <div class="card form sign-in">
        {note !== undefined && (
          <p class="message message-note" role="status">
            {note}
          </p>
        )}
        {failed !== undefined && (
          <p class="message message-failed" role="alert">
            <ForeignText text={failed} /> An access token still lets you in.
          </p>
        )}
        {providers !== 'unusable' && providers.length > 0 && (
          <>
            <ul class="providers">
              {providers.map(({ id, name }) => (
                <li>
                  <a class="button button-primary" href={singleSignOnPath(id, back)}>
                    Sign in with <ForeignText text={name} />
                  </a>
                </li>
              ))}
            </ul>
            <p class="muted">or with an access token:</p>
          </>
        )}
        <form method="post" action="/sign-in" class="form">
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
            <button type="submit" class={providers.length > 0 ? 'button' : 'button button-primary'}>
              Sign in
            </button>
          </div>
        </form>
      </div>
    </Page>
  );
}
