/** What moved in a project lately: a branch or tag a line, newest first. */

import type { Hono } from 'hono';
import type { Shown } from '../../api/http/answer.ts';
import { eventEndpoints, type eventSchema } from '../../api/routes/events.ts';
import { shortRefName } from '../../git/ref-name.ts';
import type { Mirror } from '../../model/mirror.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { Icon } from '../components/icon.tsx';
import { Page } from '../components/page.tsx';
import { Pagination } from '../components/pagination.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { consoleLimits } from '../console-limits.ts';
import { mirrorPage } from '../mirror-path.ts';
import { readPage } from '../read-page.ts';
import { answered, api, type ConsoleEnv, type Visit } from '../visit.ts';
import { sendPage } from './problem.tsx';
import { type ProjectView, projectOf } from './project-values.ts';

type Event = Shown<typeof eventSchema>;

interface ShownActivity {
  readonly events: readonly Event[];
  readonly hasNext: boolean;
}

export async function activityOf(
  visit: Visit,
  projectId: number,
  page: number,
  perPage: number = consoleLimits.activityEntries,
): Promise<ShownActivity> {
  const answer = await api(visit, eventEndpoints.list, { id: projectId }, { page, per_page: perPage });
  return { events: await answered(answer), hasNext: (answer.headers?.['x-next-page'] ?? '') !== '' };
}

export function addActivityPage(app: Hono<ConsoleEnv>): void {
  app.get('/projects/:id/activity', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    const page = readPage(context.req.query('page'));
    const [{ events, hasNext }, mirrors] = await Promise.all([
      activityOf(visit, project.id, page, consoleLimits.activityPage),
      visit.deps.records.mirrors.ofProject(project.id),
    ]);
    return sendPage(
      context,
      <Page
        title={`Activity of ${project.path_with_namespace}`}
        heading="Activity"
        visit={visit}
        section="overview"
        narrow
        crumbs={[
          { path: '/', label: 'Overview' },
          { path: `/projects/${project.id}`, label: project.path_with_namespace },
        ]}
      >
        {events.length === 0 ? (
          <EmptyState title="Nothing has moved">
            <p>Branches and tags that a mirror moves are listed here for 90 days.</p>
          </EmptyState>
        ) : (
          <div class="card">
            <Events events={events} mirrors={mirrors} now={visit.deps.clock.now()} />
          </div>
        )}
        <Pagination
          page={page}
          hasNext={hasNext}
          pages={undefined}
          label="activity"
          linkTo={(to) => `/projects/${project.id}/activity?page=${to}`}
        />
      </Page>,
    );
  });
}

interface Props {
  readonly visit: Visit;
  readonly project: ProjectView;
  readonly mirrors: readonly Mirror[];
  readonly activity: ShownActivity;
}

export function RecentActivity({ visit, project, mirrors, activity: { events, hasNext } }: Props) {
  return (
    <section class="card" aria-labelledby="activity-title">
      <h2 id="activity-title">Activity</h2>
      {events.length === 0 ? (
        <p class="muted">Nothing has moved yet. Branches and tags that a mirror moves appear here.</p>
      ) : (
        <Events events={events} mirrors={mirrors} now={visit.deps.clock.now()} />
      )}
      {hasNext && (
        <p>
          <a href={`/projects/${project.id}/activity`}>All activity</a>
        </p>
      )}
    </section>
  );
}

function Events({
  events,
  mirrors,
  now,
}: {
  readonly events: readonly Event[];
  readonly mirrors: readonly Mirror[];
  readonly now: number;
}) {
  const byId = new Map(mirrors.map((mirror) => [mirror.id, mirror]));
  return (
    <ul class="feed">
      {events.map(({ created_at: at, mirror_id: mirrorId, direction, run_id: run, ref, result }) => {
        const mirror = byId.get(mirrorId);
        const name = (
          <code>
            <ForeignText text={shortRefName(ref)} />
          </code>
        );
        return (
          <li>
            <Icon name={direction} />
            <span>
              {mirror === undefined ? name : <a href={`${mirrorPage(mirror)}/runs/${encodeURIComponent(run)}`}>{name}</a>} {result}{' '}
              <span class="muted">
                by the {direction} mirror{direction === 'push' ? ` ${mirrorId}` : ''}
              </span>
            </span>
            <RelativeTime at={Date.parse(at)} now={now} />
          </li>
        );
      })}
    </ul>
  );
}
