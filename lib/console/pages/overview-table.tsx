/** The overview's table: one row per mirror, and per project without one. */
import { hasRole } from '../../api/http/authenticate.ts';
import { showMirror } from '../../api/output/show-mirror.ts';
import type { AccessToken } from '../../model/access-token.ts';
import type { Mirror } from '../../model/mirror.ts';
import { DataTable } from '../components/data-table.tsx';
import { ErrorBadge } from '../components/error-badge.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { PostButton } from '../components/form.tsx';
import { Icon } from '../components/icon.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { StatusPill } from '../components/status-pill.tsx';
import { mirrorState } from '../mirror-state.ts';
import { type OverviewRow, withoutScheme } from '../overview-rows.ts';

interface Props {
  readonly rows: readonly { readonly row: OverviewRow; readonly mirror: Mirror | undefined }[];
  readonly token: AccessToken;
  readonly now: number;
  /** Where actions lead back to. */
  readonly back: string;
}

export function OverviewTable({ rows, token, now, back }: Props) {
  const mayAct = hasRole(token, 'maintainer');
  const columns = ['Project and mirror', 'Status', 'Last attempt', 'Last success', ...(mayAct ? [''] : [])];
  return (
    <DataTable
      caption="Mirrors, the worst first"
      columns={columns}
      rows={rows.map(({ row, mirror }) =>
        mirror === undefined
          ? { id: `project-${row.project.id}`, cells: bareCells(row, mayAct) }
          : { id: `mirror-${mirror.id}`, cells: mirrorCells({ row, mirror, token, now, back, mayAct }) },
      )}
    />
  );
}

function bareCells({ project }: OverviewRow, mayAct: boolean) {
  return [
    <a class="project" href={`/projects/${project.id}`}>
      <ForeignText text={project.path} />
    </a>,
    <span class="muted">no mirrors yet</span>,
    '',
    '',
    ...(mayAct
      ? [
          <a href={`/projects/${project.id}/mirrors/new`}>
            Add a mirror
            <span class="visually-hidden">
              {' '}
              to <ForeignText text={project.path} />
            </span>
          </a>,
        ]
      : []),
  ];
}

interface CellsInput extends Omit<Props, 'rows'> {
  readonly row: OverviewRow;
  readonly mirror: Mirror;
  readonly mayAct: boolean;
}

/** What is shown of URL and error is what the API shows to this token. */
function mirrorCells({ row, mirror, token, now, back, mayAct }: CellsInput) {
  const shown = showMirror(mirror, token, row.project);
  const error = mirror.enabled ? shown.last_error : null;
  return [
    <>
      <a class="project" href={`/projects/${row.project.id}`}>
        <ForeignText text={row.project.path} />
      </a>
      <span class="target">
        <Icon name={mirror.direction} />
        <span class="visually-hidden">{mirror.direction === 'push' ? 'pushed to' : 'pulled from'}</span>
        {shown.url !== undefined ? (
          <span class="code">
            <ForeignText text={withoutScheme(mirror.url)} />
          </span>
        ) : (
          <span>{mirror.direction === 'push' ? `push mirror ${mirror.id}` : 'pull mirror'}</span>
        )}
      </span>
    </>,
    <span class="status">
      <StatusPill state={mirrorState(mirror)} />
      {error !== null && (
        <ErrorBadge id={`error-${mirror.id}`} message={error} code={shown.last_error_code} hint={shown.last_error_hint} label="Why" />
      )}
    </span>,
    <RelativeTime at={mirror.lastUpdateAt} now={now} />,
    <RelativeTime at={mirror.lastSuccessfulUpdateAt} now={now} />,
    ...(mayAct
      ? [
          mirror.enabled && (
            <PostButton
              action={`/projects/${mirror.projectId}/mirrors/${mirror.mirror}/update`}
              label={
                <>
                  <Icon name="refresh" />
                  Update now
                  <span class="visually-hidden">
                    {' '}
                    <ForeignText text={row.project.path} />, mirror {mirror.mirror}
                  </span>
                </>
              }
            >
              <input type="hidden" name="back" value={back} />
            </PostButton>
          ),
        ]
      : []),
  ];
}
