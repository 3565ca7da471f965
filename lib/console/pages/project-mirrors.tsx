/** "Mirrored repositories": one row per mirror, which update themselves while something runs. */
import { hasRole } from '../../api/http/authenticate.ts';
import { showMirror } from '../../api/output/show-mirror.ts';
import type { Mirror } from '../../model/mirror.ts';
import { DataTable } from '../components/data-table.tsx';
import { EmptyState } from '../components/empty-state.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { Icon } from '../components/icon.tsx';
import { MirrorButtons } from '../components/mirror-buttons.tsx';
import { MirrorStatusWords } from '../components/mirror-status.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { consoleLimits } from '../console-limits.ts';
import { mirrorPage } from '../mirror-path.ts';
import { isMoving, mirrorState, stateLabels } from '../mirror-state.ts';
import type { Visit } from '../visit.ts';
import type { ProjectView } from './project-values.ts';

interface Props {
  readonly visit: Visit;
  readonly project: ProjectView;
  readonly repositoryUrl: string;
  readonly mirrors: readonly Mirror[];
  readonly isSilent: boolean;
}

export function ProjectMirrors({ visit, project, repositoryUrl, mirrors, isSilent }: Props) {
  const path = `/projects/${project.id}`;
  const now = visit.deps.clock.now();
  const mayAct = hasRole(visit.token, 'maintainer');
  const moves = !isSilent && mirrors.some((mirror) => isMoving(mirror, now));
  const polling = moves
    ? { 'hx-get': path, 'hx-trigger': `every ${consoleLimits.projectPollSeconds}s`, 'hx-target': '#mirrors', 'hx-swap': 'outerHTML' }
    : {};
  const words = mirrors.map((mirror) => `${placeOf(mirror, visit)}: ${stateLabels[mirrorState(mirror)]}`).join('; ');
  return (
    <section id="mirrors" aria-labelledby="mirrors-title" data-announce={words} {...polling}>
      <div class="section-head">
        <h2 id="mirrors-title">Mirrored repositories</h2>
        {mayAct && mirrors.length > 0 && (
          <a class="button button-primary" href={`${path}/mirrors/new`}>
            <Icon name="plus" />
            Add a mirror
          </a>
        )}
      </div>
      {mirrors.length === 0 ? (
        <EmptyState title="No mirrors yet">
          <p>A push mirror carries this repository to another host with every push. A pull mirror keeps it up to date with an upstream.</p>
          {mayAct ? (
            <p class="buttons buttons-middle">
              <a class="button button-primary" href={`${path}/mirrors/new?direction=push`}>
                Add a push mirror
              </a>
              <a class="button button-quiet" href={`${path}/mirrors/new?direction=pull`}>
                Add a pull mirror
              </a>
            </p>
          ) : (
            <p>A maintainer can add one.</p>
          )}
        </EmptyState>
      ) : (
        <DataTable
          caption="Mirrored repositories"
          columns={['Mirror', 'Status', 'Last attempt', 'Last successful update', ...(mayAct ? [''] : [])]}
          rows={mirrors.map((mirror) => ({
            id: `mirror-${mirror.mirror}`,
            cells: [
              <MirrorPlace mirror={mirror} visit={visit} />,
              <MirrorStatusWords mirror={mirror} repositoryUrl={repositoryUrl} visit={visit} now={now} />,
              <RelativeTime at={mirror.lastUpdateAt} now={now} />,
              <RelativeTime at={mirror.lastSuccessfulUpdateAt} now={now} />,
              ...(mayAct ? [<MirrorButtons mirror={mirror} what={placeOf(mirror, visit)} back={path} />] : []),
            ],
          }))}
        />
      )}
      {moves && (
        <p class="muted refresh">
          Something is running; this table updates itself. <a href={path}>Refresh now</a>
        </p>
      )}
    </section>
  );
}

/** The URL as the API shows it to this token: masked, and for reporters not at all. */
function MirrorPlace({ mirror, visit }: { readonly mirror: Mirror; readonly visit: Visit }) {
  return (
    <span class="place">
      <span class="direction">
        <Icon name={mirror.direction} />
        {mirror.direction === 'push' ? 'Push' : 'Pull'}
      </span>
      <a class="place-link" href={mirrorPage(mirror)}>
        <ForeignText text={placeOf(mirror, visit)} />
      </a>
      <RuleWords mirror={mirror} />
    </span>
  );
}

function placeOf(mirror: Mirror, { token }: Visit): string {
  const { url } = showMirror(mirror, token, { repositoryUrl: mirror.url });
  return url !== undefined ? url : mirror.direction === 'push' ? `push mirror ${mirror.mirror}` : 'pull mirror';
}

function RuleWords({ mirror }: { readonly mirror: Mirror }) {
  const words = [
    ...(mirror.onlyProtectedBranches ? ['only protected branches'] : []),
    ...(mirror.mirrorBranchRegex === null ? [] : [`branches like ${mirror.mirrorBranchRegex}`]),
    ...(mirror.mirrorTags === 'all' ? [] : [mirror.mirrorTags === 'none' ? 'no tags' : `tags like ${mirror.mirrorTags}`]),
    ...(mirror.keepDivergentRefs ? ['keeps divergent refs'] : []),
    ...(mirror.direction === 'pull' && mirror.mirrorOverwritesDivergedBranches ? ['overwrites diverged branches'] : []),
  ];
  return words.length === 0 ? null : (
    <span class="muted rule-words">
      <ForeignText text={words.join(', ')} />
    </span>
  );
}
