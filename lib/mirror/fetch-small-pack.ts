/** The pack that a run's changes may need, fetched before the plan is made: whether it is worth a request, and what is asked for. */
import { limits } from '../core/limits.ts';
import type { ReceivePack } from '../git/client/push-pack.ts';
import { SmallPack } from '../git/client/small-pack.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import type { Candidate, SourceRefs } from './planning.ts';

interface Ends {
  readonly source: UploadPack;
  readonly sourceRefs: SourceRefs;
  readonly target: ReceivePack;
}

/** Values that both ends list, that of the source's default branch first: the haves most likely to help. */
export function commonValues({ sourceRefs, target }: Pick<Ends, 'sourceRefs' | 'target'>): Oid[] {
  const listed = new Set(sourceRefs.values.values());
  const head = sourceRefs.values.get(sourceRefs.headBranch ?? '');
  const common = new Set(target.refs.flatMap(({ oid }) => (listed.has(oid) ? [oid] : [])));
  return head !== undefined && common.has(head) ? [...new Set([head, ...common])] : [...common];
}

/**
 * undefined = it is not small, or surely would not be: an empty target gets everything, and what goes in several pushes is asked for push by push.
 * It is never thin: all that it holds can be read.
 */
export async function fetchSmallPack(candidates: readonly Candidate[], ends: Ends): Promise<SmallPack | undefined> {
  const { source, target } = ends;
  const has = new Set([...target.refs.map(({ oid }) => oid), ...target.extraHaves]);
  const wants = [...new Set(candidates.map((candidate) => candidate.new))].filter((oid) => !has.has(oid));
  if (wants.length === 0 || has.size === 0 || candidates.length > limits.commandsPerPush) return undefined;
  const old = candidates.flatMap((candidate) => candidate.old ?? []);
  const haves = [...new Set([...old, ...commonValues(ends), ...has])].slice(0, limits.haves);
  return SmallPack.fetch(source, {
    wants,
    haves,
    shallows: target.shallows,
    thinPack: false,
    ofsDelta: target.capabilities.has('ofs-delta'),
  });
}
