/** Copies LFS objects from one end to the other: asks the target what it needs, the source for that alone, and moves several at once. */
import { createHash } from 'node:crypto';
import { collectYoungGarbage } from '../core/collect-garbage.ts';
import type { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Action, BatchedObject, LfsOperation } from './batch-message.ts';
import { failureOf, type LfsFailure, unlessOver } from './lfs-failure.ts';
import type { LfsServer } from './lfs-server.ts';
import { isTransient } from './lfs-status.ts';
import type { LfsObject } from './pointer.ts';
import { transferObject } from './transfer-object.ts';

export interface CopyInput {
  /** Each oid once. */
  readonly objects: readonly LfsObject[];
  readonly source: LfsServer;
  readonly target: LfsServer;
  /** Full name of a ref to name in batch requests. */
  readonly ref: string | undefined;
  onBytes(bytes: number): void;
}

export interface Copied {
  readonly moved: number;
  /** The target had them. */
  readonly skipped: number;
  readonly failures: readonly LfsFailure[];
  /** Of objects that arrived. */
  readonly bytes: number;
  /** What ended it before all objects were looked at; the rest is in none of the numbers. */
  readonly ended: unknown;
}

/** Never throws: what an end does wrong is a failure of the objects concerned, and what ends the run is in `ended`. */
export async function copyObjects(input: CopyInput): Promise<Copied> {
  return new Copying(input).run();
}

/** Groups whose answers are waited for at once: the next group's links are there when a short one is through. */
const concurrentGroups = 2;
const attempts = 3;
/** As in the relay of packs: the peak then does not depend on how much passes. */
const collectEveryBytes = 4_000_000;
const emptyOid = createHash('sha256').digest('hex');

type Links = Extract<BatchedObject, { readonly kind: 'actions' }>;

class Copying {
  readonly #input: CopyInput;
  readonly #failures: LfsFailure[] = [];
  /** What an end answered to a whole batch: the next one would fare no better. */
  readonly #refusals = new Map<LfsOperation, GitferryError>();
  readonly #waiting: (() => void)[] = [];
  #places = limits.lfsConcurrentObjects;
  #moved = 0;
  #skipped = 0;
  #bytes = 0;
  #uncollectedBytes = 0;
  #ended: unknown;

  constructor(input: CopyInput) {
    this.#input = input;
  }

