/** What the page before this one had to say: read out by screen readers, shown until the next page. */
import type { Flash } from '../flash.ts';
import { ForeignText } from './foreign-text.tsx';
import { RelativeTime } from './relative-time.tsx';

export function FlashMessage({ flash, now }: { readonly flash: Flash | undefined; readonly now: number }) {
  return (
    <div class="flash" role="status" aria-live="polite">
      {flash !== undefined && (
        <p class={`message message-${flash.kind}`}>
          <ForeignText text={flash.text} />
          {flash.at !== undefined && (
            <>
              {' '}
              <RelativeTime at={flash.at} now={now} />
            </>
          )}
        </p>
      )}
    </div>
  );
}
