/** Shared credentials: made, given another value, transferred, deleted. Their values are never shown. */

import type { Hono } from 'hono';
import { credentialEndpoints } from '../../api/routes/credentials.ts';
import { publicKeyEndpoints } from '../../api/routes/public-keys.ts';
import { type AuthMethod, authMethods, methodOf, passwordMethod } from '../../credentials/registry.ts';
import { parseId } from '../../model/parse-id.ts';
import { credentialOptions } from '../address-form.ts';
import { ConfirmPage } from '../components/confirm-page.tsx';
import { AllowedUrlsField, KeyTypeField, PasswordField } from '../components/credential-fields.tsx';
import { DataTable } from '../components/data-table.tsx';
import { EmptyState } from '../components/empty-state.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { FormCard } from '../components/form-card.tsx';
import { RadioField, TextField } from '../components/form-field.tsx';
import { MethodFields, type MethodValues, methodOption, methodValues, PrivateKeyField } from '../components/method-fields.tsx';
import { Pagination } from '../components/pagination.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { SettingsPage } from '../components/settings-page.tsx';
import { type Faults, faultsOf, noFaults } from '../faults.ts';
import { firstTime } from '../first-time.ts';
import { type Form, readForm } from '../read-form.ts';
import { type ListPage, readList } from '../read-list.ts';
import { Refusal } from '../refusal.ts';
import { answered, api, type ConsoleContext, type ConsoleEnv, redirect, requireInstanceOwner, succeeded, type Visit } from '../visit.ts';
import { type CredentialView, EditCredential, type TypedCredential } from './edit-credential.tsx';
import { sendPage } from './problem.tsx';

interface Values {
  readonly name: string;
  readonly way: string;
  readonly username: string;
  readonly keyType: string;
  /** One per line. */
  readonly allowedUrls: string;
  /** Of the chosen method's own fields. */
  readonly own: MethodValues;
}

const list = '/settings/credentials';
const fields = [
  ...['name', 'auth_method', 'username', 'password', 'private_key', 'key_type', 'allowed_urls'],
  ...authMethods.flatMap((method) => methodOf(method).fields.map(({ name }) => name)),
];
const empty: Values = { name: '', way: passwordMethod, username: '', keyType: 'ed25519', allowedUrls: '', own: {} };

