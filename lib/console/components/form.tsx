/** A form that posts to the console: works without script, and sends what it creates once. */
import { randomBytes } from 'node:crypto';
import type { Child } from 'hono/jsx';

interface Props {
  readonly action: string;
  /** With a number that is taken once (`firstTime`): for forms that create something. */
  readonly once?: boolean;
  readonly class?: string;
  readonly children?: Child;
}

export function Form({ action, once = false, class: className = 'form', children }: Props) {
  return (
    <form method="post" action={action} class={className}>
      {/* What the Enter key presses: the first button of a form, which may otherwise be one beside "Save". */}
      <button type="submit" hidden></button>
      {once && <input type="hidden" name="form_nonce" value={randomBytes(12).toString('base64url')} />}
      {children}
    </form>
  );
}

/** One button that posts: `danger` for what cannot be undone, `quiet` beside another one. */
export function PostButton({
  action,
  label,
  kind = 'quiet',
  id,
  children,
}: {
  readonly action: string;
  /** Where the button is replaced while it may have the focus. */
  readonly id?: string;
  readonly label: Child;
  readonly kind?: 'primary' | 'quiet' | 'danger';
  /** Hidden fields. */
  readonly children?: Child;
}) {
  return (
    <form method="post" action={action} class="inline">
      {children}
      <button type="submit" id={id} class={`button button-${kind}`}>
        {label}
      </button>
    </form>
  );
}
