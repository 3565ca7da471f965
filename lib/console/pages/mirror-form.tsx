/** Adding a mirror and changing one: checks while typing, host keys, previews before anything is saved. */

import type { Hono } from 'hono';
import type { Answer } from '../../api/http/answer.ts';
import type { RefusedAnswer } from '../../api/http/api-error.ts';
import type { Parameters } from '../../api/http/read-parameters.ts';
import { mirrorPreviewEndpoints } from '../../api/routes/mirror-previews.ts';
import { pullMirrorEndpoints } from '../../api/routes/pull-mirror.ts';
import { remoteMirrorEndpoints } from '../../api/routes/remote-mirrors.ts';
import { keyPairMethod } from '../../credentials/registry.ts';
import type { Mirror, MirrorKey } from '../../model/mirror.ts';
import { type CredentialOption, credentialOptions } from '../address-form.ts';
import { type Faults, faultsOf, noFaults } from '../faults.ts';
import { firstTime } from '../first-time.ts';
import { hasUnconfirmedKeys, hostKeyStep, withOfferedKeys } from '../host-key-step.ts';
import { changeMirror } from '../mirror-calls.ts';
import { mirrorOf, mirrorPage } from '../mirror-path.ts';
import {
  type MirrorValues,
  mirrorFields,
  mirrorInput,
  mirrorValues,
  newMirror,
  settingsVersion,
  storedMirrorValues,
} from '../mirror-values.ts';
import { type Form, readForm } from '../read-form.ts';
import { Refusal } from '../refusal.ts';
import { splitUserInfo } from '../split-user-info.ts';
import { answered, api, type ConsoleContext, type ConsoleEnv, redirect, requireMaintainer, type Visit } from '../visit.ts';
import { type LookFound, MirrorFormPage, type Shown } from './mirror-form-page.tsx';
import { sendPage } from './problem.tsx';
import { type ProjectView, projectOf } from './project-values.ts';

interface Editing {
  readonly visit: Visit;
  readonly project: ProjectView;
  /** undefined = a new one. */
  readonly before: Mirror | undefined;
  readonly credentials: readonly CredentialOption[];
}

export function addMirrorForms(app: Hono<ConsoleEnv>): void {
  app.get('/projects/:id/mirrors/new', async (context) => {
    const editing = await begin(context, undefined);
    const direction = context.req.query('direction') === 'pull' ? 'pull' : 'push';
    return send(context, editing, { values: newMirror(direction), faults: noFaults });
  });

  app.post('/projects/:id/mirrors/new', async (context) => {
    const editing = await begin(context, undefined);
    return handle(context, editing, (form) => create(context, editing, form));
  });

  app.get('/projects/:id/mirrors/:mirror/edit', async (context) => {
    const editing = await begin(context, context.req.param('mirror'));
    const { before } = editing;
    if (before === undefined) throw new Refusal(404);
    return send(context, editing, { values: storedMirrorValues(before), faults: noFaults });
  });

  app.post('/projects/:id/mirrors/:mirror/edit', async (context) => {
    const editing = await begin(context, context.req.param('mirror'));
    const { before } = editing;
    if (before === undefined) throw new Refusal(404);
    return handle(context, editing, (form) => save(context, editing, before, form));
  });
}

async function begin(context: ConsoleContext, mirror: string | undefined): Promise<Editing> {
  const { visit } = context.var;
  const project = await projectOf(visit, context.req.param('id') ?? '');
  requireMaintainer(visit);
  const before = mirror === undefined ? undefined : await mirrorOf(visit, project.id, mirror);
  return { visit, project, before, credentials: await credentialOptions(visit) };
}

/** Everything that a button of the form can mean; `save` is what is left. Only faults of saving answer 400: the rest is a look at the form. */
async function handle(context: ConsoleContext, editing: Editing, save: (form: Form) => Promise<Outcome>): Promise<Response> {
  const { visit, before } = editing;
  const sent = await readForm(context.req.raw);
  const step = sent.text('step');
  if (step === 'check') return send(context, editing, { values: checked(sent, before), faults: noFaults });
  const { form, note } = splitUserInfo(withChosenUrl(sent), 'url');
  const values = checked(form, before);
  const shown = { values, note, faults: noFaults };
  if (sent.text('use_url') !== '' || step === 'show') return send(context, editing, shown);
  if (step === 'preview' || step === 'plan') return send(context, editing, { ...shown, ...(await looked(editing, form, step)) });
  const stopped = await hostKeyStep(visit, form, 'url', values.address);
  if (stopped !== undefined)
    return send(context, editing, { ...shown, values: { ...values, address: stopped.address }, faults: stopped.faults });
  const outcome = await save(form);
  return outcome instanceof Response ? outcome : send(context, editing, { ...shown, ...outcome });
}

type Outcome = Response | { readonly faults: Faults; readonly values?: MirrorValues };

