/** An error in a word, with its text, code and hint readable by hover, focus and touch, without script. Escape closes it (console.js). */

import { ForeignText } from './foreign-text.tsx';
import { Icon } from './icon.tsx';

interface Props {
  /** Unique in the page. */
  readonly id: string;
  readonly message: string;
  readonly code: string | null;
  readonly hint: string | null;
  readonly label?: string;
}

/** Lines of the message stay lines: the refs that a run could not move stand below each other. */
export function ErrorBadge({ id, message, code, hint, label = 'Error' }: Props) {
  return (
    <span class="tip tip-error">
      <button type="button" class="badge-error" id={id} aria-describedby={`${id}-text`}>
        <Icon name="warning" />
        {label}
      </button>
      <span class="tip-text" role="tooltip" id={`${id}-text`}>
        <span class="tip-message">
          <ForeignText text={message} />
        </span>
        {hint !== null && hint !== '' && (
          <span class="tip-hint">
            <ForeignText text={hint} />
          </span>
        )}
        {code !== null && <code class="tip-code">{code}</code>}
      </span>
    </span>
  );
}
