/** One shared credential: its name, a new value, its public key, and the transfer of everything that uses it. */
import type { CredentialOption } from '../address-form.ts';
import { CopyableText } from '../components/copyable-text.tsx';
import { PostButton, Form as PostForm } from '../components/form.tsx';
import { FormFaults } from '../components/form-faults.tsx';
import { SelectField, TextField } from '../components/form-field.tsx';
import { SettingsPage } from '../components/settings-page.tsx';
import type { Faults } from '../faults.ts';
import type { Visit } from '../visit.ts';

/** As the API shows it. */
export interface CredentialView extends CredentialOption {
  readonly public_key: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

interface Props {
  readonly visit: Visit;
  readonly credential: CredentialView;
  /** Of the same kind. */
  readonly others: readonly CredentialOption[];
  readonly faults: Faults;
  readonly transferFaults: Faults;
}

export function EditCredential({ visit, credential, others, faults, transferFaults }: Props) {
  const path = `/settings/credentials/${credential.id}`;
  const isKey = credential.public_key !== null;
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
      <section class="card" aria-labelledby="value-heading">
        <h2 id="value-heading">{isKey ? 'Name' : 'Name and value'}</h2>
        <FormFaults faults={faults} />
        <PostForm action={path}>
          <TextField name="name" label="Name" value={credential.name} required fault={faults.fields['name']} />
          <TextField name="username" label="New user name" code fault={faults.fields['username']} hint="Empty: it stays." />
          {!isKey && (
            <TextField
              name="password"
              label="New password or token"
              type="password"
              autocomplete="new-password"
              code
              fault={faults.fields['password']}
              hint="Empty: it stays. Mirrors that fail now run at once with the new one."
            />
          )}
          <div class="buttons">
            <button type="submit" class="button button-primary">
              Save
            </button>
          </div>
        </PostForm>
      </section>
      <section class="card" aria-labelledby="transfer-heading">
        <h2 id="transfer-heading">Transfer</h2>
        <p>
          Points everything that uses this credential at another one, for example when a person leaves and a service account takes over.
        </p>
        <FormFaults faults={transferFaults} />
        {others.length === 0 ? (
          <p class="muted">There is no other credential of this kind. Make one first.</p>
        ) : (
          <PostForm action={`${path}/transfer`}>
            <SelectField
              name="to"
              label="To"
              value=""
              fault={transferFaults.fields['to']}
              options={others.map(({ id, name }) => ({ value: String(id), label: name }))}
            />
            <TextField
              name="host"
              label="Only on this host"
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
