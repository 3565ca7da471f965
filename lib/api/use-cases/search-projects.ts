/** Projects whose path holds a word: all are read, since the table has no index for that. */
import type { Project } from '../../model/project.ts';
import type { Page, PageRequest, Records } from '../../model/records.ts';
import { pageOfArray } from '../http/pagination.ts';

const readAtOnce = 100;

/** Without regard to case. Keyset pages (`idAfter`) begin behind that id. */
export async function searchProjects(
  { projects }: Pick<Records, 'projects'>,
  search: string,
  request: PageRequest,
  onlyIds: readonly number[] | undefined,
): Promise<Page<Project>> {
  const word = search.toLowerCase();
  const { sort = 'asc', idAfter } = request;
  const found: Project[] = [];
  let border = idAfter ?? (sort === 'asc' ? 0 : Number.MAX_SAFE_INTEGER);
  for (;;) {
    const page = await projects.list({ page: 1, perPage: readAtOnce, sort, idAfter: border }, onlyIds);
    found.push(...page.items.filter(({ path }) => path.toLowerCase().includes(word)));
    const last = page.items.at(-1);
    if (!page.hasNext || last === undefined) return pageOfArray(found, request);
    border = last.id;
  }
}
