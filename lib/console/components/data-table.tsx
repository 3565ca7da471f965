/** A table that becomes a list of cards on narrow screens; it stays a table for assistive technology (explicit roles). */
// biome-ignore-all lint/a11y/noRedundantRoles: `display: block` on narrow screens takes the roles away in some browsers
import type { Child } from 'hono/jsx';

interface Props {
  readonly caption: string;
  /** Names of the columns; the first names the row. `` = a column of actions. */
  readonly columns: readonly string[];
  readonly rows: readonly { readonly id: string; readonly cells: readonly Child[] }[];
}

export function DataTable({ caption, columns, rows }: Props) {
  return (
    <table class="data" role="table">
      <caption class="visually-hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((name) => (
            <th scope="col" role="columnheader">
              {name === '' ? <span class="visually-hidden">Actions</span> : name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(({ id, cells }) => (
          <tr id={id} role="row">
            {cells.map((cell, place) =>
              place === 0 ? (
                <th scope="row" role="rowheader">
                  {cell}
                </th>
              ) : (
                <td role="cell" data-label={columns[place]}>
                  {cell}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
