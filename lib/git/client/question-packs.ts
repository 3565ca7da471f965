/** The packs that answer history questions: filtered to commits and tags where the server can, and remembering where it cannot. */
import { GitferryError } from '../../core/errors.ts';
import type { Oid } from '../object-id.ts';
import { type IncomingPack, openPack } from '../pack/incoming-pack.ts';
import type { FetchRequest } from '../wire/fetch-request.ts';
import type { UploadPack } from './upload-pack.ts';

export interface QuestionAnswer {
  /** Haves that the server says it has. */
  readonly acknowledged: ReadonlySet<Oid>;
  /** undefined = it sent none: it sees no way from the wants to the haves. Never so where the request is `done`. */
  readonly pack: IncomingPack | undefined;
}

export class QuestionPacks {
  readonly #source: UploadPack;
  #filterWorks: boolean;

  constructor(source: UploadPack) {
    this.#source = source;
    this.#filterWorks = source.offersFilter;
  }

  /** Fetches commits and tags only where the filter works, and tries without it once where it turns out not to. Throws what the source answers. */
  async ask<T>(what: Pick<FetchRequest, 'wants' | 'haves' | 'depth' | 'done'>, use: (answer: QuestionAnswer) => Promise<T>): Promise<T> {
    const request: FetchRequest = { ...what, thinPack: false, ofsDelta: true };
    if (this.#filterWorks) {
      try {
        return await this.#fetchAnd({ ...request, filter: 'tree:0' }, use);
      } catch (error) {
        if (error instanceof GitferryError && error.code === 'history_too_large') throw error;
        noAnswer(error);
        // Only if the server answers without the filter was it the filter.
        const result = await this.#fetchAnd(request, use);
        this.#filterWorks = false;
        return result;
      }
    }
    return this.#fetchAnd(request, use);
  }

  async #fetchAnd<T>(request: FetchRequest, use: (answer: QuestionAnswer) => Promise<T>): Promise<T> {
    const answer = await this.#source.fetch(request, { patient: false });
    try {
      const pack = answer.packFollows ? await openPack(answer.pack, this.#source.objectFormat) : undefined;
      return await use({ acknowledged: answer.acknowledged, pack });
    } finally {
      await answer.finish();
    }
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
