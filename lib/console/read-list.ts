/** One page of a list of the API, as a page of the console shows it. */
import type { BodyAnswer } from '../api/http/answer.ts';
import type { Endpoint } from '../api/http/endpoint.ts';
import { consoleLimits } from './console-limits.ts';
import { answered, api, type Visit } from './visit.ts';

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
  endpoint: Endpoint<string, BodyAnswer<number, readonly T[]>>,
  page: string | undefined,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ListPage<T>> {
  const wanted = /^[1-9]\d{0,6}$/.test(page ?? '') ? Number(page) : 1;
  const answer = await api(visit, endpoint, {}, { ...more, page: wanted, per_page: consoleLimits.listRows });
  const items = await answered(answer);
  const pages = answer.headers?.['x-total-pages'];
  return {
    items,
    page: wanted,
    pages: pages === undefined ? undefined : Number(pages),
    hasNext: (answer.headers?.['x-next-page'] ?? '') !== '',
  };
}
