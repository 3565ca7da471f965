/** Asks before something is done that cannot be undone: a page of its own, so that it needs no script. */
import type { Child } from 'hono/jsx';
import type { Visit } from '../visit.ts';
import { type Crumb, Page } from './page.tsx';

interface Props {
  readonly visit: Visit;
  readonly title: string;
  readonly crumbs: readonly Crumb[];
  readonly section?: 'overview' | 'settings';
  /** Where it posts. */
  readonly action: string;
  /** Sent along, hidden. */
  readonly fields?: Readonly<Record<string, string>>;
  /** On the button: the verb. */
  readonly label: string;
  /** Where "Cancel" leads. */
  readonly back: string;
  /** What goes and what stays. */
  readonly children: Child;
}

export function ConfirmPage({ visit, title, crumbs, section = 'overview', action, fields = {}, label, back, children }: Props) {
  return (
    <Page title={title} visit={visit} crumbs={crumbs} section={section} narrow>
      <div class="card confirm">
        {children}
        <form method="post" action={action} class="buttons">
          {Object.entries(fields).map(([name, value]) => (
            <input type="hidden" name={name} value={value} />
          ))}
          <button type="submit" class="button button-danger">
            {label}
          </button>
          <a class="button button-quiet" href={back}>
            Cancel
          </a>
        </form>
      </div>
    </Page>
  );
}
