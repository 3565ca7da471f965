/** One shared credential: its name, a new value, its public key, and the transfer of everything that uses it. */

import type { Shown } from '../../api/http/answer.ts';
import type { credentialSchema } from '../../api/routes/credentials.ts';
import { methodOf } from '../../credentials/registry.ts';
import type { CredentialOption } from '../address-form.ts';
import { CopyableText } from '../components/copyable-text.tsx';
import { AllowedUrlsField, PasswordField } from '../components/credential-fields.tsx';
import { PostButton, Form as PostForm } from '../components/form.tsx';
import { FormCard } from '../components/form-card.tsx';
import { FormFaults } from '../components/form-faults.tsx';
import { SelectField, TextField } from '../components/form-field.tsx';
import { MethodFields, type MethodValues, PrivateKeyField } from '../components/method-fields.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { SettingsPage } from '../components/settings-page.tsx';
import type { Faults } from '../faults.ts';
import type { Visit } from '../visit.ts';

export type CredentialView = Shown<typeof credentialSchema>;

interface Props {
  readonly visit: Visit;
  readonly credential: CredentialView;
  /** That could take its place. */
  readonly others: readonly CredentialOption[];
  /** What was sent with a form that was refused. */
  readonly typed: TypedCredential;
  readonly faults: Faults;
  readonly transferFaults: Faults;
}

export interface TypedCredential {
  readonly name?: string;
  readonly username?: string;
  readonly allowedUrls?: string;
  readonly own?: MethodValues;
  readonly to?: string;
  readonly host?: string;
}

/** Of the method's own fields, as the API shows them. */
function ownValues(credential: CredentialView): MethodValues {
  const shown = new Map<string, unknown>(Object.entries(credential));
  return Object.fromEntries(methodOf(credential.auth_method).fields.map(({ name }) => [name, String(shown.get(name) ?? '')]));
}

export function EditCredential({ visit, credential, others, typed, faults, transferFaults }: Props) {
  const path = `/settings/credentials/${credential.id}`;
  const { takesPassword, makesKeyPair, takesPrivateKey, word } = methodOf(credential.auth_method);
  return (
    <SettingsPage
      title={credential.name}
      visit={visit}
      tab="credentials"
      crumbs={[{ path: '/settings/credentials', label: 'Shared credentials' }]}
    >
      {credential.public_key !== null && (
        <section class="card" aria-labelledby="key-heading">
          <h2 id="key-heading">Public key</h2>
          <p>Give it to the hosts, with write access where gitferry pushes.</p>
          <CopyableText id="public-key" text={credential.public_key} what="the public key" />
          <p class="after">
            <PostButton action={`${path}/public-key`} label="Make a new key pair" kind="danger" />{' '}
            <span class="muted">The old one is gone at once.</span>
          </p>
        </section>
      )}
      <FormCard id="value" title={makesKeyPair ? 'Name' : 'Name and value'} faults={faults} action={path} submit="Save">
        <TextField name="name" label="Name" value={typed.name ?? credential.name} required fault={faults.fields['name']} />
        <AllowedUrlsField value={typed.allowedUrls ?? credential.allowed_urls.join('\n')} fault={faults.fields['allowed_urls']} />
        <p class="muted">
          Signs in by {word}.
          {credential.expires_at !== null && (
            <>
              {' '}
              It ends <RelativeTime at={Date.parse(credential.expires_at)} now={visit.deps.clock.now()} />, as its host says.
            </>
          )}
        </p>
        <MethodFields method={credential.auth_method} values={typed.own ?? ownValues(credential)} faults={faults} />
        {(takesPassword || makesKeyPair) && (
          <TextField
            name="username"
            label="New user name"
            value={typed.username ?? ''}
            code
            fault={faults.fields['username']}
            hint="Empty: it stays."
          />
        )}
        {takesPrivateKey && (
          <PrivateKeyField hint="Empty: it stays. In PEM, as the host gives it out." fault={faults.fields['private_key']} />
        )}
        {takesPassword && (
          <PasswordField
            label="New password or token"
            fault={faults.fields['password']}
            hint="Empty: it stays. Mirrors that fail now run at once with the new one."
          />
        )}
      </FormCard>
      <section class="card" aria-labelledby="transfer-heading">
        <h2 id="transfer-heading">Transfer</h2>
        <p>
          Points everything that uses this credential, and where the other one is allowed, at that one, for example when a person leaves and
          a service account takes over.
        </p>
        <FormFaults faults={transferFaults} />
        {others.length === 0 ? (
          <p class="muted">There is no other credential that could take its place. Make one first.</p>
        ) : (
          <PostForm action={`${path}/transfer`}>
            <SelectField
              name="to"
              label="To"
              value={typed.to ?? ''}
              fault={transferFaults.fields['to']}
              options={others.map(({ id, name }) => ({ value: String(id), label: name }))}
            />
            <TextField
              name="host"
              label="Only on this host"
              value={/[/@:\s]/.test(typed.host ?? '') ? '' : (typed.host ?? '')}
              code
              fault={transferFaults.fields['host']}
              hint="Its name alone, such as git.example.org. Empty: everywhere."
            />
            <div class="buttons">
              <button type="submit" class="button button-primary">
                Transfer
              </button>
            </div>
          </PostForm>
        )}
      </section>
      <p class="danger-link">
        <a href={`${path}/delete`}>Delete this credential</a>
      </p>
    </SettingsPage>
  );
}
