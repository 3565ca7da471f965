/** A card that holds one form: its heading, what was wrong with it, its fields, and the button that sends it. */
import type { Child } from 'hono/jsx';
import type { Faults } from '../faults.ts';
import { Form } from './form.tsx';
import { FormFaults } from './form-faults.tsx';

interface Props {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly faults: Faults;
  readonly action: string;
  /** For forms that create something. */
  readonly once?: boolean;
  readonly class?: string;
  /** On the button. */
  readonly submit: Child;
  /** The fields. */
  readonly children: Child;
}

export function FormCard({ id, title, faults, action, once = false, class: className = 'form', submit, children }: Props) {
  return (
    <section class="card" aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>{title}</h2>
      <FormFaults faults={faults} />
      <Form action={action} once={once} class={className}>
        {children}
        <div class="buttons">
          <button type="submit" class="button button-primary">
            {submit}
          </button>
        </div>
      </Form>
    </section>
  );
}
