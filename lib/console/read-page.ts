/** The number of a page in a query. */

/** 1 for anything that is none. */
export function readPage(text: string | undefined): number {
  const page = Number(text ?? '1');
  return Number.isSafeInteger(page) && page > 0 ? page : 1;
}
