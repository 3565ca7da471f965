/** Refs with their result, old and new value and the reason, as text and never as markup. */
import { printable } from '../../core/printable.ts';
import { shortRefName } from '../../git/ref-name.ts';
import { resultWords } from '../ref-words.ts';
import { DataTable } from './data-table.tsx';
import { ForeignText } from './foreign-text.tsx';

export interface ShownRef {
  readonly ref: string;
  readonly result: string;
  readonly old: string | null;
  readonly new: string | null;
  readonly reason: string | null;
}

interface Props {
  readonly caption: string;
  /** Unique in the page. */
  readonly idPrefix: string;
  readonly refs: readonly ShownRef[];
}

/** Letters of an oid that a person compares. */
const shownLetters = 8;

export function RefTable({ caption, idPrefix, refs }: Props) {
  return (
    <DataTable
      caption={caption}
      columns={['Ref', 'Result', 'Old → new', 'Why']}
      rows={refs.map((ref, place) => ({
        id: `${idPrefix}-${place}`,
        cells: [
          <span class="ref">
            <code title={printable(ref.ref)}>
              <ForeignText text={shortRefName(ref.ref)} />
            </code>
            {ref.ref.startsWith('refs/tags/') && <span class="muted"> tag</span>}
          </span>,
          <span class={`result result-${ref.result}`}>
            {ref.result}
            <span class="result-words">{resultWords[ref.result]}</span>
          </span>,
          <span class="oids">
            <Oid oid={ref.old} /> → <Oid oid={ref.new} />
          </span>,
          ref.reason === null ? (
            ''
          ) : (
            <span class="reason">
              <ForeignText text={ref.reason} />
            </span>
          ),
        ],
      }))}
    />
  );
}

/** Selecting it copies it whole. */
function Oid({ oid }: { readonly oid: string | null }) {
  if (oid === null) return <span class="muted">none</span>;
  return (
    <code class="oid" title={oid}>
      {oid.slice(0, shownLetters)}
      <span class="oid-rest">{oid.slice(shownLetters)}</span>
    </code>
  );
}
