/** Projects in the table: their unique paths, protected branches, and everything that lies in their partitions. */
import type { Project, ProjectSettings } from '../../model/project.ts';
import type { Page, ProjectContents, ProjectRecords } from '../../model/records.ts';
import { hostKeysMark } from '../mirrors/host-keys-mark.ts';
import { credentialAttributes, mirrorOfItem } from '../mirrors/mirror-item.ts';
import { type Item, withoutNulls } from '../table/item.ts';
import { isBeyond, readListPage, slicePage } from '../table/list-page.ts';
import { contended, exists, isNew, type RecordTable, writeAttempts } from '../table/record-table.ts';
import { keys } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';
import { codeCommitKey, noteCodeCommitUrl, projectsOfCodeCommit } from './code-commit-lookup.ts';
import { hookOfItem } from './hook-records.ts';
import { newProjectItem, projectAttributes, projectOfItem, protectedBranchKey } from './project-item.ts';
import { claimPath, confirmPath, heldPath, releasePath, samePath } from './project-path.ts';

export function createProjectRecords(table: RecordTable): ProjectRecords {
  const get = async (id: number): Promise<Project | undefined> => {
    const item = await table.get(keys.project(id));
    return item === undefined ? undefined : projectOfItem(item);
  };

  /** `moved` = the path is no longer the one that was read, `changed` = URL, credential or host keys are not those of the basis; undefined = gone. */
  async function write(
    id: number,
    changes: Partial<ProjectSettings>,
    { path, basis }: { readonly path?: string; readonly basis?: Project | undefined } = {},
  ): Promise<Project | 'moved' | 'changed' | undefined> {
    const clauses = [exists];
    const values: Item = {};
    if (path !== undefined) {
      clauses.push('#path = :path');
      values[':path'] = path;
    }
    if (basis !== undefined && changes.repositoryUrl !== undefined) {
      const read = withoutNulls({ repository_url: basis.repositoryUrl, ...credentialAttributes(basis.credential) });
      for (const name of ['repository_url', 'credential_id', 'secret_name']) {
        clauses.push(read[name] === undefined ? `attribute_not_exists(${name})` : `${name} = :read_${name}`);
        if (read[name] !== undefined) values[`:read_${name}`] = read[name];
      }
      clauses.push('(attribute_not_exists(host_keys_mark) OR host_keys_mark = :read_mark)');
      values[':read_mark'] = hostKeysMark(basis.hostKeys);
    }
    const parts = updateExpression(projectAttributes(changes), { values, ...(path === undefined ? {} : { names: { '#path': 'path' } }) });
    if (parts.UpdateExpression === '') return get(id);
    const item = await table.update(keys.project(id), parts, clauses.join(' AND '));
    if (item !== undefined) return projectOfItem(item);
    const now = await get(id);
    return now === undefined ? undefined : path !== undefined && now.path !== path ? 'moved' : 'changed';
  }

  async function writeWithPath(id: number, changes: Partial<ProjectSettings> & { readonly path: string }, basis?: Project) {
    for (let attempt = 0; attempt < writeAttempts; attempt++) {
      const before = await get(id);
      if (before === undefined) return undefined;
      if (samePath(before.path, changes.path)) {
        const same = await write(id, changes, { path: before.path, basis });
        if (same === 'moved') continue;
        return same;
      }
      const former = await heldPath(table, before.path, id);
      const claim = await claimPath(table, changes.path, id);
      if (claim === undefined) return 'path_taken';
      const after = await write(id, changes, { path: before.path, basis });
      // A repeat of the SDK's after a lost answer finds its own path there: it is confirmed like any other.
      const written = after === 'changed' ? false : after === 'moved' ? (await get(id))?.path === changes.path : after !== undefined;
      if (!written) {
        await releasePath(table, claim);
        if (after === 'moved') continue;
        return after === 'changed' ? after : undefined;
      }
      if (await confirmPath(table, claim)) {
        if (former !== undefined) await releasePath(table, former);
        return get(id);
      }
      await write(id, { path: before.path }, { path: changes.path });
      return 'path_taken';
    }
    throw contended();
  }

  return {
    async create(settings, now) {
      const id = await table.nextId('project');
      const claim = await claimPath(table, settings.path, id);
      if (claim === undefined) return undefined;
      await noteCodeCommitUrl(table, id, settings.repositoryUrl);
      const item = newProjectItem(id, settings, now);
      // A repeat of the SDK's after a lost answer finds its own item; any other means that the counter was set back.
      if (!(await table.put(item, isNew)) && (await get(id))?.path !== settings.path) {
        await releasePath(table, claim);
        throw new Error(`project ${id} exists already`);
      }
      if (await confirmPath(table, claim)) return projectOfItem(item);
      await table.remove(keys.project(id));
      return undefined;
    },

    get,

    async getByPath(path, isWanted = () => true) {
      const claim = await table.get(keys.path(path));
      const id = Number(claim?.['project_id']);
      const project = claim === undefined || !isWanted(id) ? undefined : await get(id);
      return project !== undefined && samePath(project.path, path) ? project : undefined;
    },

    async contents(id) {
      return contentsOfItems(await table.all(everythingButActivity(id)));
    },

    async update(id, changes, basis) {
      await noteCodeCommitUrl(table, id, changes.repositoryUrl);
      const { path } = changes;
      if (path !== undefined) return writeWithPath(id, { ...changes, path }, basis);
      const written = await write(id, changes, { basis });
      return written === 'moved' ? undefined : written;
    },

    async noteDefaultBranch(id, name) {
      const parts = updateExpression({ default_branch: name }, { values: { ':name': name } });
      await table.update(keys.project(id), parts, `${exists} AND (attribute_not_exists(default_branch) OR default_branch <> :name)`);
    },

    async protectBranch(id, name) {
      const branchId = await table.nextId('protected_branch');
      const parts = updateExpression(
        {},
        { set: ['protected_branches.#name = :id'], values: { ':id': branchId }, names: { '#name': protectedBranchKey(name) } },
      );
      const item = await table.update(keys.project(id), parts, `${exists} AND attribute_not_exists(protected_branches.#name)`);
      if (item !== undefined) return projectOfItem(item);
      const now = await get(id);
      // A repeat of the SDK's after a lost answer finds its own.
      if (now?.protectedBranches.some((branch) => branch.id === branchId)) return now;
      return now === undefined ? undefined : 'exists';
    },

    async unprotectBranch(id, name) {
      const parts = updateExpression({}, { remove: ['protected_branches.#name'], names: { '#name': protectedBranchKey(name) } });
      return (await table.update(keys.project(id), parts, `${exists} AND attribute_exists(protected_branches.#name)`)) !== undefined;
    },

    async delete(id) {
      // Read after the project is gone, so that a mirror or hook made meanwhile is either in it or undone by its maker.
      const project = await table.remove(keys.project(id));
      const items = await table.all({ ...everythingButActivity(id), consistent: true });
      const contents = project === undefined ? undefined : contentsOfItems([...items, project]);
      if (contents !== undefined) {
        const path = await heldPath(table, contents.project.path, id);
        if (path !== undefined) await releasePath(table, path);
        const urls = [contents.project.repositoryUrl, ...contents.mirrors.map(({ url }) => url)];
        const lookups = urls.flatMap((url) => codeCommitKey(id, url) ?? []);
        await table.removeMany([...new Map(lookups.map((key) => [key.pk, key])).values()]);
      }
      // Also what an interrupted deletion left.
      const rest = await table.all({ condition: { expression: 'pk = :pk', values: { ':pk': keys.project(id).pk } }, only: ['pk', 'sk'] });
      await table.removeMany(rest.map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) })));
      return contents;
    },

    async list(page, onlyIds) {
      if (onlyIds !== undefined) return listOfIds(table, page, onlyIds);
      const { items, ...rest } = await readListPage(table, 'PROJECTS', await table.lastId('project'), page);
      return { ...rest, items: items.map(projectOfItem) };
    },

    ofCodeCommit: (region, repository) => projectsOfCodeCommit(table, region, repository),
  };
}

