/** Links to the other pages of a list. */

interface Props {
  /** From 1. */
  readonly page: number;
  readonly hasNext: boolean;
  /** undefined = not counted. */
  readonly pages: number | undefined;
  /** What is listed. */
  readonly label: string;
  linkTo(page: number): string;
}

export function Pagination({ page, hasNext, pages, label, linkTo }: Props) {
  if (page === 1 && !hasNext) return null;
  return (
    <nav class="pagination" aria-label={`Pages of ${label}`}>
      {page > 1 && (
        <a class="button button-quiet" href={linkTo(page - 1)} rel="prev">
          Previous
        </a>
      )}
      <span>
        Page {page}
        {pages !== undefined && ` of ${pages}`}
      </span>
      {hasNext && (
        <a class="button button-quiet" href={linkTo(page + 1)} rel="next">
          Next
        </a>
      )}
    </nav>
  );
}
