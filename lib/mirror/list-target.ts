/** What a run wants to know of its target beyond git-receive-pack's first answer: the values once more, HEAD, symbolic refs, peeled tags. */
import type { Deadline } from '../core/deadline.ts';
import { GitferryError } from '../core/errors.ts';
import type { ListShare } from '../git/client/list-memory.ts';
import { ReceivePack } from '../git/client/push-pack.ts';
import { type RefList, UploadPack } from '../git/client/upload-pack.ts';
import { type Oid, zeroOid } from '../git/object-id.ts';
import { branchPrefix, tagPrefix } from '../git/ref-name.ts';
import type { Transport } from '../git/transport/transport.ts';
import { Capabilities } from '../git/wire/capabilities.ts';
import type { TargetDetails } from './planning.ts';

/** The target's refs by name, as git-receive-pack lists them after a push that did not go as it should: on a new connection. */
export async function listedValues(target: Transport, lists: ListShare): Promise<ReadonlyMap<string, Oid>> {
  const receivePack = await ReceivePack.open(target, lists, { isFresh: true });
  // Over SSH it would wait for a push until the end of the run, and some hosts allow few at once.
  await receivePack.close();
  // A broken ref is not gone: it has a value that nobody asked for.
  const broken = [...receivePack.impossible].map((name): [string, Oid] => [name, zeroOid(receivePack.objectFormat)]);
  return new Map([...broken, ...receivePack.refs.map(({ name, oid }): [string, Oid] => [name, oid])]);
}

/** Asks the target's git-upload-pack for HEAD, symbolic refs and peeled tags; a C git that just introduced itself is known to speak v2. */
export async function askDetails(
  transport: Transport,
  target: ReceivePack,
  lists: ListShare,
  { signal }: Deadline,
): Promise<TargetDetails> {
  const agent = target.capabilities.value('agent') ?? '';
  if (/^git\/(?!0|1\.)/.test(agent)) {
    const words = ['agent', 'ls-refs', ...(target.objectFormat === 'sha1' ? [] : [`object-format=${target.objectFormat}`])];
    try {
      return await listDetails(await UploadPack.assumeV2(transport, new Capabilities(words), target.objectFormat, lists));
    } catch (error) {
      if (!(error instanceof GitferryError) || signal.aborted) throw error;
      // It does not: ask politely.
    }
  }
  return listDetails(await UploadPack.open(transport, lists));
}

async function listDetails(uploadPack: UploadPack): Promise<TargetDetails> {
  const list = await uploadPack.listRefs([branchPrefix, tagPrefix]);
  await uploadPack.close();
  return detailsOf(list);
}

export function detailsOf({ refs, headBranch, symrefsListed }: RefList): TargetDetails {
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
