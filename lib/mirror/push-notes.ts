/** What a person should know about a run's pushes beyond the refs: packs that were begun again, and all that the target said. */
import { limits } from '../core/limits.ts';
import type { Verdict } from './judge.ts';
import type { Note } from './planning.ts';

export class PushNotes {
  readonly #lines = new Set<string>();
  readonly #repeated: Note[] = [];

  hear(words: readonly string[]): void {
    for (const line of words) if (this.#lines.size < limits.heardLines) this.#lines.add(line);
  }

  sentAgain(bytes: number, why: string): void {
    this.#repeated.push({ code: 'push_sent_again', message: `A push was begun again after ${bytes} bytes of its pack. ${why}` });
  }

  /** The target's words are told as a whole where the refs that were left behind tell only a part of them. */
  list(verdicts: ReadonlyMap<string, Verdict>): Note[] {
    const reasons = [...verdicts.values()].map((verdict) => (verdict.state === 'done' ? '' : verdict.reason));
    const isRefused = reasons.some((reason) => reason !== '');
    const isAllTold = [...this.#lines].every((line) => reasons.some((reason) => reason.includes(line)));
    if (!isRefused || isAllTold) return this.#repeated;
    return [...this.#repeated, { code: 'target_words', message: `The target said:\n${[...this.#lines].join('\n')}` }];
  }
}
