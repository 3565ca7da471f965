/** One page of a list of the API, as a page of the console shows it. */
import { consoleLimits } from './console-limits.ts';
import { Refusal } from './refusal.ts';
import { api, type Visit } from './visit.ts';

export interface ListPage<T> {
  readonly items: readonly T[];
  /** From 1. */
  readonly page: number;
  /** undefined = not counted: there are too many. */
  readonly pages: number | undefined;
  readonly hasNext: boolean;
}

/** `page` as it stands in the query: anything that is no number is the first. Throws a Refusal. */
export async function readList<T>(
  visit: Visit,
  path: string,
  page: string | undefined,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ListPage<T>> {
  const wanted = /^[1-9]\d{0,6}$/.test(page ?? '') ? Number(page) : 1;
  const { status, body, headers } = await api(visit, 'GET', path, { ...more, page: wanted, per_page: consoleLimits.listRows });
  if (status >= 400) throw new Refusal(status, body);
  const pages = headers?.['x-total-pages'];
  return {
    items: body as readonly T[],
    page: wanted,
    pages: pages === undefined ? undefined : Number(pages),
    hasNext: (headers?.['x-next-page'] ?? '') !== '',
  };
}
