/** "Update now": asks for a run of one mirror and says when it will start. */
import type { Hono } from 'hono';
import type { MirrorKey } from '../../model/mirror.ts';
import { faultsOf } from '../faults.ts';
import type { Flash } from '../flash.ts';
import { startUpdate } from '../mirror-calls.ts';
import { mirrorOf } from '../mirror-path.ts';
import { readForm } from '../read-form.ts';
import { Refusal } from '../refusal.ts';
import { returnPath } from '../return-path.ts';
import { type ConsoleEnv, redirect, requireMaintainer, succeeded, type Visit } from '../visit.ts';
import { projectOf } from './project-values.ts';

/** A start that is this near counts as now. */
const soonMs = 2_000;

export function addUpdateNow(app: Hono<ConsoleEnv>): void {
  /** Form: `back` (a path), `confirm_deletions`. */
  app.post('/projects/:id/mirrors/:mirror/update', async (context) => {
    const { visit } = context.var;
    const { id } = await projectOf(visit, context.req.param('id'));
    requireMaintainer(visit);
    const mirror = await mirrorOf(visit, id, context.req.param('mirror'));
    const form = await readForm(context.req.raw);
    const input = form.isOn('confirm_deletions') ? { confirm_deletions: true } : {};
    const answer = await startUpdate(visit, mirror, input);
    if (answer.status === 404 || answer.status === 403) await succeeded(answer);
    const back = form.text('back') === '' ? `/projects/${id}` : returnPath(form.text('back'));
    if ('refusal' in answer) {
      const { general, hint } = faultsOf(answer, []);
      return redirect(context, back, { kind: 'failed', text: [...general, ...(hint === undefined ? [] : [hint])].join(' ') });
    }
    return redirect(context, back, await whenItRuns(visit, mirror));
  });
}

async function whenItRuns({ deps }: Visit, key: MirrorKey): Promise<Flash> {
  const [mirror, { silentModeEnabled }] = await Promise.all([deps.records.mirrors.get(key), deps.records.settings.get()]);
  if (mirror === undefined) throw new Refusal(404);
  if (silentModeEnabled) return { kind: 'note', text: 'The request is remembered. It is carried out when silent mode is switched off.' };
  if (mirror.leaseToken !== null)
    return {
      kind: 'done',
      text: mirror.queuedAt === null ? 'The update is running.' : 'An update is running already; another one follows it.',
    };
  const at = mirror.queuedFor ?? mirror.queuedAt;
  if (at !== null && at > deps.clock.now() + soonMs) return { kind: 'done', text: 'The update is queued. It starts', at };
  return { kind: 'done', text: 'The update starts now.' };
}
