/** A project's webhooks: what to enter at the provider, whether deliveries come, new secrets, deletion. */

import type { Hono } from 'hono';
import type { Shown } from '../../api/http/answer.ts';
import { hasRole } from '../../api/http/authenticate.ts';
import { type hookSchema, type hookWithSecretSchema, incomingHookEndpoints } from '../../api/routes/incoming-hooks.ts';
import { providers } from '../../model/hook.ts';
import { parseId } from '../../model/parse-id.ts';
import { ConfirmPage } from '../components/confirm-page.tsx';
import { CopyableText } from '../components/copyable-text.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { Form, PostButton } from '../components/form.tsx';
import { Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { faultsOf } from '../faults.ts';
import { firstTime } from '../first-time.ts';
import { providerInstructions } from '../provider-instructions.ts';
import { readForm } from '../read-form.ts';
import { Refusal } from '../refusal.ts';
import { answered, api, type ConsoleContext, type ConsoleEnv, redirect, requireMaintainer, succeeded, type Visit } from '../visit.ts';
import { sendPage } from './problem.tsx';
import { type ProjectView, projectOf } from './project-values.ts';

type HookView = Shown<typeof hookSchema>;
type HookSecret = Shown<typeof hookWithSecretSchema>;

/** The API lists at most 50: more a project cannot have. */
export function hooksOf(visit: Visit, projectId: number): Promise<readonly HookView[]> {
  return answered(api(visit, incomingHookEndpoints.list, { id: projectId }, { per_page: 100 }));
}

export function addHookPages(app: Hono<ConsoleEnv>): void {
  /** Answers with the page that shows the secret: it is nowhere else, so there is no page to redirect to. */
  app.post('/projects/:id/hooks', async (context) => {
    const { visit } = context.var;
    const project = await projectOf(visit, context.req.param('id'));
    const form = await readForm(context.req.raw);
    requireMaintainer(visit);
    const back = `/projects/${project.id}#webhooks`;
    if (!(await firstTime(visit, form)))
      return redirect(context, back, {
        kind: 'note',
        text: 'This form was sent twice; it was carried out once. Make a new secret if you have not seen it.',
      });
    const answer = await api(visit, incomingHookEndpoints.create, { id: project.id }, { provider: form.text('provider') });
    const { general } = faultsOf(answer, []);
    if (general.length > 0) return redirect(context, back, { kind: 'failed', text: general.join(' ') });
    return sendPage(context, <SecretPage visit={visit} project={project} hook={await answered(answer)} isNew />);
  });

  app.post('/projects/:id/hooks/:hook/rotate', async (context) => {
    const { visit, project, hook: hookId } = await found(context);
    const hook = await answered(api(visit, incomingHookEndpoints.renewSecret, { id: project.id, hook_id: hookId }));
    return sendPage(context, <SecretPage visit={visit} project={project} hook={hook} isNew={false} />);
  });

  app.get('/projects/:id/hooks/:hook/delete', async (context) => {
    const { visit, project, hook } = await found(context);
    const { id, provider } = await answered(api(visit, incomingHookEndpoints.show, { id: project.id, hook_id: hook }));
    const page = `/projects/${project.id}`;
    return sendPage(
      context,
      <ConfirmPage
        visit={visit}
        title={`Delete this ${providerInstructions[provider].label} webhook?`}
        crumbs={[
          { path: '/', label: 'Overview' },
          { path: page, label: project.path_with_namespace },
        ]}
        action={`${page}/hooks/${id}/delete`}
        label="Delete the webhook"
        back={page}
      >
        <p>Its address stops working at once. Pushes are then found by the schedule only. Remove it at the provider, too.</p>
      </ConfirmPage>,
    );
  });

  app.post('/projects/:id/hooks/:hook/delete', async (context) => {
    const { visit, project, hook } = await found(context);
    await succeeded(api(visit, incomingHookEndpoints.remove, { id: project.id, hook_id: hook }));
    return redirect(context, `/projects/${project.id}#webhooks`, { kind: 'done', text: 'The webhook is deleted.' });
  });
}

async function found(context: ConsoleContext): Promise<{ readonly visit: Visit; readonly project: ProjectView; readonly hook: number }> {
  const { visit } = context.var;
  const project = await projectOf(visit, context.req.param('id') ?? '');
  requireMaintainer(visit);
  const hook = parseId(context.req.param('hook') ?? '');
  if (hook === undefined) throw new Refusal(404);
  return { visit, project, hook };
}

interface Props {
  readonly visit: Visit;
  readonly projectId: number;
  readonly hooks: readonly HookView[];
  readonly hasPull: boolean;
}

export function Webhooks({ visit, projectId, hooks, hasPull }: Props) {
  const mayAct = hasRole(visit.token, 'maintainer');
  const now = visit.deps.clock.now();
  return (
    <section class="card" id="webhooks" aria-labelledby="webhooks-title">
      <h2 id="webhooks-title">Webhooks</h2>
      <p class="muted">
        A webhook tells gitferry that something was pushed, so that mirrors follow within seconds. Without one the schedule finds it later.
        It goes on the project’s own repository{hasPull ? ', and one on the upstream of the pull mirror' : ''}.
      </p>
      {hooks.length === 0 ? (
        <p>None yet.</p>
      ) : (
        <ul class="rows">
          {hooks.map((hook) => (
            <li>
              <div class="hook">
                <strong>{providerInstructions[hook.provider].label}</strong> <span class="muted">number {hook.id}</span>
                {hook.url !== undefined && (
                  <code class="hook-url">
                    <ForeignText text={hook.url} />
                  </code>
                )}
                <span>
                  Last delivery: <RelativeTime at={msOf(hook.last_delivery_at)} now={now} never="none seen yet" />
                </span>
                {hook.previous_secret_valid_until !== null && (
                  <span class="muted">
                    The old secret is valid until <RelativeTime at={msOf(hook.previous_secret_valid_until)} now={now} />
                  </span>
                )}
                {hook.silent_since !== null && (
                  <p class="field-fault">
                    Changes are found that this webhook did not announce, since <RelativeTime at={msOf(hook.silent_since)} now={now} />.
                    Look at the provider’s list of recent deliveries: an answer of 401 means that address or secret were pasted wrongly; no
                    delivery at all, that it is switched off there.
                  </p>
                )}
              </div>
              {mayAct && (
                <span class="actions">
                  <PostButton
                    action={`/projects/${projectId}/hooks/${hook.id}/rotate`}
                    label={
                      <>
                        New secret<span class="visually-hidden"> for webhook {hook.id}</span>
                      </>
                    }
                  />
                  <a class="button button-danger" href={`/projects/${projectId}/hooks/${hook.id}/delete`}>
                    Delete<span class="visually-hidden"> webhook {hook.id}</span>
                  </a>
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {mayAct && (
        <Form action={`/projects/${projectId}/hooks`} once class="row-form">
          <label for="provider">Provider</label>
          <div class="search-row">
            <select id="provider" name="provider">
              {providers.map((provider) => (
                <option value={provider}>{providerInstructions[provider].label}</option>
              ))}
            </select>
            <button type="submit" class="button button-quiet">
              Make a webhook
            </button>
          </div>
          <p class="field-hint">CodeCommit needs none: an EventBridge rule announces its pushes.</p>
        </Form>
      )}
    </section>
  );
}

function SecretPage({
  visit,
  project,
  hook,
  isNew,
}: {
  readonly visit: Visit;
  readonly project: ProjectView;
  readonly hook: HookSecret;
  readonly isNew: boolean;
}) {
  const { label, where, address, secret, events } = providerInstructions[hook.provider];
  const page = `/projects/${project.id}`;
  return (
    <Page
      title={isNew ? `Webhook for ${label}` : `New secret for ${label}`}
      visit={visit}
      section="overview"
      narrow
      crumbs={[
        { path: '/', label: 'Overview' },
        { path: page, label: project.path_with_namespace },
      ]}
    >
      <p class="message message-note">
        {isNew ? 'Address and secret are' : 'The secret is'} shown this once. Copy {isNew ? 'them' : 'it'} now; a new secret can be made at
        any time
        {isNew ? '.' : ', and the old one stays valid for a day.'}
      </p>
      <div class="card">
        <dl class="facts">
          <dt>Where</dt>
          <dd>{where}</dd>
          {isNew && hook.url !== undefined && (
            <>
              <dt>{address}</dt>
              <dd>
                <CopyableText id="hook-url" text={hook.url} what="the address" />
              </dd>
            </>
          )}
          <dt>{secret}</dt>
          <dd>
            <CopyableText id="hook-secret" text={hook.secret} what="the secret" />
          </dd>
          <dt>Events</dt>
          <dd>{events}</dd>
        </dl>
      </div>
      <p class="after">
        <a class="button button-primary" href={`${page}#webhooks`}>
          I have copied {isNew ? 'both' : 'it'}
        </a>
      </p>
    </Page>
  );
}

function msOf(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}
