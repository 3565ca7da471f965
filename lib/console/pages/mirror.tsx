/** A mirror's page: how it is, its key, its settings in short, and the history of its runs. */

import type { Hono } from 'hono';
import type { Shown } from '../../api/http/answer.ts';
import { hasRole } from '../../api/http/authenticate.ts';
import { showMirror } from '../../api/output/show-mirror.ts';
import type { runSchema } from '../../api/output/show-run.ts';
import { methodOf } from '../../credentials/registry.ts';
import type { Mirror } from '../../model/mirror.ts';
import { CopyableText } from '../components/copyable-text.tsx';
import { DataTable } from '../components/data-table.tsx';
import { EmptyState } from '../components/empty-state.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { PostButton } from '../components/form.tsx';
import { MirrorButtons } from '../components/mirror-buttons.tsx';
import { MirrorStatusWords } from '../components/mirror-status.tsx';
import { OutcomePill } from '../components/outcome-pill.tsx';
import { Page } from '../components/page.tsx';
import { Pagination } from '../components/pagination.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { RunChart } from '../components/run-chart.tsx';
import { SilentModeBanner } from '../components/silent-mode-banner.tsx';
import { consoleLimits } from '../console-limits.ts';
import { hostNote } from '../host-notes.ts';
import { listRuns, showPublicKey } from '../mirror-calls.ts';
import { mirrorName, mirrorOf, mirrorPage } from '../mirror-path.ts';
import { isMoving, mirrorState, stateLabels } from '../mirror-state.ts';
import { readPage } from '../read-page.ts';
import { byteWords, countWords, durationWords, refCount, triggerWords } from '../ref-words.ts';
import { answered, type ConsoleEnv, type Visit } from '../visit.ts';
import { sendPage } from './problem.tsx';
import { projectOf } from './project-values.ts';

type RunView = Shown<typeof runSchema>;

export function addMirrorPage(app: Hono<ConsoleEnv>): void {
  app.get('/projects/:id/mirrors/:mirror', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    const mirror = await mirrorOf(visit, project.id, context.req.param('mirror'));
    const page = readPage(context.req.query('page'));
    const [answer, { silentModeEnabled }, publicKey, stored] = await Promise.all([
      listRuns(visit, mirror, { page, per_page: consoleLimits.historyRuns }),
      visit.deps.records.settings.get(),
      publicKeyOf(visit, mirror),
      visit.deps.records.projects.get(project.id),
    ]);
    const repositoryUrl = stored?.repositoryUrl ?? '';
    const runs = await answered(answer);
    const hasNext = (answer.headers?.['x-next-page'] ?? '') !== '';
    const seesUrl = hasRole(visit.token, 'maintainer');
    const path = mirrorPage(mirror);
    const shared = { visit, mirror, repositoryUrl, runs, page, hasNext };
    const live = <Live {...shared} isSilent={silentModeEnabled} />;
    if (context.req.header('hx-target') === 'updates') return context.html(String(live));
    return sendPage(
      context,
      <Page
        title={mirrorName(mirror, seesUrl)}
        visit={visit}
        section="overview"
        crumbs={[
          { path: '/', label: 'Overview' },
          { path: `/projects/${project.id}`, label: project.path_with_namespace },
        ]}
        actions={seesUrl ? <MirrorButtons mirror={mirror} what="" back={path} /> : undefined}
      >
        {silentModeEnabled && <SilentModeBanner visit={visit} />}
        <div class="stack">
          {publicKey !== undefined && (
            <PublicKey
              mirror={mirror}
              publicKey={publicKey}
              mayRenew={seesUrl}
              isStart={context.req.query('start') === '1' && !mirror.enabled}
            />
          )}
          {live}
        </div>
      </Page>,
    );
  });
}

/** undefined where it signs in without a key. */
async function publicKeyOf(visit: Visit, mirror: Mirror): Promise<string | undefined> {
  if (!methodOf(mirror.authMethod).makesKeyPair) return undefined;
  const answer = await showPublicKey(visit, mirror);
  return 'refusal' in answer ? undefined : answer.body.public_key;
}

interface KeyProps {
  readonly mirror: Mirror;
  readonly publicKey: string;
  readonly mayRenew: boolean;
  /** It was made just now, and the mirror waits for the host to know it. */
  readonly isStart: boolean;
}

function PublicKey({ mirror, publicKey, mayRenew, isStart }: KeyProps) {
  const { notes } = mayRenew ? hostNote(mirror.url) : { notes: [] };
  const isShared = mirror.credential?.kind === 'shared';
  return (
    <section class={isStart ? 'card card-next' : 'card'} aria-labelledby="key-title">
      <h2 id="key-title">{isStart ? 'Next: give the host this public key' : 'SSH public key'}</h2>
      <p>
        <CopyableText id="public-key" text={publicKey} what="the public key" />
      </p>
      <p class="muted">
        Paste it at the host, as a deploy key of the repository there{mirror.direction === 'push' ? ' with write access' : ''} or as a key
        of the account that signs in.
        {notes.map((words) => ` ${words}`)}
      </p>
      {mayRenew && (
        <div class="buttons">
          {isStart && (
            <PostButton action={`${mirrorPage(mirror)}/resume`} kind="primary" label="The host has the key: start mirroring">
              <input type="hidden" name="back" value={mirrorPage(mirror)} />
            </PostButton>
          )}
          {isShared ? (
            <span class="muted">It belongs to a shared credential; owners renew it in the settings.</span>
          ) : (
            <a class="button button-quiet" href={`${mirrorPage(mirror)}/rotate-key`}>
              Make a new key
            </a>
          )}
        </div>
      )}
    </section>
  );
}

