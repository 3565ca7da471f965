/** Registering a repository as a project, changing it, deleting it. */
import type { Hono } from 'hono';
import { projectEndpoints } from '../../api/routes/projects.ts';
import { type CredentialOption, credentialOptions } from '../address-form.ts';
import { AddressFields } from '../components/address-fields.tsx';
import { ConfirmPage } from '../components/confirm-page.tsx';
import { Form as PostForm } from '../components/form.tsx';
import { FormFaults } from '../components/form-faults.tsx';
import { TextField } from '../components/form-field.tsx';
import { Page } from '../components/page.tsx';
import { type Faults, faultsOf, noFaults } from '../faults.ts';
import { firstTime } from '../first-time.ts';
import { hostKeyStep, withOfferedKeys } from '../host-key-step.ts';
import { type Form, readForm } from '../read-form.ts';
import { Refusal } from '../refusal.ts';
import { splitUserInfo } from '../split-user-info.ts';
import {
  answered,
  api,
  type ConsoleContext,
  type ConsoleEnv,
  redirect,
  requireInstanceOwner,
  requireOwner,
  succeeded,
  type Visit,
} from '../visit.ts';
import { sendPage } from './problem.tsx';
import {
  newProject,
  type ProjectValues,
  type ProjectView,
  projectFields,
  projectInput,
  projectOf,
  projectValues,
  storedValues,
} from './project-values.ts';
import { addUpdateNow } from './update-now.ts';

const home = { path: '/', label: 'Overview' };

export function addProjectPages(app: Hono<ConsoleEnv>): void {
  addUpdateNow(app);

  app.get('/projects/new', async (context) => {
    const { visit } = context.var;
    requireInstanceOwner(visit);
    return sendForm(context, { visit, values: newProject, faults: noFaults, credentials: await credentialOptions(visit) });
  });

  app.post('/projects/new', async (context) => {
    const { visit } = context.var;
    requireInstanceOwner(visit);
    const { form } = splitUserInfo(await readForm(context.req.raw), 'repository_url');
    const credentials = await credentialOptions(visit);
    const unfinished = await beforeSaving(visit, form);
    if (unfinished !== undefined) return sendForm(context, { visit, credentials, ...unfinished });
    if (!(await firstTime(visit, form)))
      return redirect(context, '/', { kind: 'note', text: 'This form was sent twice; it was carried out once.' });
    const answer = await api(visit, projectEndpoints.create, {}, projectInput(form, true, credentials));
    const faults = faultsOf(answer, projectFields);
    if (faults !== noFaults) return sendForm(context, { visit, values: projectValues(form), faults, credentials });
    const { id } = await answered(answer);
    return redirect(context, `/projects/${id}`, { kind: 'done', text: 'The project is registered. Add a mirror to it next.' });
  });

  app.get('/projects/:id/edit', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    requireOwner(visit);
    const [values, credentials] = await Promise.all([storedValues(visit, project), credentialOptions(visit)]);
    return sendForm(context, { visit, project, values, faults: noFaults, credentials });
  });

  app.post('/projects/:id/edit', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    requireOwner(visit);
    const { form } = splitUserInfo(await readForm(context.req.raw), 'repository_url');
    const credentials = await credentialOptions(visit);
    const unfinished = await beforeSaving(visit, form);
    if (unfinished !== undefined) return sendForm(context, { visit, project, credentials, ...unfinished });
    const answer = await api(visit, projectEndpoints.change, { id: project.id }, projectInput(form, false, credentials));
    const faults = faultsOf(answer, projectFields);
    if (answer.status === 404) throw new Refusal(404);
    if (faults !== noFaults) return sendForm(context, { visit, project, values: projectValues(form), faults, credentials });
    return redirect(context, `/projects/${project.id}`, { kind: 'done', text: 'The project is saved.' });
  });

  app.get('/projects/:id/delete', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    requireOwner(visit);
    const mirrors = await visit.deps.records.mirrors.ofProject(project.id);
    return sendPage(context, <DeleteProject visit={visit} project={project} mirrors={mirrors.length} />);
  });

  app.post('/projects/:id/delete', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    await succeeded(api(visit, projectEndpoints.remove, { id: project.id }));
    return redirect(context, '/', { kind: 'done', text: `The project ${project.path_with_namespace} is deleted.` });
  });
}

interface FormPageProps {
  readonly visit: Visit;
  /** undefined = a new one. */
  readonly project?: ProjectView;
  readonly values: ProjectValues;
  readonly faults: Faults;
  readonly credentials: readonly CredentialOption[];
}

/** What comes before saving: detecting host keys, and the word that they were compared. undefined = save. */
async function beforeSaving(visit: Visit, form: Form): Promise<Pick<FormPageProps, 'values' | 'faults'> | undefined> {
  const values = projectValues(form);
  const stopped = await hostKeyStep(visit, form, 'repository_url', withOfferedKeys(form, values.address));
  return stopped === undefined ? undefined : { values: { ...values, address: stopped.address }, faults: stopped.faults };
}

function sendForm(context: ConsoleContext, props: FormPageProps): Response | Promise<Response> {
  const hasFaults = props.faults !== noFaults;
  return sendPage(context, <ProjectFormPage {...props} />, hasFaults ? 400 : 200);
}

function ProjectFormPage({ visit, project, values, faults, credentials }: FormPageProps) {
  const isNew = project === undefined;
  const here = isNew ? undefined : { path: `/projects/${project.id}`, label: project.path_with_namespace };
  return (
    <Page
      title={isNew ? 'New project' : `Edit ${project.path_with_namespace}`}
      visit={visit}
      section="overview"
      crumbs={here === undefined ? [home] : [home, here]}
      narrow
    >
      <FormFaults faults={faults} />
      <PostForm action={isNew ? '/projects/new' : `/projects/${project.id}/edit`} once={isNew} class="card form">
        <TextField
          name="path"
          label="Path"
          value={values.path}
          required
          fault={faults.fields['path']}
          placeholder="group/name"
          hint="What the project is called here and in the API: group/name."
        />
        <AddressFields
          values={values.address}
          faults={faults}
          credentials={credentials}
          urlName="repository_url"
          urlLabel="Repository URL"
          urlHint="https://, http:// or ssh://. Push mirrors read from it; a pull mirror writes to it."
          canKeep={!isNew}
        />
        <div class="buttons">
          <button type="submit" class="button button-primary">
            {isNew ? 'Register' : 'Save'}
          </button>
          <a class="button button-quiet" href={here?.path ?? '/'}>
            Cancel
          </a>
        </div>
      </PostForm>
      {!isNew && (
        <p class="danger-link">
          <a href={`/projects/${project.id}/delete`}>Delete this project</a>
        </p>
      )}
    </Page>
  );
}

function DeleteProject({ visit, project, mirrors }: { readonly visit: Visit; readonly project: ProjectView; readonly mirrors: number }) {
  const path = `/projects/${project.id}`;
  return (
    <ConfirmPage
      visit={visit}
      title={`Delete ${project.path_with_namespace}?`}
      crumbs={[home, { path, label: project.path_with_namespace }]}
      action={`${path}/delete`}
      label="Delete the project"
      back={path}
    >
      <p>
        Its {mirrors === 1 ? 'one mirror' : `${mirrors} mirrors`}, its webhooks, credentials of its own and history are deleted here. This
        cannot be undone.
      </p>
      <p>The repositories themselves are left alone.</p>
    </ConfirmPage>
  );
}
