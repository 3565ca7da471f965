/** What a run wants to know of its target beyond git-receive-pack's first answer: the values once more, HEAD, symbolic refs, peeled tags. */
import { ReceivePack } from '../git/client/push-pack.ts';
import type { UploadPack } from '../git/client/upload-pack.ts';
import type { Oid } from '../git/object-id.ts';
import { branchPrefix, tagPrefix } from '../git/ref-name.ts';
import type { Transport } from '../git/transport/transport.ts';
import type { TargetDetails } from './planning.ts';

/** The target's refs by name, as git-receive-pack lists them now. */
export async function listedValues(target: Transport): Promise<ReadonlyMap<string, Oid>> {
  const { refs } = await ReceivePack.open(target);
  return new Map(refs.map(({ name, oid }) => [name, oid]));
}

/** From the target's git-upload-pack. */
export async function listDetails(uploadPack: UploadPack): Promise<TargetDetails> {
  const { refs, headBranch, symrefsListed } = await uploadPack.listRefs([branchPrefix, tagPrefix]);
  const symbolic = new Set<string>();
  const named = new Set<string>();
  const peeled = new Map<string, Oid>();
  for (const ref of refs) {
    if (ref.symrefTarget !== undefined) {
      symbolic.add(ref.name);
      named.add(ref.symrefTarget);
    }
    if (ref.peeled !== undefined) peeled.set(ref.name, ref.peeled);
  }
  return { headBranch, symbolic: symrefsListed ? symbolic : undefined, named, peeled };
}