interface LiveProps {
  readonly visit: Visit;
  readonly mirror: Mirror;
  readonly repositoryUrl: string;
  readonly runs: readonly RunView[];
  readonly page: number;
  readonly hasNext: boolean;
  readonly isSilent: boolean;
}

/** What changes while the mirror runs: it asks for itself then. */
function Live({ visit, mirror, repositoryUrl, runs, page, hasNext, isSilent }: LiveProps) {
  const now = visit.deps.clock.now();
  const path = mirrorPage(mirror);
  const runPath = (id: string): string => `${path}/runs/${encodeURIComponent(id)}`;
  const moves = !isSilent && isMoving(mirror, now);
  const polling = moves
    ? {
        'hx-get': page === 1 ? path : `${path}?page=${page}`,
        'hx-trigger': `every ${consoleLimits.projectPollSeconds}s`,
        'hx-target': '#updates',
        'hx-swap': 'outerHTML',
      }
    : {};
  return (
    <div id="updates" data-announce={stateLabels[mirrorState(mirror)]} class="stack" {...polling}>
      <section class="card" aria-labelledby="state-title">
        <h2 id="state-title">Status</h2>
        <dl class="facts">
          <dt>Now</dt>
          <dd>
            <MirrorStatusWords mirror={mirror} repositoryUrl={repositoryUrl} visit={visit} now={now} />
          </dd>
          <dt>Last attempt</dt>
          <dd>
            <RelativeTime at={mirror.lastUpdateAt} now={now} />
          </dd>
          <dt>Last successful update</dt>
          <dd>
            <RelativeTime at={mirror.lastSuccessfulUpdateAt} now={now} />
          </dd>
          {mirror.enabled && mirror.heldBackDeletions > 0 && hasRole(visit.token, 'maintainer') && (
            <>
              <dt>Held back</dt>
              <dd>
                the deletion of {refCount(mirror.heldBackDeletions)}: <a href={`${path}/delete-held-back`}>look at it and decide</a>
              </dd>
            </>
          )}
          <SettingFacts mirror={mirror} visit={visit} />
        </dl>
      </section>
      <section aria-labelledby="history-title">
        <h2 id="history-title" class="section-title">
          History
        </h2>
        {runs.length === 0 ? (
          <EmptyState title="No updates yet">
            <p>{mirror.enabled ? 'The first one is on its way.' : 'The mirror is paused. Resume it to start the first one.'}</p>
          </EmptyState>
        ) : (
          <>
            <RunChart runs={runs} />
            <DataTable
              caption="Updates, newest first"
              columns={['Update', 'Outcome', 'Refs', 'Duration', 'Bytes']}
              rows={runs.map((run) => ({
                id: `run-${run.id}`,
                cells: [
                  <span class="place">
                    <a href={runPath(run.id)}>
                      <ForeignText text={triggerWords(run.trigger)} />
                    </a>
                    <RelativeTime at={Date.parse(run.started_at)} now={now} />
                  </span>,
                  <OutcomePill outcome={run.outcome} />,
                  countWords(run.counts) || <span class="muted">{run.outcome === 'failed' ? 'none' : 'nothing to do'}</span>,
                  durationWords(run.duration_ms),
                  byteWords(run.bytes),
                ],
              }))}
            />
          </>
        )}
        <Pagination page={page} hasNext={hasNext} pages={undefined} label="the history" linkTo={(to) => `${path}?page=${to}`} />
      </section>
    </div>
  );
}

function SettingFacts({ mirror, visit }: { readonly mirror: Mirror; readonly visit: Visit }) {
  const shown = showMirror(mirror, visit.token, { repositoryUrl: mirror.url });
  return (
    <>
      {shown.url !== undefined && (
        <>
          <dt>URL</dt>
          <dd>
            <code>
              <ForeignText text={shown.url} />
            </code>
          </dd>
        </>
      )}
      {shown.host_keys.length > 0 && (
        <>
          <dt>Host keys</dt>
          <dd>
            {shown.host_keys.map(({ type, fingerprint_sha256: sha256 }) => (
              <span class="line">
                {type} <code>{sha256}</code>
              </span>
            ))}
          </dd>
        </>
      )}
      <dt>Created</dt>
      <dd>
        <RelativeTime at={mirror.createdAt} now={visit.deps.clock.now()} />
      </dd>
    </>
  );
}
