/** The audit trail: who did what, for the instance or one project, and the same as JSON lines to keep elsewhere. */
import type { Context, Hono } from 'hono';
import type { Shown } from '../../api/http/answer.ts';
import { auditEventEndpoints, type auditEventSchema } from '../../api/routes/audit-events.ts';
import { printableJson } from '../../core/printable.ts';
import { parseId } from '../../model/parse-id.ts';
import { DataTable } from '../components/data-table.tsx';
import { EmptyState } from '../components/empty-state.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { Pagination } from '../components/pagination.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { SettingsPage } from '../components/settings-page.tsx';
import { consoleLimits } from '../console-limits.ts';
import { readPage } from '../read-page.ts';
import { answered, api, type ConsoleEnv, requireInstanceOwner, type Visit } from '../visit.ts';
import { sendPage } from './problem.tsx';

type AuditView = Shown<typeof auditEventSchema>;

export function addAuditPages(app: Hono<ConsoleEnv>): void {
  app.get('/settings/audit', async (context) => {
    const { visit } = context.var;
    requireInstanceOwner(visit);
    const page = readPage(context.req.query('page'));
    const filter = filterOf(context);
    const answer = await api(visit, auditEventEndpoints.list, {}, { ...filter, page, per_page: consoleLimits.auditRows });
    const events = await answered(answer);
    const query = filter.entity_id === undefined ? '' : `project=${filter.entity_id}&`;
    return sendPage(
      context,
      <SettingsPage title="Audit" visit={visit} tab="audit">
        <p>
          Every change, sign-in and refused call. <a href={`/settings/audit.jsonl?${query}`}>Download as JSON lines</a>
          {filter.entity_id !== undefined && (
            <>
              {' '}
              · Only project {filter.entity_id}: <a href="/settings/audit">show all</a>
            </>
          )}
        </p>
        {events.length === 0 ? (
          <EmptyState title="Nothing is on record" />
        ) : (
          <div class="card">
            <Events events={events} now={visit.deps.clock.now()} />
          </div>
        )}
        <Pagination
          page={page}
          hasNext={(answer.headers?.['x-next-page'] ?? '') !== ''}
          pages={undefined}
          label="audit"
          linkTo={(to) => `/settings/audit?${query}page=${to}`}
        />
      </SettingsPage>,
    );
  });

  app.get('/settings/audit.jsonl', async (context) => {
    const { visit } = context.var;
    requireInstanceOwner(visit);
    const lines: string[] = [];
    for (let before: number | undefined; lines.length < consoleLimits.auditExport; ) {
      const { events, next } = await eventsBefore(visit, before, filterOf(context));
      lines.push(...events.map((event) => `${printableJson(event)}\n`));
      if (next === undefined) break;
      before = next;
    }
    context.header('content-disposition', 'attachment; filename="gitferry-audit.jsonl"');
    return context.body(lines.join(''), 200, { 'content-type': 'application/x-ndjson' });
  });
}

/** A page of them, and before which the next one goes on. */
async function eventsBefore(
  visit: Visit,
  before: number | undefined,
  filter: Filter,
): Promise<{ readonly events: readonly AuditView[]; readonly next: number | undefined }> {
  const page = { ...filter, pagination: 'keyset', per_page: 100, ...(before === undefined ? {} : { id_before: before }) };
  const answer = await api(visit, auditEventEndpoints.list, {}, page);
  const next = /[?&]id_before=(\d+)/.exec(answer.headers?.['link'] ?? '')?.[1];
  return { events: await answered(answer), next: next === undefined ? undefined : Number(next) };
}

interface Filter {
  readonly entity_type?: 'Project';
  readonly entity_id?: number;
}

function filterOf(context: Context<ConsoleEnv>): Filter {
  const id = parseId(context.req.query('project') ?? '');
  return id === undefined ? {} : { entity_type: 'Project', entity_id: id };
}

function Events({ events, now }: { readonly events: readonly AuditView[]; readonly now: number }) {
  return (
    <DataTable
      caption="Audit events"
      columns={['When', 'Who', 'What', 'Changes', 'Result']}
      rows={events.map((event) => ({ id: `event-${event.id}`, cells: cellsOf(event, now) }))}
    />
  );
}

function cellsOf({ created_at: at, event_name: name, details }: AuditView, now: number) {
  const { author_name: author, ip_address: address, target_id: id, target_type: target, entity_path: path, changes, status } = details;
  return [
    <RelativeTime at={Date.parse(at)} now={now} />,
    <>
      {author === '' ? 'nobody known' : <ForeignText text={author} />}
      {address !== null && (
        <>
          {' '}
          <span class="muted">
            from <ForeignText text={address} />
          </span>
        </>
      )}
    </>,
    <>
      <code>{name}</code> {target}
      {id !== null && (
        <>
          {' '}
          <ForeignText text={id} />
        </>
      )}
      {path !== null && (
        <>
          {' '}
          <span class="muted">
            of <ForeignText text={path} />
          </span>
        </>
      )}
    </>,
    changes.length === 0 ? (
      ''
    ) : (
      <ul class="plain">
        {changes.map(({ field, from, to }) => (
          <li>
            {field}: {from !== null && <ForeignText text={from} />}
            {from !== null && ' → '}
            <ForeignText text={to ?? 'removed'} />
          </li>
        ))}
      </ul>
    ),
    status === null ? 'not known' : status < 400 ? 'done' : `refused (${status})`,
  ];
}