  async run(): Promise<Copied> {
    const groups: LfsObject[][] = [];
    const { objects } = this.#input;
    for (let at = 0; at < objects.length; at += limits.lfsBatchObjects) groups.push(objects.slice(at, at + limits.lfsBatchObjects));
    const worker = async (): Promise<void> => {
      for (let group = groups.shift(); group !== undefined && this.#ended === undefined; group = groups.shift()) {
        await this.#copyGroup(group).catch((error: unknown) => {
          this.#ended ??= error;
        });
      }
    };
    await Promise.all(Array.from({ length: concurrentGroups }, worker));
    return { moved: this.#moved, skipped: this.#skipped, failures: this.#failures, bytes: this.#bytes, ended: this.#ended };
  }

  async #copyGroup(group: readonly LfsObject[]): Promise<void> {
    const wanted = await this.#ask('upload', group);
    const needed = wanted.filter((links) => {
      if (links.upload !== undefined || links.verify !== undefined) return true;
      this.#skipped++;
      return false;
    });
    if (needed.length === 0) return;
    const offered = new Map<string, Links>();
    const toAskFor = needed.filter((links) => needsDownload(links));
    if (toAskFor.length > 0) for (const links of await this.#ask('download', toAskFor)) offered.set(links.oid, links);
    const results = await Promise.allSettled(
      needed.map(async (links) => {
        const download = offered.get(links.oid);
        // Without an answer of the source its failure is noted already.
        if (download !== undefined || !needsDownload(links)) await this.#inPlace(() => this.#copy(links, download));
      }),
    );
    for (const result of results) if (result.status === 'rejected') this.#ended ??= result.reason;
  }

  /** Those with links (or with nothing to do); the others' failures are noted. */
  async #ask(operation: LfsOperation, objects: readonly LfsObject[]): Promise<Links[]> {
    const server = operation === 'upload' ? this.#input.target : this.#input.source;
    let answer: readonly BatchedObject[] = [];
    let refusal = this.#refusals.get(operation);
    if (refusal === undefined) {
      try {
        answer = await server.batch({ operation, objects, ref: this.#input.ref });
      } catch (error) {
        refusal = unlessOver(error);
        this.#refusals.set(operation, refusal);
      }
    }
    if (refusal !== undefined) {
      for (const object of objects) this.#failures.push(failureOf(object, refusal));
      return [];
    }
    return answer.filter((object): object is Links => {
      const error = errorOf(object, server);
      if (error !== undefined) this.#failures.push(failureOf(object, error));
      return error === undefined;
    });
  }

  /** Tries again with fresh links where that may help. */
  async #copy(links: Links, download: Links | undefined): Promise<void> {
    const { oid, size } = links;
    let [upload, source]: [Links, Links | undefined] = [links, download];
    for (let attempt = 1; ; attempt++) {
      try {
        if (attempt > 1 || isStale(upload.upload, upload.verify, source?.download)) {
          upload = await this.#askAgain('upload', { oid, size });
          if (upload.upload === undefined && upload.verify === undefined) break;
          if (source !== undefined) source = await this.#askAgain('download', { oid, size });
        }
        await this.#transfer(upload, source);
        break;
      } catch (thrown) {
        const error = unlessOver(thrown);
        const mayHelp = isTransient(error.code) || (error.code === 'lfs_access_denied' && attempt === 1);
        const last = attempt === attempts || (attempt > 1 && error.code !== 'rate_limited');
        if (mayHelp && !last && (error.code !== 'rate_limited' || (await this.#input.target.pausedFor(error)))) continue;
        this.#failures.push(failureOf({ oid, size }, error));
        return;
      }
    }
    this.#moved++;
    this.#bytes += size;
  }

  async #askAgain(operation: LfsOperation, object: LfsObject): Promise<Links> {
    const server = operation === 'upload' ? this.#input.target : this.#input.source;
    const [answer] = await server.batch({ operation, objects: [object], ref: this.#input.ref });
    const error = answer === undefined ? server.protocolError('it does not answer') : errorOf(answer, server);
    if (error !== undefined) throw error;
    return answer as Links;
  }

  #transfer({ oid, size, upload, verify, authenticated }: Links, download: Links | undefined): Promise<void> {
    const { source, target } = this.#input;
    return transferObject({
      object: { oid, size },
      source,
      target,
      download: download?.download === undefined ? undefined : { action: download.download, authenticated: download.authenticated },
      upload,
      verify,
      uploadAuthenticated: authenticated,
      onBytes: (bytes) => this.#passed(bytes),
    });
  }

  #passed(bytes: number): void {
    this.#uncollectedBytes += bytes;
    if (this.#uncollectedBytes >= collectEveryBytes) {
      this.#uncollectedBytes = 0;
      collectYoungGarbage();
    }
    this.#input.onBytes(bytes);
  }

  /** At most so many at once, over all groups. */
  async #inPlace(work: () => Promise<void>): Promise<void> {
    if (this.#places > 0) this.#places--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      if (this.#ended === undefined) await work();
    } catch (error) {
      this.#ended ??= error;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#places++;
      else next();
    }
  }
}

/** What an empty file holds is known, and many servers keep none. */
function needsDownload({ oid, size, upload }: Links): boolean {
  return upload !== undefined && !(size === 0 && oid === emptyOid);
}

function errorOf(object: BatchedObject, server: LfsServer): GitferryError | undefined {
  if (object.kind === 'actions') return undefined;
  return object.kind === 'error' ? server.objectError(object) : server.protocolError(object.why);
}

function isStale(...actions: readonly (Action | undefined)[]): boolean {
  return actions.some((action) => action?.expiresAt !== undefined && action.expiresAt - Date.now() < limits.lfsExpiryMarginMs);
}
