/** What happened to refs, in words for people. */
import { refResults } from '../mirror/outcome.ts';
import type { Trigger } from '../model/run.ts';

/** What each result means, for the run's page. */
export const resultWords: Readonly<Record<string, string>> = {
  created: 'new at the target',
  updated: 'moved forward',
  forced: 'overwritten',
  deleted: 'deleted at the target',
  diverged: 'changed on both sides, left alone',
  kept: 'only at the target, kept',
  rejected: 'refused by the target',
  raced: 'changed by somebody else meanwhile',
  unreadable: 'the source cannot read its objects',
};

/** `12 created, 1 forced`; `` for none. */
export function countWords(counts: Readonly<Record<string, number>>): string {
  return refResults
    .filter((result) => (counts[result] ?? 0) > 0)
    .map((result) => `${counts[result]} ${result}`)
    .join(', ');
}

/** `1.4 MB` */
export function byteWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[step - 1]}`;
}

/** `340 ms`, `4.2 s`, `3 min 20 s` */
export function durationWords(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `An event from github`, `The schedule`, `By hand: alice`; `Tried again (by hand: alice)` */
export function triggerWords(trigger: Trigger): string {
  const words = askedBy(trigger);
  return trigger.retry === true ? `Tried again (${words[0]?.toLowerCase()}${words.slice(1)})` : words;
}

function askedBy({ kind, who }: Trigger): string {
  switch (kind) {
    case 'event':
      return who === '' ? 'An event' : `An event from ${who}`;
    case 'schedule':
      return 'The schedule';
    case 'manual':
      return who === '' ? 'By hand' : `By hand: ${who}`;
  }
}

/** `1 ref`, `1,234 refs` */
export function refCount(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'ref' : 'refs'}`;
}
