/** A mirror's runs as bars: height is the duration, colour and shape the outcome. Made on the server; the table below it says the same. */
import { durationWords } from '../ref-words.ts';

interface Bar {
  readonly started_at: string;
  readonly outcome: 'success' | 'partial' | 'failed';
  readonly duration_ms: number;
}

const width = 10;
const gap = 4;
const height = 64;
const least = 4;

/** `runs` come newest first and are drawn oldest first. */
export function RunChart({ runs }: { readonly runs: readonly Bar[] }) {
  if (runs.length < 2) return null;
  const bars = [...runs].reverse();
  const longest = Math.max(1, ...bars.map(({ duration_ms: ms }) => ms));
  const total = bars.length * (width + gap) - gap;
  const failed = bars.filter(({ outcome }) => outcome === 'failed').length;
  const partial = bars.filter(({ outcome }) => outcome === 'partial').length;
  const summary = `The last ${bars.length} updates: ${bars.length - failed - partial} succeeded, ${partial} in part, ${failed} failed. The longest took ${durationWords(longest)}.`;
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${total} ${height}`} width={total} height={height} role="img" aria-label={summary}>
        {bars.map(({ outcome, started_at: at, duration_ms: ms }, place) => {
          const tall = Math.max(least, Math.round((ms / longest) * (height - 8)));
          const x = place * (width + gap);
          return (
            <g>
              <title>{`${at.slice(0, 16).replace('T', ' ')} UTC: ${outcome}, ${durationWords(ms)}`}</title>
              <rect x={x} y={0} width={width} height={height} fill="transparent" />
              <rect class={`bar bar-${outcome}`} x={x} y={height - tall} width={width} height={tall} rx="2" />
              {outcome !== 'success' && <circle class={`bar bar-${outcome}`} cx={x + width / 2} cy={height - tall - 5} r="2.5" />}
            </g>
          );
        })}
      </svg>
      <figcaption class="muted">{summary}</figcaption>
    </figure>
  );
}
