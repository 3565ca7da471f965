/** Progress on a terminal: one line that is overwritten, at most ten times a second. */
import type { SyncProgress } from '../mirror/sync-input.ts';
import { formatBytes } from './render.ts';

const intervalMs = 100;

export interface ProgressLine {
  show(progress: SyncProgress): void;
  /** Removes the line. */
  clear(): void;
}

export function createProgressLine(terminal: { write(text: string): unknown }): ProgressLine {
  const startedAt = performance.now();
  let shownAt = -intervalMs;
  return {
    show({ phase, refsDone, refsTotal, bytes }) {
      const now = performance.now();
      if (now - shownAt < intervalMs) return;
      shownAt = now;
      const rate = bytes / Math.max(0.001, (now - startedAt) / 1000);
      const work = phase === 'relaying' ? ` ${refsDone}/${refsTotal} refs, ${formatBytes(bytes)}, ${formatBytes(rate)}/s` : '';
      const copied = phase === 'copying LFS objects' ? ` ${formatBytes(bytes)}, ${formatBytes(rate)}/s` : '';
      terminal.write(`\r\x1b[K${phase}${work}${copied}`);
    },
    clear: () => void terminal.write('\r\x1b[K'),
  };
}
