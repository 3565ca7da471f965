/** The last resort for history questions: the commits of some refs fetched into /tmp, within limits, and read there. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { createTemporaryFolder } from '../../core/temporary-folder.ts';
import type { Oid } from '../object-id.ts';
import { type CommitGraph, packFile, readCommitGraph } from '../pack/commit-graph.ts';
import { openPack } from '../pack/incoming-pack.ts';
import type { UploadPack } from './upload-pack.ts';

export interface HistoryCloneOptions {
  /** Only commits (`tree:0`); without it everything comes, and the limits are reached sooner. */
  readonly filtered: boolean;
  readonly signal: AbortSignal;
}

/**
 * Everything that `wants` (values the source lists) reach, as a commit graph. Throws `history_too_large` above the limits or for SHA-256,
 * and what fetching throws. Leaves nothing in /tmp.
 */
export async function cloneHistory(
  source: UploadPack,
  wants: readonly Oid[],
  { filtered, signal }: HistoryCloneOptions,
): Promise<CommitGraph> {
  if (source.objectFormat !== 'sha1') throw new GitferryError('history_too_large', { detail: 'SHA-256 histories cannot be read here.' });
  const request = { wants: [...new Set(wants)], haves: [], done: true, thinPack: false, ofsDelta: true };
  const answer = await source.fetch(filtered ? { ...request, filter: 'tree:0' } : request, { patient: true });
  try {
    const pack = await openPack(answer.pack, source.objectFormat);
    if (pack.objects > limits.historyCloneObjects) {
      throw new GitferryError('history_too_large', {
        detail: `It has ${pack.objects} objects; ${limits.historyCloneObjects} can be read.`,
      });
    }
    const folder = await createTemporaryFolder();
    try {
      const path = packFile(folder.path);
      await mkdir(dirname(path), { recursive: true });
      await pipeline(limited(pack.bytes, limits.historyCloneBytes), createWriteStream(path, { mode: 0o600 }));
      return await readCommitGraph(folder.path, pack.objects, signal);
    } finally {
      await folder.remove();
    }
  } finally {
    await answer.finish();
  }
}

async function* limited(stream: AsyncIterable<Uint8Array>, maxBytes: number): AsyncIterable<Uint8Array> {
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new GitferryError('history_too_large', { detail: `It has more than ${maxBytes} bytes.` });
    yield chunk;
  }
}
