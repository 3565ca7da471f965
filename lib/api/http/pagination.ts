/** Pages of lists as GitLab gives them: parameters, headers and links. */
import { z } from 'zod';
import type { Page, PageRequest } from '../../model/records.ts';
import type { BodyAnswer } from './answer.ts';
import { badParameter } from './api-error.ts';
import { apiLimits } from './api-limits.ts';
import type { Call } from './endpoint.ts';
import { integer } from './fields.ts';

const paging = {
  page: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).optional(),
  per_page: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).optional(),
};

/** For lists that are short or go by time. */
export const pageInput = z.object(paging);

/** For lists by id. */
export const idPageInput = z.object({
  ...paging,
  pagination: z.enum(['legacy', 'offset', 'keyset']).optional(),
  order_by: z.enum(['id', 'created_at']).optional(),
  sort: z.enum(['asc', 'desc']).optional(),
  id_after: integer({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional(),
  id_before: integer({ min: 0, max: Number.MAX_SAFE_INTEGER }).optional(),
});

type PageCall = Pick<Call<z.output<typeof pageInput>>, 'input' | 'deps' | 'path' | 'query'>;
type IdPageCall = Pick<Call<z.output<typeof idPageInput>>, 'input' | 'deps' | 'path' | 'query'>;

/** More than 100 a page is taken for 100. Refuses with 400 what lies too deep. */
export function pageRequest({ page = 1, per_page: perPage = 20 }: z.output<typeof pageInput>): PageRequest {
  const request = { page, perPage: Math.min(perPage, apiLimits.perPage) };
  if ((page - 1) * request.perPage > apiLimits.offset)
    throw badParameter('page', `is invalid: pages end at ${apiLimits.offset} entries; use pagination=keyset where the call takes it`);
  return request;
}

/** By id, the newest first unless asked for otherwise. */
export function idPageRequest(input: z.output<typeof idPageInput>): PageRequest {
  const { id_after: idAfter, id_before: idBefore } = input;
  const sort = input.sort ?? (idAfter === undefined ? 'desc' : 'asc');
  const [border, other] = sort === 'asc' ? [idAfter, idBefore] : [idBefore, idAfter];
  if (other !== undefined)
    throw sort === 'asc' ? badParameter('id_before', 'goes with sort=desc') : badParameter('id_after', 'goes with sort=asc');
  const isKeyset = input.pagination === 'keyset' || border !== undefined;
  if (!isKeyset) return { ...pageRequest(input), sort };
  const start = sort === 'asc' ? 0 : Number.MAX_SAFE_INTEGER;
  return { ...pageRequest({ per_page: input.per_page }), sort, idAfter: border ?? start };
}

/** A page of a list that is in memory. */
export function pageOfArray<T>(all: readonly T[], { page, perPage }: PageRequest): Page<T> {
  const from = (page - 1) * perPage;
  return { items: all.slice(from, from + perPage), total: all.length, hasNext: all.length > from + perPage };
}

export function pageAnswer<T, B>(call: PageCall, request: PageRequest, page: Page<T>, body: readonly B[]): BodyAnswer<200, readonly B[]> {
  const { page: number, perPage } = request;
  const lastPage = page.total === undefined ? undefined : Math.max(1, Math.ceil(page.total / perPage));
  const linkTo = (target: number): string => urlOf(call, { page: target, per_page: perPage });
  const links = [
    number > 1 ? `<${linkTo(number - 1)}>; rel="prev"` : undefined,
    page.hasNext ? `<${linkTo(number + 1)}>; rel="next"` : undefined,
    `<${linkTo(1)}>; rel="first"`,
    lastPage === undefined ? undefined : `<${linkTo(lastPage)}>; rel="last"`,
  ];
  return {
    status: 200,
    body,
    headers: {
      'x-page': String(number),
      'x-per-page': String(perPage),
      'x-next-page': page.hasNext ? String(number + 1) : '',
      'x-prev-page': number > 1 ? String(number - 1) : '',
      ...(page.total === undefined ? {} : { 'x-total': String(page.total), 'x-total-pages': String(lastPage) }),
      link: links.filter((link) => link !== undefined).join(', '),
    },
  };
}

/** Offset or keyset, as asked for. A keyset answer carries the link to the next page only. */
export function idPageAnswer<T extends { readonly id: number }, B>(
  call: IdPageCall,
  request: PageRequest,
  page: Page<T> & { readonly border?: number },
  body: readonly B[],
): BodyAnswer<200, readonly B[]> {
  if (request.idAfter === undefined) return pageAnswer(call, request, page, body);
  const last = page.border ?? page.items.at(-1)?.id;
  const border = request.sort === 'asc' ? 'id_after' : 'id_before';
  const next =
    page.hasNext && last !== undefined ? urlOf(call, { pagination: 'keyset', per_page: request.perPage, [border]: last }) : undefined;
  return {
    status: 200,
    body,
    headers: { 'x-per-page': String(request.perPage), ...(next === undefined ? {} : { link: `<${next}>; rel="next"` }) },
  };
}

function urlOf({ deps, path, query }: PageCall, changes: Readonly<Record<string, string | number>>): string {
  const parameters = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) parameters.set(name, String(value));
  return `${deps.publicUrl}${path}?${parameters.toString()}`;
}
