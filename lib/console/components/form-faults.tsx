/** What was wrong with a form as a whole, at its head: it takes the focus, and the fields say their own. */
import type { Faults } from '../faults.ts';
import { ForeignText } from './foreign-text.tsx';

export function FormFaults({ faults }: { readonly faults: Faults }) {
  const count = Object.keys(faults.fields).length;
  if (count === 0 && faults.general.length === 0) return null;
  return (
    <div class="message message-failed" role="alert" tabindex={-1} data-focus>
      <p>
        <ForeignText
          text={faults.general.length > 0 ? faults.general.join(' ') : 'Nothing was saved. Some of the fields below need another look.'}
        />
      </p>
      {faults.hint !== undefined && (
        <p>
          <ForeignText text={faults.hint} />
        </p>
      )}
      {faults.code !== undefined && (
        <p>
          <code>{faults.code}</code>
        </p>
      )}
    </div>
  );
}
