/** A run's page: what asked for it, how it ended and why, what to do about it, and every ref. */

import type { Hono } from 'hono';
import type { Shown } from '../../api/http/answer.ts';
import { hasRole } from '../../api/http/authenticate.ts';
import type { runWithRefsSchema } from '../../api/output/show-run.ts';
import { refResults } from '../../mirror/outcome.ts';
import type { Mirror } from '../../model/mirror.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { PostButton } from '../components/form.tsx';
import { Icon } from '../components/icon.tsx';
import { OutcomePill } from '../components/outcome-pill.tsx';
import { Page } from '../components/page.tsx';
import { Pagination } from '../components/pagination.tsx';
import { RefTable } from '../components/ref-table.tsx';
import { ExactTime, relativeTime } from '../components/relative-time.tsx';
import { consoleLimits } from '../console-limits.ts';
import { showRun } from '../mirror-calls.ts';
import { mirrorName, mirrorOf, mirrorPage } from '../mirror-path.ts';
import { readPage } from '../read-page.ts';
import { byteWords, durationWords, resultWords, triggerWords } from '../ref-words.ts';
import { answered, type ConsoleEnv, type Visit } from '../visit.ts';
import { sendPage } from './problem.tsx';
import { type ProjectView, projectOf } from './project-values.ts';

type RunView = Shown<typeof runWithRefsSchema>;

interface Props {
  readonly visit: Visit;
  readonly project: ProjectView;
  readonly mirror: Mirror;
  readonly run: RunView;
  /** undefined = every result. */
  readonly result: string | undefined;
  readonly page: number;
}

export function addRunPage(app: Hono<ConsoleEnv>): void {
  app.get('/projects/:id/mirrors/:mirror/runs/:run', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    const mirror = await mirrorOf(visit, project.id, context.req.param('mirror'));
    const run = await answered(showRun(visit, mirror, context.req.param('run')));
    const asked = context.req.query('result');
    const result = refResults.find((known) => known === asked);
    return sendPage(
      context,
      <RunPage visit={visit} project={project} mirror={mirror} run={run} result={result} page={readPage(context.req.query('page'))} />,
    );
  });
}

function RunPage(props: Props) {
  const { visit, project, mirror, run } = props;
  const now = visit.deps.clock.now();
  const mayAct = hasRole(visit.token, 'maintainer');
  const startedAt = Date.parse(run.started_at);
  return (
    <Page
      title={`Update of ${run.started_at.slice(0, 16).replace('T', ' ')} UTC`}
      heading={
        <>
          Update <OutcomePill outcome={run.outcome} />
        </>
      }
      visit={visit}
      section="overview"
      crumbs={[
        { path: '/', label: 'Overview' },
        { path: `/projects/${project.id}`, label: project.path_with_namespace },
        { path: mirrorPage(mirror), label: mirrorName(mirror, mayAct) },
      ]}
      actions={mayAct && mirror.enabled ? <RetryButton mirror={mirror} isRetry={run.outcome !== 'success'} /> : undefined}
    >
      <div class="stack">
        {run.error !== null && <Trouble run={run} />}
        {run.notes.map((note) => (
          <p class="message message-note">
            <ForeignText text={note} />
          </p>
        ))}
        <section class="card" aria-labelledby="facts-title">
          <h2 id="facts-title" class="visually-hidden">
            In short
          </h2>
          <dl class="facts facts-wide">
            <dt>Asked for by</dt>
            <dd>
              <ForeignText text={triggerWords(run.trigger)} />
            </dd>
            <dt>Started</dt>
            <dd>
              <ExactTime at={startedAt} /> <span class="muted">({relativeTime(startedAt, now)})</span>
            </dd>
            <dt>Took</dt>
            <dd>{durationWords(run.duration_ms)}</dd>
            <dt>Relayed</dt>
            <dd>{byteWords(run.bytes)}</dd>
            <LfsFacts run={run} />
          </dl>
        </section>
        <LfsFailures run={run} />
        <Refs {...props} />
      </div>
    </Page>
  );
}

function RetryButton({ mirror, isRetry }: { readonly mirror: Mirror; readonly isRetry: boolean }) {
  return (
    <PostButton
      action={`${mirrorPage(mirror)}/update`}
      kind="primary"
      label={
        <>
          <Icon name="refresh" />
          {isRetry ? 'Try again' : 'Update now'}
        </>
      }
    >
      <input type="hidden" name="back" value={mirrorPage(mirror)} />
    </PostButton>
  );
}

