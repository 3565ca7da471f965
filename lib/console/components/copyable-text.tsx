/** A text to be copied: selectable by hand, with a button where the script runs (it stays hidden otherwise). */

import { ForeignText } from './foreign-text.tsx';
import { Icon } from './icon.tsx';

interface Props {
  /** Unique in the page. */
  readonly id: string;
  readonly text: string;
  /** What it is, for the button's name: `Copy the public key`. */
  readonly what: string;
}

export function CopyableText({ id, text, what }: Props) {
  return (
    <span class="copyable">
      <code id={id} class="copyable-text">
        <ForeignText text={text} />
      </code>
      <button type="button" class="button button-quiet" data-copy={id} hidden>
        <Icon name="copy" />
        <span data-copy-word>Copy</span>
        <span class="visually-hidden"> {what}</span>
      </button>
    </span>
  );
}
