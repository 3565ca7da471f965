/** Pages for what went wrong: each says what happened and what to do next. */
import type { Child } from 'hono/jsx';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ForeignText } from '../components/foreign-text.tsx';
import { Page } from '../components/page.tsx';
import type { RefusalReason } from '../refusal.ts';
import type { ConsoleContext, Visit } from '../visit.ts';

interface Problem {
  readonly title: string;
  readonly words: Child;
}

const problems: Readonly<Record<number, Problem>> = {
  400: { title: 'That request cannot be read', words: 'Something in the address or the form is not usable. Go back and try again.' },
  403: {
    title: 'Not allowed',
    words: 'Your role does not allow this. Ask an owner of this instance for a higher one, or for a token that has it.',
  },
  404: {
    title: 'There is nothing here',
    words: 'The project or mirror may have been deleted, perhaps in another tab, or your token may not be allowed to see it.',
  },
  409: { title: 'That is not possible now', words: 'Something else stands in the way.' },
  408: { title: 'The form did not arrive in time', words: 'Nothing was saved. Go back and send it again.' },
  413: { title: 'That form is too large', words: 'Nothing was saved. Go back and shorten what you typed.' },
  429: { title: 'Too many forms at once', words: 'Nothing was saved. Wait a moment, go back and send it again.' },
  503: {
    title: 'gitferry cannot reach its storage',
    words: 'Nothing that was accepted is lost. Wait a moment and load the page again.',
  },
};

const foreignOrigin: Problem = {
  title: 'This form came from another site',
  words: (
    <>
      Your browser says that this request was not sent from a page of this console, so nothing was done. If you did press a button here,
      open the console at its own address and try again; if a proxy stands in front of it, GITFERRY_PUBLIC_URL must name the address that
      you see in the browser.
    </>
  ),
};

const defect: Problem = {
  title: 'gitferry itself failed',
  words: 'This is a defect in gitferry. Load the page again; if it stays, look at the log and report it.',
};

/** All that the API refuses with. */
const statuses = [400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 500, 503, 504] as const;

/** As the API says. */
const retryAfterSeconds = '5';

export function problemPage(
  context: ConsoleContext,
  visit: Visit | undefined,
  status: number,
  reason: RefusalReason = {},
): Response | Promise<Response> {
  const { title, words } =
    reason === 'foreign_origin' ? foreignOrigin : (problems[status] ?? (status < 500 ? problems[400] : undefined) ?? defect);
  const { code, hint, message } = reason === 'foreign_origin' ? {} : reason;
  const page = (
    <Page title={title} visit={visit} narrow>
      <div class="card problem">
        <p>{words}</p>
        {message !== undefined && !/^\d{3} /.test(message) && (
          <p>
            <ForeignText text={message} />
          </p>
        )}
        {hint !== undefined && (
          <p>
            <ForeignText text={hint} />
          </p>
        )}
        <p class="muted">
          {status}
          {code !== undefined && (
            <>
              {' '}
              <code>{code}</code>
            </>
          )}
        </p>
        <p>
          <a class="button button-primary" href="/">
            {visit === undefined ? 'To the sign-in' : 'To the overview'}
          </a>
        </p>
      </div>
    </Page>
  );
  if (status === 429 || status === 503) context.header('retry-after', retryAfterSeconds);
  return sendPage(context, page, statuses.find((known) => known === status) ?? (status < 500 ? 400 : 500));
}

/** A whole document. */
export function sendPage(context: ConsoleContext, page: Child, status: ContentfulStatusCode = 200): Response | Promise<Response> {
  return context.html(`<!DOCTYPE html>${String(page)}`, status);
}
