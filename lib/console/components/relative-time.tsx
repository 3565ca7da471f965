/** A time: how long ago or ahead, the exact time on hover and focus, in the reader's zone where the script runs, otherwise in UTC. */

interface Props {
  /** Milliseconds since 1970; null = never. */
  readonly at: number | null;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Shown for null. */
  readonly never?: string;
}

export function RelativeTime({ at, now, never = 'never' }: Props) {
  if (at === null) return <span class="muted">{never}</span>;
  return (
    <span class="tip">
      <time datetime={new Date(at).toISOString()} data-relative tabindex={0}>
        {relativeTime(at, now)}
      </time>
      <span class="tip-text" data-exact aria-hidden="true">
        {exactTime(at)}
      </span>
    </span>
  );
}

/** The time itself, in the reader's zone where the script runs, otherwise in UTC. */
export function ExactTime({ at }: { readonly at: number }) {
  return (
    <time datetime={new Date(at).toISOString()} data-exact-time>
      {exactTime(at)}
    </time>
  );
}

const steps = [
  { unit: 'minute', seconds: 60, until: 3600 },
  { unit: 'hour', seconds: 3600, until: 48 * 3600 },
  { unit: 'day', seconds: 86_400, until: 60 * 86_400 },
  { unit: 'month', seconds: 30 * 86_400, until: 730 * 86_400 },
  { unit: 'year', seconds: 365 * 86_400, until: Number.POSITIVE_INFINITY },
] as const;

/** `5 minutes ago`, `in 2 hours`, `just now`. */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.abs(at - now) / 1000;
  if (seconds < 45) return at > now + 5_000 ? 'in a moment' : 'just now';
  const step = steps.find(({ until }) => seconds < until) ?? steps[0];
  const count = Math.max(1, Math.floor(seconds / step.seconds));
  const words = `${count} ${step.unit}${count === 1 ? '' : 's'}`;
  return at > now ? `in ${words}` : `${words} ago`;
}

/** `2026-11-22 04:12:17 UTC` */
export function exactTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
