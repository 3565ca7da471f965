/** Who has a project path: a claim is made before the project is written and confirmed after it. */
import { randomUUID } from 'node:crypto';
import type { Item } from '../table/item.ts';
import { isNew, type RecordTable } from '../table/record-table.ts';
import { keys } from '../table/table.ts';
import { updateExpression } from '../table/update-expression.ts';

// A claim whose project is not there (a crash in between, or a deletion that did not finish) may be taken over. Every step changes the claim's mark, so of
// two who want one path exactly one gets it.

export interface PathClaim {
  readonly path: string;
  readonly mark: string;
}

export function samePath(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** undefined = another project has the path, or is about to. */
export async function claimPath(table: RecordTable, path: string, projectId: number): Promise<PathClaim | undefined> {
  const mark = randomUUID();
  const item = { ...keys.path(path), project_id: projectId, mark };
  if (await table.put(item, isNew)) return { path, mark };
  const held = await table.get(keys.path(path));
  // A repeat of the SDK's after a lost answer.
  if (held?.['mark'] === mark) return { path, mark };
  if (held !== undefined && (await isInUse(table, held, path, projectId))) return undefined;
  const taken = await table.put(item, held === undefined ? isNew : { expression: 'mark = :mark', values: { ':mark': held['mark'] } });
  return taken ? { path, mark } : undefined;
}

/** false = somebody took the claim over before the project was there: undo it. */
export async function confirmPath(table: RecordTable, { path, mark }: PathClaim): Promise<boolean> {
  const confirmed = randomUUID();
  const parts = updateExpression({ mark: confirmed }, { values: { ':mark': mark } });
  if ((await table.update(keys.path(path), parts, 'mark = :mark')) !== undefined) return true;
  return (await table.get(keys.path(path)))?.['mark'] === confirmed;
}

export async function releasePath(table: RecordTable, { path, mark }: PathClaim): Promise<void> {
  await table.remove(keys.path(path), { expression: 'mark = :mark', values: { ':mark': mark } });
}

/** The claim that a project has on its path, to be released once it has another; undefined = it has none. */
export async function heldPath(table: RecordTable, path: string, projectId: number): Promise<PathClaim | undefined> {
  const held = await table.get(keys.path(path));
  return held?.['project_id'] === projectId ? { path, mark: String(held['mark']) } : undefined;
}

/** The project itself may claim a path again that it had before. */
async function isInUse(table: RecordTable, held: Item, path: string, claimant: number): Promise<boolean> {
  const holder = Number(held['project_id']);
  if (holder === claimant) return false;
  const project = await table.get(keys.project(holder));
  return project !== undefined && samePath(String(project['path']), path);
}
