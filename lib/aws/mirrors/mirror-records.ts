/** Mirrors in the table, but for the life of their updates (mirror-jobs.ts). */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import type { Mirror, MirrorKey, MirrorSettings } from '../../model/mirror.ts';
import type { MirrorRecords } from '../../model/records.ts';
import { resetFailingUsers, transferCredential, urlsOfCredential, usesOfCredential } from '../credentials/credential-transfer.ts';
import { noteCodeCommitUrl } from '../projects/code-commit-lookup.ts';
import { isNew, type RecordTable } from '../table/record-table.ts';
import { keys } from '../table/table.ts';
import { changeMirror } from './mirror-change.ts';
import { itemOfMirror, mirrorOfItem } from './mirror-item.ts';

export function createMirrorRecords(table: RecordTable, clock: Clock): MirrorRecords {
  const get = async (key: MirrorKey): Promise<Mirror | undefined> => {
    const item = await table.get(keys.mirror(key));
    return item === undefined ? undefined : mirrorOfItem(item);
  };

  // One function for both signatures.
  async function updateMirror(
    key: MirrorKey,
    changes: Partial<MirrorSettings>,
    options: { readonly resetStatus: boolean },
  ): Promise<Mirror | undefined>;
  async function updateMirror(
    key: MirrorKey,
    changes: Partial<MirrorSettings>,
    { resetStatus, basis }: { readonly resetStatus: boolean; readonly basis?: Mirror },
  ): Promise<Mirror | 'changed' | undefined> {
    if (key.mirror === 'pull') await noteCodeCommitUrl(table, key.projectId, changes.url);
    if (basis === undefined) return changeMirror(table, clock, key, { changes, resetStatus });
    const only = (mirror: Mirror) => mirror.id === basis.id && isStill(mirror, basis, changes);
    const after = await changeMirror(table, clock, key, { changes, resetStatus, only });
    return after ?? ((await get(key)) === undefined ? undefined : 'changed');
  }

  return {
    async create(projectId, direction, settings, { now, dueAt }) {
      const projectIsThere = async () => (await table.get(keys.project(projectId))) !== undefined;
      if (!(await projectIsThere())) return undefined;
      const id = await table.nextId('mirror');
      const mirror: Mirror = {
        ...mirrorOfItem({}),
        ...settings,
        updateStatus: 'none',
        id,
        projectId,
        direction,
        mirror: direction === 'pull' ? 'pull' : id,
        createdAt: now,
        dueAt: settings.enabled ? dueAt : null,
      };
      if (direction === 'pull') await noteCodeCommitUrl(table, projectId, settings.url);
      // A repeat of the SDK's after a lost answer finds its own item.
      if (!(await table.put(itemOfMirror(mirror), isNew)) && (await get(mirror))?.id !== id) return 'exists';
      if (await projectIsThere()) return mirror;
      await table.remove(keys.mirror(mirror), { expression: 'id = :id', values: { ':id': id } });
      return undefined;
    },

    get,

    async ofProject(projectId) {
      const values = { ':pk': keys.project(projectId).pk, ':mirror': 'MIRROR#' };
      const items = await table.all({ condition: { expression: 'pk = :pk AND begins_with(sk, :mirror)', values }, consistent: true });
      return items.map(mirrorOfItem).sort((one, other) => one.id - other.id);
    },

    update: updateMirror,

    async delete(key) {
      const item = await table.remove(keys.mirror(key));
      return item === undefined ? undefined : mirrorOfItem(item);
    },

    transferCredential: (from, to, { host, mayUse = () => true, authMethod } = {}) =>
      transferCredential(table, clock, { from, to, host, mayUse, authMethod }),
    urlsOfCredential: (id) => urlsOfCredential(table, id),
    usesOfCredential: (id) => usesOfCredential(table, id),
    resetFailingUsers: (id) => resetFailingUsers(table, clock, id),
  };
}

/** Settings that say something only together. */
const groups: readonly (readonly (keyof MirrorSettings)[])[] = [
  ['url', 'authMethod', 'credential', 'hostKeys', 'publicKey'],
  ['onlyProtectedBranches', 'mirrorBranchRegex'],
];

function isStill(mirror: Mirror, basis: Mirror, changes: Partial<MirrorSettings>): boolean {
  const touched = groups.filter((group) => group.some((name) => changes[name] !== undefined));
  return touched.flat().every((name) => isDeepStrictEqual(mirror[name], basis[name]));
}
