/** A mirror's state, its error, and when it runs next. */
import { showMirror } from '../../api/output/show-mirror.ts';
import type { Mirror } from '../../model/mirror.ts';
import { mirrorState } from '../mirror-state.ts';
import type { Visit } from '../visit.ts';
import { ErrorBadge } from './error-badge.tsx';
import { RelativeTime } from './relative-time.tsx';
import { StatusPill } from './status-pill.tsx';

interface Props {
  readonly mirror: Mirror;
  /** The mirror's project's. */
  readonly repositoryUrl: string;
  readonly visit: Visit;
  readonly now: number;
}

/** The words of the error are those that the API shows to this token. */
export function MirrorStatusWords({ mirror, repositoryUrl, visit, now }: Props) {
  const shown = showMirror(mirror, visit.token, { repositoryUrl });
  const error = mirror.enabled ? shown.last_error : null;
  const next = shown.next_run_at;
  const isWaiting = mirror.queuedAt !== null && mirror.leaseToken !== null;
  return (
    <span class="status">
      <StatusPill state={mirrorState(mirror)} />
      {error !== null && (
        <ErrorBadge id={`error-${mirror.mirror}`} message={error} code={shown.last_error_code} hint={shown.last_error_hint} />
      )}
      {isWaiting && <span class="muted">one more update follows</span>}
      {next !== null && mirror.leaseToken === null && (
        <span class="muted next-run">
          next <RelativeTime at={Date.parse(next)} now={now} />
        </span>
      )}
    </span>
  );
}
