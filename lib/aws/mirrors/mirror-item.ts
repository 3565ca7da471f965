/** A mirror as a DynamoDB item and back. Attributes are absent where the model says null, so that conditions can ask for them. */
import type { CredentialReference } from '../../credentials/shared-credential.ts';
import type { Mirror, MirrorKey, MirrorSettings, MirrorStatus } from '../../model/mirror.ts';
import { type Item, withoutNulls } from '../table/item.ts';
import { dueShardOf, keys } from '../table/table.ts';

/** Model field → attribute. Those not named here are spelled out in the functions below. */
const attributes = {
  id: 'id',
  direction: 'direction',
  createdAt: 'created_at',
  enabled: 'enabled',
  url: 'url',
  authMethod: 'auth_method',
  hostKeys: 'host_keys',
  publicKey: 'public_key',
  onlyProtectedBranches: 'only_protected_branches',
  mirrorBranchRegex: 'mirror_branch_regex',
  keepDivergentRefs: 'keep_divergent_refs',
  deleteAmbiguousRefs: 'delete_ambiguous_refs',
  mirrorOverwritesDivergedBranches: 'mirror_overwrites_diverged_branches',
  mirrorTags: 'mirror_tags',
  lfs: 'lfs',
  lfsUrl: 'lfs_url',
  lfsState: 'lfs_state',
  pushLimit: 'push_limit',
  recentDeletions: 'recent_deletions',
  updateStatus: 'update_status',
  lastUpdateStartedAt: 'last_update_started_at',
  lastUpdateAt: 'last_update_at',
  lastSuccessfulUpdateAt: 'last_successful_update_at',
  lastError: 'last_error',
  lastRun: 'last_run',
  paused: 'paused',
  failedRuns: 'failed_runs',
  failingSince: 'failing_since',
  attempts: 'attempts',
  heldBackDeletions: 'held_back_deletions',
  failing: 'failing',
  refusedCredential: 'refused_credential',
  newsIds: 'news_ids',
  requestedSeq: 'requested_seq',
  doneSeq: 'done_seq',
  startedSeq: 'started_seq',
  queuedAt: 'queued_at',
  queuedFor: 'queued_for',
  queuedTrigger: 'queued_trigger',
  waiting: 'waiting',
  dueAt: 'due_at',
  leaseToken: 'lease_token',
  leaseBeat: 'lease_beat',
  runTrigger: 'run_trigger',
  runConfirmDeletions: 'run_confirm_deletions',
  runRequestedAt: 'run_requested_at',
} as const satisfies Partial<Record<keyof Mirror, string>>;

/** What a field is when its attribute is absent. */
const defaults: Partial<Record<keyof Mirror, unknown>> = {
  deleteAmbiguousRefs: false,
  paused: false,
  failedRuns: 0,
  attempts: 0,
  heldBackDeletions: 0,
  failing: false,
  requestedSeq: 0,
  doneSeq: 0,
  startedSeq: 0,
  leaseBeat: 0,
  runConfirmDeletions: false,
};

type Field = keyof typeof attributes;
const allFields = Object.keys(attributes) as Field[];

export function mirrorOfItem(item: Item): Mirror {
  return { ...fieldsOfItem(item, allFields), ...keyOfItem(item), credential: credentialOfItem(item), runRefs: runRefsOfItem(item) };
}

/** Only where every request since the last settled run has named its refs: requests are counted, and so are those with names. */
function runRefsOfItem({ run_refs: refs, run_named: named, started_seq: started, done_seq: done }: Item): readonly string[] | undefined {
  if (!(refs instanceof Set) || named !== Number(started ?? 0) - Number(done ?? 0)) return undefined;
  return [...(refs as Set<string>)].sort();
}

/** Some of a mirror's fields: where thousands are read, the others cost more than the reading. */
export function fieldsOfItem<F extends Field>(item: Item, fields: readonly F[]): Pick<Mirror, F> {
  const found: Partial<Record<Field, unknown>> = {};
  for (const field of fields) found[field] = item[attributes[field]] ?? defaults[field] ?? null;
  return found as Pick<Mirror, F>;
}

/** From the item's key alone, as the indexes have it. */
export function keyOfItem({ pk, sk }: Item): MirrorKey {
  const name = String(sk).slice('MIRROR#'.length);
  return { projectId: Number(String(pk).slice('PROJECT#'.length)), mirror: name === 'pull' ? 'pull' : Number(name) };
}

/** A shared credential is an attribute of its own: it is the key of an index. */
export function credentialOfItem(item: Item): CredentialReference | null {
  if (typeof item['credential_id'] === 'number') return { kind: 'shared', credentialId: item['credential_id'] };
  if (typeof item['secret_name'] === 'string') return { kind: 'own', secretName: item['secret_name'] };
  return null;
}

export function credentialAttributes(credential: CredentialReference | null): { credential_id: number | null; secret_name: string | null } {
  return {
    credential_id: credential?.kind === 'shared' ? credential.credentialId : null,
    secret_name: credential?.kind === 'own' ? credential.secretName : null,
  };
}

/** A new mirror's item. */
export function itemOfMirror(mirror: Mirror): Item {
  const fields = Object.entries(attributes).map(([field, attribute]) => [attribute, mirror[field as keyof Mirror]]);
  return withoutNulls({
    ...Object.fromEntries(fields),
    ...keys.mirror(mirror),
    ...credentialAttributes(mirror.credential),
    // Also while it is not due: who makes it due again may not know its id.
    due_shard: dueShardOf(mirror.id),
    paused: mirror.paused ? true : null,
  });
}

/** Attributes to set, and (null) to remove, for a change of settings or status. `paused` is present only when true. */
export function attributesOf(changes: Partial<MirrorSettings & MirrorStatus>): Item {
  const { credential, paused, ...rest } = changes;
  return {
    ...Object.fromEntries(Object.entries(rest).map(([field, value]) => [attributes[field as keyof typeof attributes], value])),
    ...(credential === undefined ? {} : credentialAttributes(credential)),
    ...(paused === undefined ? {} : { paused: paused ? true : null }),
  };
}
