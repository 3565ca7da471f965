/** Pausing, resuming and deleting a mirror, renewing its key, and letting deletions through that were held back. */

import type { Hono } from 'hono';
import { methodOf } from '../../credentials/registry.ts';
import { ConfirmPage } from '../components/confirm-page.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { faultsOf } from '../faults.ts';
import { changeMirror, removeMirror, renewPublicKey } from '../mirror-calls.ts';
import { mirrorName, mirrorOf, mirrorPage } from '../mirror-path.ts';
import { readForm } from '../read-form.ts';
import { refCount } from '../ref-words.ts';
import { Refusal } from '../refusal.ts';
import { returnPath } from '../return-path.ts';
import { type ConsoleContext, type ConsoleEnv, redirect, requireMaintainer, succeeded } from '../visit.ts';
import { sendPage } from './problem.tsx';
import { projectOf } from './project-values.ts';

export function addMirrorActions(app: Hono<ConsoleEnv>): void {
  app.post('/projects/:id/mirrors/:mirror/pause', (context) => switchTo(context, false));
  app.post('/projects/:id/mirrors/:mirror/resume', (context) => switchTo(context, true));

  app.get('/projects/:id/mirrors/:mirror/rotate-key', async (context) => {
    const { visit, project, mirror, crumbs } = await found(context);
    if (!methodOf(mirror.authMethod).makesKeyPair) throw new Refusal(404);
    const back = mirrorPage(mirror);
    return sendPage(
      context,
      <ConfirmPage
        visit={visit}
        title="Make a new SSH key?"
        crumbs={crumbs}
        action={`${back}/rotate-key`}
        label="Make a new key"
        back={back}
      >
        <p>
          The old key is gone at once: until the host knows the new one, updates of this mirror of{' '}
          <ForeignText text={project.path_with_namespace} /> fail.
        </p>
        <p>The next page shows the new public key. Give it to the host, and remove the old one there.</p>
      </ConfirmPage>,
    );
  });

  app.post('/projects/:id/mirrors/:mirror/rotate-key', async (context) => {
    const { visit, mirror } = await found(context);
    const answer = await renewPublicKey(visit, mirror);
    if (answer.status === 404 || answer.status === 403) await succeeded(answer);
    const { general } = faultsOf(answer, []);
    if (general.length > 0) return redirect(context, mirrorPage(mirror), { kind: 'failed', text: general.join(' ') });
    return redirect(context, mirrorPage(mirror), {
      kind: 'done',
      text: 'There is a new key. Give its public half to the host, then update.',
    });
  });

  app.get('/projects/:id/mirrors/:mirror/delete-held-back', async (context) => {
    const { visit, mirror, crumbs } = await found(context);
    const back = mirrorPage(mirror);
    if (mirror.heldBackDeletions === 0) return redirect(context, back, { kind: 'note', text: 'No deletions are held back any more.' });
    return sendPage(
      context,
      <ConfirmPage
        visit={visit}
        title={`Delete ${refCount(mirror.heldBackDeletions)} at the target?`}
        crumbs={crumbs}
        action={`${back}/update`}
        fields={{ confirm_deletions: 'true', back }}
        label="Delete them and update"
        back={back}
      >
        <p>
          <strong>{mirrorName(mirror, true)}</strong>
        </p>
        <p>
          The project no longer has these branches or tags, and they are so many of the target’s that the last update held their deletion
          back. If the project lost them by mistake, restore them there first: afterwards they are gone here and there.
        </p>
        {mirror.lastRun !== null && (
          <p>
            <a href={`${back}/runs/${encodeURIComponent(mirror.lastRun.id)}?result=kept#refs`}>See which ones the last update kept</a>
          </p>
        )}
      </ConfirmPage>,
    );
  });

  app.get('/projects/:id/mirrors/:mirror/delete', async (context) => {
    const { visit, mirror, crumbs } = await found(context);
    const back = mirrorPage(mirror);
    return sendPage(
      context,
      <ConfirmPage
        visit={visit}
        title={`Delete this ${mirror.direction} mirror?`}
        crumbs={crumbs}
        action={`${back}/delete`}
        label="Delete the mirror"
        back={back}
      >
        <p>
          <strong>{mirrorName(mirror, true)}</strong>
        </p>
        <p>Its settings, credential and history are deleted here. This cannot be undone. The repositories themselves are left alone.</p>
      </ConfirmPage>,
    );
  });

  app.post('/projects/:id/mirrors/:mirror/delete', async (context) => {
    const { visit, project, mirror } = await found(context);
    await succeeded(removeMirror(visit, mirror));
    return redirect(context, `/projects/${project.id}`, { kind: 'done', text: 'The mirror is deleted.' });
  });
}

/** Resuming asks for a run. */
async function switchTo(context: ConsoleContext, enabled: boolean): Promise<Response> {
  const { visit, project, mirror } = await found(context);
  const form = await readForm(context.req.raw);
  await succeeded(changeMirror(visit, mirror, { enabled }));
  const back = form.text('back') === '' ? `/projects/${project.id}` : returnPath(form.text('back'));
  const text = enabled
    ? 'The mirror is resumed; an update starts now.'
    : 'The mirror is paused: events and the schedule no longer start it.';
  return redirect(context, back, { kind: 'done', text });
}

/** Throws a Refusal: 404 for what is not there or not to be seen, 403 for readers. */
async function found(context: ConsoleContext) {
  const { visit } = context.var;
  const project = await projectOf(visit, context.req.param('id') ?? '');
  requireMaintainer(visit);
  const mirror = await mirrorOf(visit, project.id, context.req.param('mirror') ?? '');
  const crumbs = [
    { path: '/', label: 'Overview' },
    { path: `/projects/${project.id}`, label: project.path_with_namespace },
    { path: mirrorPage(mirror), label: mirrorName(mirror, true) },
  ];
  return { visit, project, mirror, crumbs };
}
