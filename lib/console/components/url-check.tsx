/** Says below the URL's field whether the URL can be used: asked for again whenever the field changes, where scripts run. */
import type { UrlCheck } from '../url-check.ts';
import { ForeignText } from './foreign-text.tsx';

/** `action` is the form's own: it answers with the whole page, of which this part is taken. */
export function UrlCheckWords({ check, action }: { readonly check: UrlCheck; readonly action: string }) {
  const { state, message, hint, instead, note } = check;
  return (
    <div
      id="url-check"
      class={`url-check url-check-${state}`}
      aria-live="polite"
      hx-post={action}
      hx-trigger="input from:#field-url delay:400ms, change from:#field-url"
      hx-vals='{"step":"check"}'
      hx-params="not password"
      hx-select="#url-check"
      hx-swap="outerHTML"
      hx-sync="this:replace"
    >
      {message !== '' && (
        <p>
          <ForeignText text={message} />
        </p>
      )}
      {hint !== undefined && hint !== '' && instead === undefined && (
        <p>
          <ForeignText text={hint} />
        </p>
      )}
      {instead !== undefined && (
        <p>
          <button type="submit" class="button button-quiet" name="use_url" value={instead} formnovalidate>
            Use <ForeignText text={instead} />
          </button>
        </p>
      )}
      {note?.notes.map((words) => (
        <p>
          <ForeignText text={words} />
        </p>
      ))}
    </div>
  );
}