/** The sentence, the refs it names, and what to do. */
function Trouble({ run: { error, outcome } }: { readonly run: RunView }) {
  if (error === null) return null;
  return (
    <section class={`trouble trouble-${outcome}`} aria-labelledby="trouble-title">
      <h2 id="trouble-title">{outcome === 'failed' ? 'Why it failed' : 'What did not work'}</h2>
      <p class="tip-message">
        <ForeignText text={error.message} />
      </p>
      {error.hint !== '' && (
        <p>
          <strong>What to do:</strong> <ForeignText text={error.hint} />
        </p>
      )}
      <p class="muted">
        <code>{error.code}</code>
      </p>
    </section>
  );
}

function LfsFacts({ run: { lfs } }: { readonly run: RunView }) {
  if (lfs === null || lfs.moved + lfs.skipped + lfs.failed === 0) return null;
  const words = [
    `${lfs.moved} moved (${byteWords(lfs.bytes)})`,
    `${lfs.skipped} there already`,
    ...(lfs.failed > 0 ? [`${lfs.failed} failed`] : []),
  ];
  return (
    <>
      <dt>LFS objects</dt>
      <dd>{words.join(', ')}</dd>
    </>
  );
}

function LfsFailures({ run: { lfs, lfs_failures: failures } }: { readonly run: RunView }) {
  if (failures.length === 0) return null;
  const shown = failures.slice(0, consoleLimits.planRefs);
  return (
    <section class="card" aria-labelledby="lfs-title">
      <h2 id="lfs-title">LFS objects that could not be copied</h2>
      <ul class="rows">
        {shown.map(({ oid, size, path, code, reason }) => (
          <li>
            <code class="oid">{oid}</code>
            <span>
              {path !== null && (
                <span>
                  <ForeignText text={path} />,{' '}
                </span>
              )}
              {byteWords(size)}: <ForeignText text={reason} /> <code>{code}</code>
            </span>
          </li>
        ))}
      </ul>
      {(lfs?.failed ?? 0) > shown.length && <p class="muted">and {(lfs?.failed ?? 0) - shown.length} more</p>}
    </section>
  );
}

function Refs({ mirror, run, result, page }: Props) {
  const path = `${mirrorPage(mirror)}/runs/${encodeURIComponent(run.id)}`;
  const link = (name: string | undefined, to: number): string => {
    const query = new URLSearchParams({ ...(name === undefined ? {} : { result: name }), ...(to === 1 ? {} : { page: String(to) }) });
    return query.size === 0 ? `${path}#refs` : `${path}?${query}#refs`;
  };
  const fitting = result === undefined ? run.refs : run.refs.filter((ref) => ref.result === result);
  const from = (page - 1) * consoleLimits.runRefs;
  const pages = Math.max(1, Math.ceil(fitting.length / consoleLimits.runRefs));
  const present = refResults.filter((name) => (run.counts[name] ?? 0) > 0);
  return (
    <section id="refs" aria-labelledby="refs-title">
      <h2 id="refs-title" class="section-title">
        Branches and tags
      </h2>
      {run.refs.length === 0 ? (
        <EmptyState title={run.outcome === 'failed' ? 'No ref was touched' : 'Nothing to do'}>
          <p>{run.outcome === 'failed' ? 'The update ended before anything could move.' : 'Both sides were equal already.'}</p>
        </EmptyState>
      ) : (
        <>
          <nav class="filters" aria-label="Filter by result">
            <a href={link(undefined, 1)} aria-current={result === undefined ? 'true' : undefined}>
              All {run.refs_total.toLocaleString('en')}
            </a>
            {present.map((name) => (
              <a
                class={`result-${name}`}
                href={link(name, 1)}
                aria-current={result === name ? 'true' : undefined}
                title={resultWords[name]}
              >
                {name} {run.counts[name]?.toLocaleString('en')}
              </a>
            ))}
          </nav>
          {run.refs_truncated && (
            <p class="muted">
              Of {run.refs_total.toLocaleString('en')} refs the first {run.refs.length.toLocaleString('en')} are kept.
            </p>
          )}
          {fitting.length === 0 ? (
            <p class="muted">None of the refs that are kept has this result.</p>
          ) : (
            <RefTable caption="What happened to each ref" idPrefix="ref" refs={fitting.slice(from, from + consoleLimits.runRefs)} />
          )}
          <Pagination page={page} hasNext={page < pages} pages={pages} label="the refs" linkTo={(to) => link(result, to)} />
        </>
      )}
    </section>
  );
}
