/** Says on pages about mirrors that nothing moves now, and what becomes of requests. */
import { isInstanceOwner } from '../../api/http/authenticate.ts';
import type { Visit } from '../visit.ts';
import { Icon } from './icon.tsx';

export function SilentModeBanner({ visit }: { readonly visit: Visit }) {
  return (
    <div class="message message-silent">
      <p>
        <Icon name="silent" />
        <strong>Silent mode is on.</strong> Nothing is pushed or pulled. Events and requests are remembered and carried out when it is
        switched off.
        {isInstanceOwner(visit.token) && (
          <>
            {' '}
            <a href="/settings">Settings</a>
          </>
        )}
      </p>
    </div>
  );
}