export function addCredentialPages(app: Hono<ConsoleEnv>): void {
  app.get(list, (context) => sendCredentials(context, empty, noFaults));

  app.post(list, async (context) => {
    const { visit } = context.var;
    requireInstanceOwner(visit);
    const form = await readForm(context.req.raw);
    if (!(await firstTime(visit, form)))
      return redirect(context, list, { kind: 'note', text: 'This form was sent twice; it was carried out once.' });
    const answer = await api(visit, credentialEndpoints.create, {}, inputOf(form));
    const faults = faultsOf(answer, fields);
    if (faults !== noFaults) return sendCredentials(context, valuesOf(form), faults);
    const { id, name } = await answered(answer);
    return redirect(context, `${list}/${id}`, { kind: 'done', text: `The credential ${name} is saved.` });
  });

  app.get(`${list}/:credential`, (context) => sendCredential(context, {}));

  app.post(`${list}/:credential`, async (context) => {
    const { visit } = context.var;
    requireInstanceOwner(visit);
    const form = await readForm(context.req.raw);
    const [password, privateKey] = [form.exact('password'), form.exact('private_key')];
    const { auth_method: method } = await answered(api(visit, credentialEndpoints.show, idOf(context)));
    const own = methodValues(form, method);
    const [name, username, allowedUrls] = [form.text('name'), form.text('username'), form.text('allowed_urls')];
    const input = {
      ...{ name, allowed_urls: linesOf(allowedUrls), ...own },
      ...(username === '' ? {} : { username }),
      ...(password === '' ? {} : { password }),
      ...(privateKey === '' ? {} : { private_key: privateKey }),
    };
    const answer = await api(visit, credentialEndpoints.change, idOf(context), input);
    const faults = faultsOf(answer, fields);
    if (faults !== noFaults && answer.status !== 404)
      return sendCredential(context, { typed: { name, username, allowedUrls, own }, faults });
    const saved = await answered(answer);
    const isRotated = username !== '' || password !== '' || privateKey !== '';
    const text = isRotated
      ? `${saved.name} is saved. Mirrors that failed run at once; the others use it from their next run on.`
      : `${saved.name} is saved.`;
    return redirect(context, list, { kind: 'done', text });
  });

  app.post(`${list}/:credential/public-key`, async (context) => {
    const { visit } = context.var;
    await succeeded(api(visit, publicKeyEndpoints.renewOfCredential, idOf(context)));
    const text = 'There is a new key pair. Give its public key to the hosts: the old one is gone.';
    return redirect(context, `${list}/${context.req.param('credential')}`, { kind: 'done', text });
  });

  app.post(`${list}/:credential/transfer`, async (context) => {
    const { visit } = context.var;
    requireInstanceOwner(visit);
    const form = await readForm(context.req.raw);
    const [to, host] = [form.text('to'), form.text('host')];
    const answer = await api(visit, credentialEndpoints.transfer, idOf(context), { to, ...(host === '' ? {} : { host }) });
    const faults = faultsOf(answer, ['to', 'host']);
    if (faults !== noFaults && answer.status !== 404) return sendCredential(context, { typed: { to, host }, transferFaults: faults });
    const { mirrors, projects } = await answered(answer);
    return redirect(context, list, { kind: 'done', text: `Transferred: ${mirrors} mirrors, ${projects} projects. They run now.` });
  });

  app.get(`${list}/:credential/delete`, async (context) => {
    const credential = await answered(api(context.var.visit, credentialEndpoints.show, idOf(context)));
    return sendPage(context, <DeleteCredential visit={context.var.visit} credential={credential} />);
  });

  app.post(`${list}/:credential/delete`, async (context) => {
    const answer = await api(context.var.visit, credentialEndpoints.remove, idOf(context));
    if (answer.status === 409) {
      const text = `${faultsOf(answer, []).general.join(' ')} Transfer them to another credential first.`;
      return redirect(context, `${list}/${context.req.param('credential')}`, { kind: 'failed', text });
    }
    await succeeded(answer);
    return redirect(context, list, { kind: 'done', text: 'The credential is deleted.' });
  });
}

/** Throws a Refusal: 403 for all but owners of the instance, then 404 for what is no id. */
function idOf(context: ConsoleContext) {
  requireInstanceOwner(context.var.visit);
  const id = parseId(context.req.param('credential') ?? '');
  if (id === undefined) throw new Refusal(404);
  return { credential_id: id };
}

function valuesOf(form: Form): Values {
  return {
    ...{ name: form.text('name'), way: form.text('auth'), username: form.text('username') },
    ...{ keyType: form.text('key_type'), allowedUrls: form.text('allowed_urls'), own: methodValues(form, methodNamed(form.text('auth'))) },
  };
}

function methodNamed(name: string): AuthMethod {
  return authMethods.find((known) => known === name) ?? passwordMethod;
}

function inputOf(form: Form): Record<string, unknown> {
  const { name, way, username, keyType, allowedUrls, own } = valuesOf(form);
  const method = methodNamed(way);
  const { takesPassword, makesKeyPair, takesPrivateKey } = methodOf(method);
  return {
    ...{ name, allowed_urls: linesOf(allowedUrls), auth_method: method, ...own },
    ...(username === '' || !(takesPassword || makesKeyPair) ? {} : { username }),
    ...(takesPassword ? { password: form.exact('password') } : {}),
    ...(makesKeyPair ? { key_type: keyType === 'rsa' ? 'rsa' : 'ed25519' } : {}),
    ...(takesPrivateKey ? { private_key: form.exact('private_key') } : {}),
  };
}

function linesOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((line) => line !== '');
}

async function sendCredentials(context: ConsoleContext, values: Values, faults: Faults): Promise<Response> {
  const { visit } = context.var;
  const credentials = await readList(visit, credentialEndpoints.list, context.req.query('page'));
  const page = <Credentials visit={visit} credentials={credentials} values={values} faults={faults} />;
  return sendPage(context, page, faults === noFaults ? 200 : 400);
}

interface RefusedForm {
  readonly typed?: TypedCredential;
  readonly faults?: Faults;
  readonly transferFaults?: Faults;
}

