/** Finds projects by their CodeCommit repositories: one small item per repository and project. */
import { codeCommitRepositoryOf } from '../../core/code-commit-url.ts';
import type { RecordTable } from '../table/record-table.ts';
import { type ItemKey, keys } from '../table/table.ts';

/**
 * Makes a project findable by this URL, if it is one of CodeCommit's. Called before the URL is saved, so that a saved one can always be found; items of
 * former URLs stay until the project is deleted or for good, and readers compare URLs again.
 */
export async function noteCodeCommitUrl(table: RecordTable, projectId: number, url: string | undefined): Promise<void> {
  const key = url === undefined ? undefined : codeCommitKey(projectId, url);
  if (key !== undefined) await table.put({ ...key });
}

export function codeCommitKey(projectId: number, url: string): ItemKey | undefined {
  const named = codeCommitRepositoryOf(url);
  return named === undefined ? undefined : keys.codeCommit(named.region, named.repository, projectId);
}

/** Ids of projects, by number. */
export async function projectsOfCodeCommit(table: RecordTable, region: string, repository: string): Promise<number[]> {
  const items = await table.all({
    condition: { expression: 'pk = :pk', values: { ':pk': keys.codeCommit(region, repository, 0).pk } },
    only: ['sk'],
    consistent: true,
  });
  return items.map(({ sk }) => Number(String(sk).slice('PROJECT#'.length))).sort((one, other) => one - other);
}
