/** The first page: every project and mirror that the token may see, the worst first, with counts, filters and a search. */
import type { Hono } from 'hono';
import { isInstanceOwner } from '../../api/http/authenticate.ts';
import type { Mirror } from '../../model/mirror.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { Icon } from '../components/icon.tsx';
import { Page } from '../components/page.tsx';
import { Pagination } from '../components/pagination.tsx';
import { SilentModeBanner } from '../components/silent-mode-banner.tsx';
import { consoleLimits } from '../console-limits.ts';
import { stateLabels } from '../mirror-state.ts';
import { type OverviewRow, overviewRows, type StateGroup, stateGroups } from '../overview-rows.ts';
import type { ConsoleEnv, Visit } from '../visit.ts';
import { OverviewTable } from './overview-table.tsx';
import { sendPage } from './problem.tsx';

interface OverviewQuestion {
  readonly search: string;
  readonly group: StateGroup | undefined;
  /** From 1. */
  readonly page: number;
}

interface FoundRows {
  /** With the mirrors as they are now. */
  readonly rows: readonly { readonly row: OverviewRow; readonly mirror: Mirror | undefined }[];
  readonly counts: Readonly<Record<StateGroup, number>>;
  readonly total: number;
  readonly matching: number;
  /** All that the table holds for this token, whatever was searched. */
  readonly isEmptyInstance: boolean;
  readonly pollSeconds: number;
}

const searchCharacters = 200;

export function addOverview(app: Hono<ConsoleEnv>): void {
  app.get('/', async (context) => {
    const { visit } = context.var;
    const state = context.req.query('state') ?? '';
    const page = Number(context.req.query('page') ?? '1');
    const question: OverviewQuestion = {
      search: (context.req.query('q') ?? '').trim().slice(0, searchCharacters),
      group: stateGroups.find((known) => known === state),
      page: Number.isSafeInteger(page) && page > 0 ? page : 1,
    };
    const [found, { silentModeEnabled }] = await Promise.all([findRows(visit, question), visit.deps.records.settings.get()]);
    return sendPage(context, <Overview visit={visit} question={question} found={found} isSilent={silentModeEnabled} />);
  });
}

async function findRows({ deps, token }: Visit, { search, group, page }: OverviewQuestion): Promise<FoundRows> {
  const { overview } = deps.records;
  const [mirrors, projects] = await Promise.all([overview.mirrors(), overview.projects()]);
  const { rows, counts, total } = overviewRows({ mirrors, projects, viewer: token, search, group });
  const from = (page - 1) * consoleLimits.overviewRows;
  const shown = rows.slice(from, from + consoleLimits.overviewRows);
  const now = await overview.mirrorsOf(shown.flatMap(({ mirror }) => mirror ?? []));
  const byId = new Map(now.map((mirror) => [mirror.id, mirror]));
  return {
    // A mirror that was deleted meanwhile is left out.
    rows: shown.flatMap((row): FoundRows['rows'][number][] => {
      if (row.mirror === undefined) return [{ row, mirror: undefined }];
      const mirror = byId.get(row.mirror.id);
      return mirror === undefined ? [] : [{ row, mirror }];
    }),
    counts,
    total,
    matching: rows.length,
    isEmptyInstance: search === '' && total === 0,
    pollSeconds: mirrors.length < consoleLimits.slowPollFromMirrors ? consoleLimits.pollSeconds : consoleLimits.slowPollSeconds,
  };
}

interface OverviewProps {
  readonly visit: Visit;
  readonly question: OverviewQuestion;
  readonly found: FoundRows;
  readonly isSilent: boolean;
}

function Overview({ visit, question, found, isSilent }: OverviewProps) {
  const mayCreate = isInstanceOwner(visit.token);
  const actions = mayCreate && (
    <a class="button button-primary" href="/projects/new">
      <Icon name="plus" />
      New project
    </a>
  );
  return (
    <Page title="Overview" heading="Mirrors" visit={visit} section="overview" actions={actions || undefined}>
      {isSilent && <SilentModeBanner visit={visit} />}
      {found.isEmptyInstance ? <NothingYet mayCreate={mayCreate} /> : <Results visit={visit} question={question} found={found} />}
    </Page>
  );
}

function NothingYet({ mayCreate }: { readonly mayCreate: boolean }) {
  return (
    <EmptyState title="No projects yet">
      <p>A project is a repository that you own. Once it is here, mirrors carry it to other hosts, or carry an upstream into it.</p>
      {mayCreate ? (
        <p>
          <a class="button button-primary" href="/projects/new">
            Register the first repository
          </a>
        </p>
      ) : (
        <p>Ask an owner of this instance to register a repository, or for a token that may see one.</p>
      )}
    </EmptyState>
  );
}

