import { describe, expect, it } from 'vitest';
import { Pagination } from '../../../lib/console/components/pagination.tsx';

/** Which pages the links lead to, by what they say they are. */
function links(page: number, hasNext: boolean): Record<string, string> {
  const html = String(Pagination({ page, hasNext, pages: undefined, label: 'things', linkTo: (to) => `/things?page=${to}` }) ?? '');
  return Object.fromEntries([...html.matchAll(/href="([^"]+)" rel="(\w+)"/g)].map(([, href = '', rel = '']) => [rel, href]));
}

describe('Pagination', () => {
  it.each([
    ['the only page', 1, false, {}],
    ['the first page', 1, true, { next: '/things?page=2' }],
    ['a page between', 3, true, { prev: '/things?page=2', next: '/things?page=4' }],
    ['the last page', 3, false, { prev: '/things?page=2' }],
  ])('leads from %s to its neighbours', (_, page, hasNext, expected) => {
    expect(links(page, hasNext)).toEqual(expected);
  });

  it('is nothing at all where there is one page', () => {
    expect(Pagination({ page: 1, hasNext: false, pages: 1, label: 'things', linkTo: String })).toBeNull();
  });
});
