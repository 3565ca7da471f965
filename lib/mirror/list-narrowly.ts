/** The narrow way to a run's lists: an event's refs at both ends, one request each, without asking first what the servers can do. */
import { limits } from '../core/limits.ts';
import { ReceivePack } from '../git/client/push-pack.ts';
import { type RefList, UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { Capabilities } from '../git/wire/capabilities.ts';
import type { KnownSides } from './known-sides.ts';
import { detailsOf } from './list-target.ts';
import type { Listing, ListingDeps } from './listing.ts';

export interface NarrowInput {
  /** Full names of the refs that an event named: all that a narrow run looks at. */
  readonly refs: readonly string[];
  readonly ends: KnownSides;
}

/** Why a run has to be an ordinary one. Not an error of the run. */
export class NotNarrow extends Error {}

/** Throws NotNarrow for what a narrow run does not decide, and what the ends' servers throw. */
export async function listNarrowly({ refs, ends }: NarrowInput, { connect, admitTarget, lists }: ListingDeps): Promise<Listing> {
  const { objectFormat, headBranch } = ends;
  const open = async (side: 'source' | 'target', words: readonly string[]): Promise<UploadPack> =>
    UploadPack.assumeV2(connect(side), new Capabilities(words), objectFormat, lists[side]);
  const list = async (end: UploadPack): Promise<RefList> => end.listRefs(refs, { maxBytes: limits.narrowListBytes });
  // The target is asked what every v2 server can do.
  const forTarget = ['agent', 'ls-refs', ...(objectFormat === 'sha1' ? [] : [`object-format=${objectFormat}`])];
  const openSource = async () => {
    const source = await open('source', ends.source.capabilities);
    return { source, list: await list(source) };
  };
  const listTarget = async (): Promise<RefList> => {
    await admitTarget(openingSource);
    const uploadPack = await open('target', forTarget);
    const listed = await list(uploadPack);
    await uploadPack.close();
    return listed;
  };
  const openingSource = openSource();
  const asked = [openingSource, listTarget()] as const;
  await Promise.allSettled(asked);
  const [{ source, list: sourceList }, targetList] = [await asked[0], await asked[1]];

  if ((sourceList.headBranch ?? null) !== headBranch) throw new NotNarrow('the source has another default branch');
  // Prefixes find more than the names themselves.
  const names = new Set(refs);
  for (const { impossible } of [sourceList, targetList])
    if (refs.some((ref) => impossible.has(ref))) throw new NotNarrow('a ref has a value that no object can have');
  const values = valuesOf(sourceList, names);
  for (const { name, symrefTarget } of sourceList.refs) if (symrefTarget !== undefined) values.delete(name);
  if (values.size < names.size) throw new NotNarrow('a ref is not on the source any more');
  const targetValues = valuesOf(targetList, names);
  const isBelowNew = ({ name }: { readonly name: string }): boolean =>
    refs.some((ref) => !targetValues.has(ref) && name.startsWith(`${ref}/`));
  if (targetList.refs.some(isBelowNew)) throw new NotNarrow('the name of a new ref is in the way of another one');

  const shown = [...targetValues].map(([name, oid]) => ({ name, oid }));
  const target = ReceivePack.known(connect('target'), {
    capabilities: new Capabilities(ends.target.capabilities),
    objectFormat,
    // Of the commits that the target has, its default branch's is the one that a new ref was probably made from.
    refs: targetList.headOid === undefined ? shown : [...shown, { name: 'HEAD', oid: targetList.headOid }],
  });
  return {
    source,
    sourceRefs: { values, impossible: sourceList.impossible, headBranch: sourceList.headBranch },
    target,
    targetValues,
    details: detailsOf(targetList),
  };
}

function valuesOf({ refs }: RefList, names: ReadonlySet<string>): Map<string, Oid> {
  return new Map(refs.filter(({ name }) => names.has(name)).map(({ name, oid }) => [name, oid]));
}
