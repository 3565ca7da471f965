/** Access tokens: who may sign in and call the API. A new one is shown once. */
import type { Hono } from 'hono';
import type { Shown } from '../../api/http/answer.ts';
import { tokenEndpoints, type tokenSchema } from '../../api/routes/tokens.ts';
import { roles } from '../../model/access-token.ts';
import { parseId } from '../../model/parse-id.ts';
import { ConfirmPage } from '../components/confirm-page.tsx';
import { CopyableText } from '../components/copyable-text.tsx';
import { DataTable } from '../components/data-table.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { FormCard } from '../components/form-card.tsx';
import { RadioField, TextField } from '../components/form-field.tsx';
import { Pagination } from '../components/pagination.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { SettingsPage } from '../components/settings-page.tsx';
import { type Faults, faultsOf, noFaults } from '../faults.ts';
import { firstTime } from '../first-time.ts';
import { type Form, readForm } from '../read-form.ts';
import { type ListPage, readList } from '../read-list.ts';
import { Refusal } from '../refusal.ts';
import { answered, api, type ConsoleContext, type ConsoleEnv, redirect, requireInstanceOwner, succeeded, type Visit } from '../visit.ts';
import { sendPage } from './problem.tsx';

type TokenView = Shown<typeof tokenSchema>;

interface Values {
  readonly name: string;
  readonly role: string;
  readonly projects: string;
  readonly expiresAt: string;
}

const list = '/settings/tokens';
const fields = ['name', 'role', 'projects', 'expires_at'] as const;
const empty: Values = { name: '', role: 'reporter', projects: '', expiresAt: '' };

export function addTokenPages(app: Hono<ConsoleEnv>): void {
  app.get(list, (context) => sendTokens(context, empty, noFaults));

  app.post(list, async (context) => {
    const { visit } = context.var;
    requireInstanceOwner(visit);
    const form = await readForm(context.req.raw);
    if (!(await firstTime(visit, form))) {
      const text = 'This form was sent twice; it was carried out once. If you did not see the new token, delete it and make another.';
      return redirect(context, list, { kind: 'note', text });
    }
    const answer = await api(visit, tokenEndpoints.create, {}, inputOf(form));
    const faults = faultsOf(answer, fields);
    if (faults !== noFaults) return sendTokens(context, valuesOf(form), faults);
    const made = await answered(answer);
    return sendPage(context, <NewToken visit={visit} name={made.name} token={made.token} />, 201);
  });

  app.get(`${list}/:token/delete`, async (context) => {
    const { visit } = context.var;
    const token = await answered(api(visit, tokenEndpoints.show, idOf(context)));
    return sendPage(context, <DeleteToken visit={visit} token={token} />);
  });

  app.post(`${list}/:token/delete`, async (context) => {
    const { visit } = context.var;
    const parameters = idOf(context);
    const { name, id } = await answered(api(visit, tokenEndpoints.show, parameters));
    const answer = await api(visit, tokenEndpoints.remove, parameters);
    if (answer.status === 409) return redirect(context, list, { kind: 'failed', text: faultsOf(answer, []).general.join(' ') });
    await succeeded(answer);
    // Its sessions find no token from now on; these are their records.
    await visit.deps.records.sessions.deleteOfToken(id);
    return redirect(context, list, { kind: 'done', text: `The token ${name} is deleted; whoever used it is signed out.` });
  });
}

/** Throws a Refusal: 403 for all but owners of the instance, then 404 for what is no id. */
function idOf(context: ConsoleContext) {
  requireInstanceOwner(context.var.visit);
  const id = parseId(context.req.param('token') ?? '');
  if (id === undefined) throw new Refusal(404);
  return { token_id: id };
}

function valuesOf(form: Form): Values {
  return { name: form.text('name'), role: form.text('role'), projects: form.text('projects'), expiresAt: form.text('expires_at') };
}

function inputOf(form: Form): Record<string, unknown> {
  const { name, role, projects, expiresAt } = valuesOf(form);
  const ids = projects.split(/[\s,]+/).filter((id) => id !== '');
  return {
    ...{ name, role },
    ...(ids.length === 0 ? {} : { projects: ids }),
    ...(expiresAt === '' ? {} : { expires_at: expiresAt }),
  };
}