async function create(context: ConsoleContext, { visit, project, credentials }: Editing, form: Form): Promise<Outcome> {
  const { direction, address, enabled } = mirrorValues(form);
  const page = `/projects/${project.id}`;
  if (direction === 'pull' && (await visit.deps.records.mirrors.get({ projectId: project.id, mirror: 'pull' })) !== undefined)
    return { faults: { ...noFaults, general: ['The project has a pull mirror already. Edit that one, or delete it first.'] } };
  if (!(await firstTime(visit, form)))
    return redirect(context, page, { kind: 'note', text: 'This form was sent twice; it was carried out once.' });
  // The host does not know the key that is made now: a run would only fail.
  const awaitsKey = address.way === keyPairMethod && enabled;
  const input = { ...mirrorInput(form, { isNew: true, credentials }), ...(awaitsKey ? { enabled: false } : {}) };
  const answer =
    direction === 'push'
      ? await api(visit, remoteMirrorEndpoints.create, { id: project.id }, input)
      : await api(visit, pullMirrorEndpoints.change, { id: project.id }, input);
  const faults = refused(answer);
  if (faults !== noFaults) return { faults };
  const { id } = await answered(answer);
  const made: MirrorKey = { projectId: project.id, mirror: direction === 'push' ? id : 'pull' };
  if (awaitsKey)
    return redirect(context, `${mirrorPage(made)}?start=1`, {
      kind: 'done',
      text: 'The mirror is saved. One step is left: give the host its public key.',
    });
  return redirect(context, page, {
    kind: 'done',
    text: enabled ? 'The mirror is saved; its first update starts now.' : 'The mirror is saved. It is paused.',
  });
}

async function save(context: ConsoleContext, { visit, credentials }: Editing, before: Mirror, form: Form): Promise<Outcome> {
  const now = settingsVersion(before);
  if (form.text('version') !== now) {
    const general = [
      'Somebody has changed this mirror since you opened this form. Nothing was saved: below is what you entered. Save again to replace their changes, or cancel to look at them.',
    ];
    return { faults: { ...noFaults, general }, values: { ...mirrorValues(form), version: now } };
  }
  const answer = await changeMirror(visit, before, mirrorInput(form, { isNew: false, credentials }));
  const faults = refused(answer);
  if (faults !== noFaults) return { faults };
  const after = await answered(answer);
  const starts = after.enabled && after.update_status === 'none';
  return redirect(context, mirrorPage(before), {
    kind: 'done',
    text: starts ? 'The mirror is saved and starts anew.' : 'The mirror is saved.',
  });
}

/** A refusal for the whole page where the project or mirror is gone; otherwise what is wrong with the form. */
function refused(answer: Answer | RefusedAnswer): Faults {
  if (answer.status === 404) throw new Refusal(404);
  return faultsOf(answer, mirrorFields);
}

/** A preview or a plan of what the form holds; what stands in its way is told in its place. */
async function looked(
  { visit, project, before, credentials }: Editing,
  form: Form,
  step: 'preview' | 'plan',
): Promise<Pick<Shown, 'look'>> {
  const direction = before?.direction ?? mirrorValues(form).direction;
  // Nobody signs in to a host whose keys were not compared.
  if (hasUnconfirmedKeys(form) && !(step === 'preview' && direction === 'push')) return { look: { step, ...unconfirmed } };
  const { url, ...input } = mirrorInput(form, { isNew: before === undefined, credentials });
  const settings = {
    ...input,
    ...(url === '' ? {} : { url }),
    direction,
    ...(before !== undefined && before.mirror !== 'pull' ? { mirror_id: before.mirror } : {}),
  };
  return { look: { step, ...(await (step === 'plan' ? planned : previewed)(visit, project.id, settings)) } };
}

async function planned(visit: Visit, id: number, settings: Parameters): Promise<LookFound> {
  const answer = await api(visit, mirrorPreviewEndpoints.plan, { id }, settings);
  return 'refusal' in answer ? { faults: faultsOf(answer, []) } : { plan: answer.body };
}

async function previewed(visit: Visit, id: number, settings: Parameters): Promise<LookFound> {
  const answer = await api(visit, mirrorPreviewEndpoints.preview, { id }, settings);
  return 'refusal' in answer ? { faults: faultsOf(answer, []) } : { preview: answer.body };
}

const unconfirmed: LookFound = {
  faults: { ...noFaults, general: ['Compare the fingerprints of the host keys first, and say so beside them.'] },
};

function withChosenUrl(form: Form): Form {
  const chosen = form.text('use_url');
  return chosen === '' ? form : { ...form, text: (name) => (name === 'url' ? chosen : form.text(name)) };
}

/** A mirror's direction never changes. */
function checked(form: Form, before: Mirror | undefined): MirrorValues {
  const sent = mirrorValues(form);
  const values = { ...sent, address: withOfferedKeys(form, sent.address) };
  return before === undefined ? values : { ...values, direction: before.direction };
}

async function send(context: ConsoleContext, { visit, project, before, credentials }: Editing, shown: Shown): Promise<Response> {
  const stored = await visit.deps.records.projects.get(project.id);
  const page = (
    <MirrorFormPage
      visit={visit}
      project={project}
      protectedBranches={stored?.protectedBranches.length ?? 0}
      before={before}
      credentials={credentials}
      {...shown}
    />
  );
  return sendPage(context, page, shown.faults === noFaults ? 200 : 400);
}