async function listOfIds(table: RecordTable, page: Parameters<ProjectRecords['list']>[0], ids: readonly number[]): Promise<Page<Project>> {
  const wanted = [...new Set(ids)].filter((id) => isBeyond(id, page)).sort((one, other) => one - other);
  if (page.sort === 'desc') wanted.reverse();
  const items = await table.getMany(wanted.map((id) => keys.project(id)));
  return slicePage(items.map(projectOfItem), page.idAfter === undefined ? page : { ...page, page: 1 });
}

/** Hooks, mirrors and the project itself lie side by side in its partition. */
function everythingButActivity(id: number) {
  const values = { ':pk': keys.project(id).pk, ':first': 'HOOK#', ':last': 'PROJECT' };
  return { condition: { expression: 'pk = :pk AND sk BETWEEN :first AND :last', values } };
}

function contentsOfItems(items: readonly Item[]): ProjectContents | undefined {
  const of = (kind: string) => items.filter(({ sk }) => String(sk).startsWith(kind));
  const [project] = of('PROJECT');
  if (project === undefined) return undefined;
  return {
    project: projectOfItem(project),
    mirrors: of('MIRROR#')
      .map(mirrorOfItem)
      .sort((one, other) => one.id - other.id),
    hooks: of('HOOK#')
      .map(hookOfItem)
      .sort((one, other) => one.id - other.id),
  };
}