async function sendCredential(
  context: ConsoleContext,
  { typed = {}, faults = noFaults, transferFaults = noFaults }: RefusedForm,
): Promise<Response> {
  const { visit } = context.var;
  const credential = await answered(api(visit, credentialEndpoints.show, idOf(context)));
  const others = (await credentialOptions(visit)).filter(
    ({ id, auth_method: way }) => id !== credential.id && methodOf(way).makesKeyPair === methodOf(credential.auth_method).makesKeyPair,
  );
  const page = (
    <EditCredential visit={visit} credential={credential} others={others} typed={typed} faults={faults} transferFaults={transferFaults} />
  );
  return sendPage(context, page, faults === noFaults && transferFaults === noFaults ? 200 : 400);
}

interface CredentialsProps {
  readonly visit: Visit;
  readonly credentials: ListPage<CredentialView>;
  readonly values: Values;
  readonly faults: Faults;
}

function Credentials({ visit, credentials, values, faults }: CredentialsProps) {
  const now = visit.deps.clock.now();
  return (
    <SettingsPage title="Shared credentials" visit={visit} tab="credentials">
      <section aria-label="Credentials">
        {credentials.items.length === 0 ? (
          <EmptyState title="No shared credentials yet">
            <p>One credential for many mirrors: change it here once when it expires or somebody leaves, and all of them use the new one.</p>
          </EmptyState>
        ) : (
          <DataTable
            caption="Shared credentials"
            columns={['Name', 'Kind', 'Created', 'Value set', '']}
            rows={credentials.items.map((credential) => ({
              id: `credential-${credential.id}`,
              cells: [
                <a class="project" href={`${list}/${credential.id}`}>
                  <ForeignText text={credential.name} />
                </a>,
                methodOf(credential.auth_method).word,
                <RelativeTime at={Date.parse(credential.created_at)} now={now} />,
                <RelativeTime at={Date.parse(credential.updated_at)} now={now} />,
                <a href={`${list}/${credential.id}/delete`}>
                  Delete
                  <span class="visually-hidden">
                    {' '}
                    <ForeignText text={credential.name} />
                  </span>
                </a>,
              ],
            }))}
          />
        )}
        <Pagination {...credentials} label="credentials" linkTo={(page) => `${list}?page=${page}`} />
      </section>
      <FormCard id="new" title="New credential" faults={faults} action={list} once submit="Save">
        <TextField
          name="name"
          label="Name"
          value={values.name}
          required
          fault={faults.fields['name']}
          hint="For example the service account it belongs to."
        />
        <AllowedUrlsField value={values.allowedUrls} fault={faults.fields['allowed_urls']} />
        <RadioField
          name="auth"
          label="Kind"
          value={values.way}
          fault={faults.fields['auth_method']}
          options={authMethods.map((method) => ({
            ...methodOption(method),
            ...(methodOf(method).fields.length === 0
              ? {}
              : { detail: <MethodFields method={method} values={values.own} faults={values.way === method ? faults : noFaults} /> }),
          }))}
        />
        <div class="for-ways for-username">
          <TextField name="username" label="User name" value={values.username} code fault={faults.fields['username']} />
        </div>
        <div class="for-ways for-password">
          <PasswordField fault={faults.fields['password']} />
        </div>
        <div class="for-ways for-key-type">
          <KeyTypeField label="Type of the key" value={values.keyType} fault={faults.fields['key_type']} />
        </div>
        <div class="for-ways for-private-key">
          <PrivateKeyField
            hint="In PEM, as the host gives it out. Kept in the secret store and never shown."
            fault={faults.fields['private_key']}
          />
        </div>
      </FormCard>
    </SettingsPage>
  );
}

function DeleteCredential({ visit, credential }: { readonly visit: Visit; readonly credential: CredentialView }) {
  return (
    <ConfirmPage
      visit={visit}
      section="settings"
      title={`Delete the credential ${credential.name}?`}
      crumbs={[
        { path: '/settings', label: 'Settings' },
        { path: list, label: 'Shared credentials' },
      ]}
      action={`${list}/${credential.id}/delete`}
      label="Delete the credential"
      back={`${list}/${credential.id}`}
    >
      <p>Its value is deleted for good. A credential that a mirror or project still uses cannot be deleted.</p>
    </ConfirmPage>
  );
}
