/** The packs that answer history questions: filtered to commits where the server can, and remembering where it cannot. */
import { GitferryError } from '../../core/errors.ts';
import type { Oid } from '../object-id.ts';
import type { CommitGraph } from '../pack/commit-graph.ts';
import { type IncomingPack, openPack } from '../pack/incoming-pack.ts';
import type { FetchRequest } from '../wire/fetch-request.ts';
import { cloneHistory } from './history-clone.ts';
import type { UploadPack } from './upload-pack.ts';

export class QuestionPacks {
  readonly #source: UploadPack;
  #filterWorks: boolean;

  constructor(source: UploadPack) {
    this.#source = source;
    this.#filterWorks = source.offersFilter;
  }

  /** Whether packs hold commits only, as far as is known. */
  get filterWorks(): boolean {
    return this.#filterWorks;
  }

  /** Fetches commits only where the filter works, and tries without it once where it turns out not to. */
  async ask<T>(what: Pick<FetchRequest, 'wants' | 'haves' | 'depth'>, use: (pack: IncomingPack) => Promise<T>): Promise<T> {
    const request: FetchRequest = { ...what, done: true, thinPack: false, ofsDelta: false };
    if (this.#filterWorks) {
      try {
        return await this.#fetchAnd({ ...request, filter: 'tree:0' }, use);
      } catch (error) {
        noAnswer(error);
        // Only if the server answers without the filter was it the filter.
        const result = await this.#fetchAnd(request, use);
        this.#filterWorks = false;
        return result;
      }
    }
    return this.#fetchAnd(request, use);
  }

  async #fetchAnd<T>(request: FetchRequest, use: (pack: IncomingPack) => Promise<T>): Promise<T> {
    const answer = await this.#source.fetch(request, { patient: false });
    try {
      return await use(await openPack(answer.pack, this.#source.objectFormat));
    } finally {
      await answer.finish();
    }
  }

  /** The whole history of these values in /tmp, within limits. */
  async clone(wants: readonly Oid[], signal: AbortSignal): Promise<CommitGraph> {
    if (this.#filterWorks) {
      try {
        return await cloneHistory(this.#source, wants, { filtered: true, signal });
      } catch (error) {
        if (error instanceof GitferryError && error.code === 'history_too_large') throw error;
        noAnswer(error);
        this.#filterWorks = false;
      }
    }
    return cloneHistory(this.#source, wants, { filtered: false, signal });
  }
}

const endsTheRun = new Set([
  'deadline_exceeded',
  'run_interrupted',
  'credentials_refused',
  'credentials_missing',
  'address_blocked',
  'internal_error',
]);

/** What a failed question says; rethrows what is no matter of this question. */
export function noAnswer(error: unknown): string {
  if (!(error instanceof GitferryError) || endsTheRun.has(error.code)) throw error;
  return error.message;
}