async function sendTokens(context: ConsoleContext, values: Values, faults: Faults): Promise<Response> {
  const { visit } = context.var;
  const tokens = await readList(visit, tokenEndpoints.list, context.req.query('page'));
  return sendPage(context, <Tokens visit={visit} tokens={tokens} values={values} faults={faults} />, faults === noFaults ? 200 : 400);
}

interface TokensProps {
  readonly visit: Visit;
  readonly tokens: ListPage<TokenView>;
  readonly values: Values;
  readonly faults: Faults;
}

function Tokens({ visit, tokens, values, faults }: TokensProps) {
  const now = visit.deps.clock.now();
  return (
    <SettingsPage title="Access tokens" visit={visit} tab="tokens">
      <section aria-label="Tokens">
        <DataTable
          caption="Access tokens"
          columns={['Name', 'Role', 'Projects', 'Created', 'Expires', '']}
          rows={tokens.items.map((token) => ({
            id: `token-${token.id}`,
            cells: [
              <>
                <span class="project">
                  <ForeignText text={token.name} />
                </span>
                {token.id === visit.token.id && <span class="muted"> (you)</span>}
              </>,
              token.role,
              token.projects === null ? 'all' : token.projects.join(', '),
              <RelativeTime at={Date.parse(token.created_at)} now={now} />,
              token.active ? (
                <RelativeTime at={token.expires_at === null ? null : Date.parse(token.expires_at)} now={now} />
              ) : (
                <span class="pill pill-failing">expired</span>
              ),
              <a href={`${list}/${token.id}/delete`}>
                Delete
                <span class="visually-hidden">
                  {' '}
                  <ForeignText text={token.name} />
                </span>
              </a>,
            ],
          }))}
        />
        <Pagination {...tokens} label="tokens" linkTo={(page) => `${list}?page=${page}`} />
      </section>
      <FormCard id="new" title="New token" faults={faults} action={list} once submit="Make the token">
        <TextField
          name="name"
          label="Name"
          value={values.name}
          required
          fault={faults.fields['name']}
          hint="Who or what uses it. Runs that it asks for carry this name."
        />
        <RadioField
          name="role"
          label="Role"
          value={values.role}
          fault={faults.fields['role']}
          options={[
            { value: roles[0], label: 'Reporter', hint: 'Sees health and history, but no URLs.' },
            { value: roles[1], label: 'Maintainer', hint: 'Manages mirrors, webhooks and protected branches.' },
            { value: roles[2], label: 'Owner', hint: 'Manages projects too and, if not limited to some, settings and tokens.' },
          ]}
        />
        <TextField
          name="projects"
          label="Only these projects"
          value={values.projects}
          fault={faults.fields['projects']}
          hint="Their numbers, separated by commas. Empty: all projects."
        />
        <TextField
          name="expires_at"
          label="Expires on"
          type="date"
          value={values.expiresAt}
          fault={faults.fields['expires_at']}
          hint="At the first moment of that day, UTC. Empty: never."
        />
      </FormCard>
    </SettingsPage>
  );
}

function NewToken({ visit, name, token }: { readonly visit: Visit; readonly name: string; readonly token: string }) {
  return (
    <SettingsPage title="New token" visit={visit} tab="tokens" crumbs={[{ path: list, label: 'Access tokens' }]}>
      <section class="card" role="status">
        <p>
          This is the token{' '}
          <strong>
            <ForeignText text={name} />
          </strong>
          . Copy it now: it is kept only as a hash and <strong>cannot be shown again</strong>.
        </p>
        <CopyableText id="new-token" text={token} what="the token" />
        <p class="after">
          <a class="button button-primary" href={list}>
            I have copied it
          </a>
        </p>
      </section>
    </SettingsPage>
  );
}

function DeleteToken({ visit, token }: { readonly visit: Visit; readonly token: TokenView }) {
  return (
    <ConfirmPage
      visit={visit}
      section="settings"
      title={`Delete the token ${token.name}?`}
      crumbs={[
        { path: '/settings', label: 'Settings' },
        { path: list, label: 'Access tokens' },
      ]}
      action={`${list}/${token.id}/delete`}
      label="Delete the token"
      back={list}
    >
      <p>
        Scripts that use it are refused at once, and everybody who signed in with it is signed out
        {token.id === visit.token.id ? ', you included' : ''}.
      </p>
    </ConfirmPage>
  );
}
