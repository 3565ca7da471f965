/** A project's page: its mirrors, protected branches, webhooks, and what moved lately. */
import type { Hono } from 'hono';
import { hasRole } from '../../api/http/authenticate.ts';
import { ForeignText } from '../components/foreign-text.tsx';
import { Icon } from '../components/icon.tsx';
import { Page } from '../components/page.tsx';
import { SilentModeBanner } from '../components/silent-mode-banner.tsx';
import type { ConsoleEnv } from '../visit.ts';
import { sendPage } from './problem.tsx';
import { activityOf, addActivityPage, RecentActivity } from './project-activity.tsx';
import { addBranchForms, ProtectedBranches } from './project-branches.tsx';
import { addHookPages, hooksOf, Webhooks } from './project-hooks.tsx';
import { ProjectMirrors } from './project-mirrors.tsx';
import { projectOf } from './project-values.ts';

export function addProjectPage(app: Hono<ConsoleEnv>): void {
  addActivityPage(app);
  addBranchForms(app);
  addHookPages(app);

  app.get('/projects/:id{[0-9]+}', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    const { records } = visit.deps;
    const [mirrors, { silentModeEnabled }, stored] = await Promise.all([
      records.mirrors.ofProject(project.id),
      records.settings.get(),
      records.projects.get(project.id),
    ]);
    const shared = { visit, project, repositoryUrl: stored?.repositoryUrl ?? '', mirrors };
    const table = <ProjectMirrors {...shared} isSilent={silentModeEnabled} />;
    // The table asks for itself while something runs.
    if (context.req.header('hx-target') === 'mirrors') return context.html(String(table));
    const [hooks, activity] = await Promise.all([hooksOf(visit, project.id), activityOf(visit, project.id, 1)]);
    const [isOwner, isMaintainer] = [hasRole(visit.token, 'owner'), hasRole(visit.token, 'maintainer')];
    return sendPage(
      context,
      <Page
        title={project.path_with_namespace}
        visit={visit}
        section="overview"
        crumbs={[{ path: '/', label: 'Overview' }]}
        actions={
          isMaintainer ? (
            <>
              <a class="button button-quiet" href={`/projects/${project.id}/notifications`}>
                Notifications
              </a>
              {isOwner && (
                <a class="button button-quiet" href={`/projects/${project.id}/edit`}>
                  <Icon name="edit" />
                  Edit project
                </a>
              )}
            </>
          ) : undefined
        }
      >
        {silentModeEnabled && <SilentModeBanner visit={visit} />}
        <p class="lead">
          {project.repository_url === undefined ? null : (
            <code>
              <ForeignText text={project.repository_url} />
            </code>
          )}
          {project.default_branch !== null && (
            <span class="muted">
              {' '}
              default branch{' '}
              <code>
                <ForeignText text={project.default_branch} />
              </code>
            </span>
          )}
        </p>
        <div class="stack">
          {table}
          <div class="columns">
            <ProtectedBranches visit={visit} projectId={project.id} branches={stored?.protectedBranches ?? []} />
            <RecentActivity visit={visit} project={project} mirrors={mirrors} activity={activity} />
          </div>
          <Webhooks visit={visit} projectId={project.id} hooks={hooks} hasPull={mirrors.some(({ direction }) => direction === 'pull')} />
        </div>
      </Page>,
    );
  });
}
