/** Fetches one pack with exactly what the other side lacks, as a stream. */
import { GitferryError } from '../../core/errors.ts';
import type { Oid } from '../object-id.ts';
import { type IncomingPack, openPack } from '../pack/incoming-pack.ts';
import type { UploadPack } from './upload-pack.ts';

export interface FetchPackRequest {
  readonly wants: readonly Oid[];
  readonly haves: readonly Oid[];
  /** `shallow` lines of the target. */
  readonly shallows: readonly Oid[];
  readonly thinPack: boolean;
  readonly ofsDelta: boolean;
  /** git-rev-list(1) filter. Only where the server offers filters; it may still refuse this one. */
  readonly filter?: string;
}

/**
 * Resolves when the pack's header is there. The caller reads `bytes` to the end or calls `cancel`.
 * Throws `source_shallow`, `pack_corrupt`, `pack_truncated`, `remote_error` and the transport's codes.
 */
export async function fetchPack(source: UploadPack, request: FetchPackRequest): Promise<IncomingPack> {
  if (source.isShallow) throw new GitferryError('source_shallow');
  const answer = await source.fetch({ ...request, done: true }, { patient: true });
  try {
    const ours = new Set(request.shallows);
    if (answer.shallows.some((oid) => !ours.has(oid))) throw new GitferryError('source_shallow');
    if (!answer.packFollows) throw new GitferryError('protocol_error', { detail: 'The source sent no pack.' });
    const pack = await openPack(answer.pack, source.objectFormat);
    return {
      ...pack,
      async cancel() {
        // First, so that nobody goes on waiting for a source that is silent.
        answer.abort();
        await pack.cancel();
      },
    };
  } catch (error) {
    answer.abort();
    throw error;
  }
}
