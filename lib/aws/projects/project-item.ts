/** A project as a DynamoDB item and back. */
import type { Project, ProjectSettings } from '../../model/project.ts';
import { hostKeysMark } from '../mirrors/host-keys-mark.ts';
import { credentialAttributes, credentialOfItem } from '../mirrors/mirror-item.ts';
import { type Item, withoutNulls } from '../table/item.ts';
import { keys, listAttributes } from '../table/table.ts';

export function projectOfItem(item: Item): Project {
  const branches = Object.entries((item['protected_branches'] ?? {}) as Readonly<Record<string, number>>);
  return {
    id: item['id'],
    path: item['path'],
    repositoryUrl: item['repository_url'],
    authMethod: item['auth_method'],
    hostKeys: item['host_keys'],
    publicKey: item['public_key'] ?? null,
    defaultBranch: item['default_branch'] ?? null,
    createdAt: item['created_at'],
    credential: credentialOfItem(item),
    protectedBranches: branches.map(([key, id]) => ({ id, name: key.slice(1) })).sort((one, other) => one.id - other.id) as unknown,
  } as Project;
}

/** The key of a protected branch in its project's map: not the name itself, because an object cannot have every name (`__proto__`). */
export function protectedBranchKey(name: string): string {
  return `=${name}`;
}

/** Protected branches are a map from name to id, so that one of them can be added or removed in one conditional write. */
export function newProjectItem(id: number, settings: ProjectSettings, now: number): Item {
  return withoutNulls({
    ...keys.project(id),
    ...listAttributes('PROJECTS', id),
    ...projectAttributes(settings),
    id,
    protected_branches: {},
    created_at: now,
  });
}

/** Attributes to set, and (null) to remove. */
export function projectAttributes({ path, repositoryUrl, authMethod, credential, hostKeys, publicKey }: Partial<ProjectSettings>): Item {
  return {
    path,
    repository_url: repositoryUrl,
    auth_method: authMethod,
    host_keys: hostKeys,
    host_keys_mark: hostKeys === undefined ? undefined : hostKeysMark(hostKeys),
    public_key: publicKey,
    ...(credential === undefined ? {} : credentialAttributes(credential)),
  };
}