const groupLabels: Readonly<Record<StateGroup, string>> = {
  failing: stateLabels.failing,
  paused: 'Paused',
  running: stateLabels.running,
  healthy: stateLabels.healthy,
  waiting: stateLabels.waiting,
};

function linkTo({ search, group, page }: OverviewQuestion): string {
  const query = new URLSearchParams();
  if (search !== '') query.set('q', search);
  if (group !== undefined) query.set('state', group);
  if (page > 1) query.set('page', String(page));
  return query.size === 0 ? '/' : `/?${query}`;
}

function Results({ visit, question, found }: Omit<OverviewProps, 'isSilent'>) {
  const { rows, counts, total, matching, pollSeconds } = found;
  const pages = Math.max(1, Math.ceil(matching / consoleLimits.overviewRows));
  const isMoving = rows.some(({ mirror }) => mirror !== undefined && (mirror.leaseToken !== null || isAboutToRun(mirror, visit)));
  const words = summary(counts);
  // While something runs the part asks for itself again; the button does the same where no script runs.
  const polling = isMoving
    ? {
        'hx-get': linkTo(question),
        'hx-trigger': `every ${pollSeconds}s`,
        'hx-select': '#overview',
        'hx-target': '#overview',
        'hx-swap': 'outerHTML',
      }
    : {};
  return (
    <>
      <search>
        <form method="get" action="/" class="search">
          <label for="search">Search by project or host</label>
          <div class="search-row">
            <input id="search" name="q" type="search" value={question.search} autocomplete="off" />
            {question.group !== undefined && <input type="hidden" name="state" value={question.group} />}
            <button type="submit" class="button button-quiet">
              <Icon name="search" />
              Search
            </button>
          </div>
        </form>
      </search>
      <section id="overview" aria-label="Mirrors by health" data-announce={words} {...polling}>
        <nav class="counts" aria-label="Filter by health">
          <CountLink
            label="All"
            count={total}
            href={linkTo({ ...question, group: undefined, page: 1 })}
            isCurrent={question.group === undefined}
          />
          {stateGroups.map((group) => (
            <CountLink
              group={group}
              label={groupLabels[group]}
              count={counts[group]}
              href={linkTo({ ...question, group, page: 1 })}
              isCurrent={question.group === group}
            />
          ))}
        </nav>
        {isMoving && (
          <p class="muted refresh">
            Something runs now or soon; this list updates itself. <a href={linkTo(question)}>Refresh now</a>
          </p>
        )}
        {rows.length === 0 ? (
          <NoMatch question={question} />
        ) : (
          <OverviewTable rows={rows} token={visit.token} now={visit.deps.clock.now()} back={linkTo(question)} />
        )}
        <Pagination
          page={question.page}
          hasNext={question.page < pages}
          pages={pages}
          label="the overview"
          linkTo={(page) => linkTo({ ...question, page })}
        />
      </section>
    </>
  );
}

/** A request waits whose time has come, or will have before anybody looks again. */
function isAboutToRun({ enabled, queuedAt, queuedFor }: Mirror, { deps }: Visit): boolean {
  return enabled && queuedAt !== null && (queuedFor ?? queuedAt) <= deps.clock.now() + 60_000;
}

function summary(counts: Readonly<Record<StateGroup, number>>): string {
  return `${counts.failing} failing, ${counts.paused} paused, ${counts.running} running, ${counts.healthy} healthy`;
}

interface CountProps {
  readonly group?: StateGroup;
  readonly label: string;
  readonly count: number;
  readonly href: string;
  readonly isCurrent: boolean;
}

function CountLink({ group, label, count, href, isCurrent }: CountProps) {
  return (
    <a class={`count count-${group ?? 'all'}${count === 0 ? ' count-none' : ''}`} href={href} aria-current={isCurrent ? 'true' : undefined}>
      <span class="count-number">{count.toLocaleString('en')}</span>
      <span class="count-label">
        {group !== undefined && <Icon name={group} />}
        {label}
      </span>
    </a>
  );
}

function NoMatch({ question }: { readonly question: OverviewQuestion }) {
  const isFailing = question.group === 'failing' || question.group === 'paused';
  if (question.search === '' && question.page === 1 && isFailing)
    return (
      <EmptyState title={question.group === 'failing' ? 'Nothing is failing' : 'Nothing is paused'}>
        <p>All is well here.</p>
        <p>
          <a href="/">Show all mirrors</a>
        </p>
      </EmptyState>
    );
  return (
    <EmptyState title="Nothing fits">
      <p>No project or mirror fits this search and filter.</p>
      <p>
        <a href="/">Show all mirrors</a>
      </p>
    </EmptyState>
  );
}
