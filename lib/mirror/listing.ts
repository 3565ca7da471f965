/** What a run goes by, and the ordinary way to it: both ends list all that the rules may concern. */
import { GitferryError } from '../core/errors.ts';
import type { ListShare } from '../git/client/list-memory.ts';
import { ReceivePack } from '../git/client/push-pack.ts';
import { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { branchPrefix, tagPrefix } from '../git/ref-name.ts';
import type { Transport } from '../git/transport/transport.ts';
import type { SourceRefs, TargetDetails } from './planning.ts';
import type { CompiledRules } from './rules.ts';

export interface Listing {
  readonly source: UploadPack;
  readonly sourceRefs: SourceRefs;
  readonly target: ReceivePack;
  readonly targetValues: ReadonlyMap<string, Oid>;
  /** Where the list came from the target's git-upload-pack, which tells them beside the values. */
  readonly details?: TargetDetails;
}

export interface ListingDeps {
  connect(side: 'source' | 'target'): Transport;
  /** Resolves when the run may go to the target, at once or once the source has listed its refs. */
  admitTarget(sourceListed: Promise<unknown>): Promise<void>;
  readonly lists: Readonly<Record<'source' | 'target', ListShare>>;
}

export async function listAll(rules: CompiledRules, { connect, admitTarget, lists }: ListingDeps): Promise<Listing> {
  // A connect that throws must not leave the other end's promise to nobody.
  const openSource = async (): Promise<Pick<Listing, 'source' | 'sourceRefs'>> => {
    const prefixes = rules.tags === 'none' ? [branchPrefix] : [branchPrefix, tagPrefix];
    const source = await UploadPack.open(connect('source'), lists.source, prefixes);
    return { source, sourceRefs: await listSource(source, prefixes) };
  };
  const openingSource = openSource();
  const openTarget = async (): Promise<ReceivePack> => {
    await admitTarget(openingSource);
    return ReceivePack.open(connect('target'), lists.target);
  };
  const opened = [openingSource, openTarget()] as const;
  // Both are waited for, so that nothing is left running, and the source's failure is told first.
  await Promise.allSettled(opened);
  const [{ source, sourceRefs }, target] = [await opened[0], await opened[1]];
  if (source.objectFormat !== target.objectFormat) {
    throw new GitferryError('object_format_mismatch', { detail: `Source: ${source.objectFormat}, target: ${target.objectFormat}.` });
  }
  return { source, sourceRefs, target, targetValues: new Map(target.refs.map(({ name, oid }) => [name, oid])) };
}

async function listSource(source: UploadPack, prefixes: readonly string[]): Promise<SourceRefs> {
  const { refs, impossible, headBranch } = await source.listRefs(prefixes);
  const values = new Map<string, Oid>();
  for (const { name, oid, symrefTarget } of refs) if (symrefTarget === undefined) values.set(name, oid);
  return { values, impossible, headBranch };
}

/** Of a list on its way: an id, a name and a little more a line. */
export function bytesOf(values: ReadonlyMap<string, Oid>): number {
  let bytes = 0;
  for (const [name, oid] of values) bytes += oid.length + name.length + 6;
  return bytes;
}
