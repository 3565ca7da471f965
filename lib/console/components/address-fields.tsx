/** Form fields for a repository's URL, the way to sign in there, and the host keys, with what a host offered shown for comparison. */

import type { Child } from 'hono/jsx';
import { methodOf, ownAuthMethods } from '../../credentials/registry.ts';
import type { AddressValues, CredentialOption, DetectedKey, SignInWay } from '../address-form.ts';
import type { Faults } from '../faults.ts';
import { hostNote } from '../host-notes.ts';
import { shownUrl } from '../shown-url.ts';
import { KeyTypeField, PasswordField } from './credential-fields.tsx';
import { CheckField, RadioField, type RadioOption, SelectField, TextField } from './form-field.tsx';
import { methodOption } from './method-fields.tsx';

interface Props {
  readonly values: AddressValues;
  readonly faults: Faults;
  readonly credentials: readonly CredentialOption[];
  /** What the API calls the URL: the field's name. */
  readonly urlName: string;
  readonly urlLabel: string;
  readonly urlHint: string;
  /** Editing: what is stored can stay. */
  readonly canKeep: boolean;
  /** Below the URL, instead of the notes on its host. */
  readonly afterUrl?: Child;
}

export function AddressFields({ values, faults, credentials, urlName, urlLabel, urlHint, canKeep, afterUrl }: Props) {
  const { notes, fingerprints } = hostNote(values.url);
  const fault = (name: string) => faults.fields[name];
  return (
    <>
      <TextField
        name={urlName}
        label={urlLabel}
        value={shownUrl(values.url)}
        required
        code
        fault={fault(urlName)}
        hint={notes.length > 0 && afterUrl === undefined ? `${urlHint} ${notes.join(' ')}` : urlHint}
      />
      {afterUrl}
      <RadioField
        name="auth"
        label="Signing in"
        value={values.way}
        fault={fault('auth_method') ?? fault('credential_id')}
        options={wayOptions(canKeep, credentials.length > 0)}
      />
      <div class="for-ways for-username">
        <TextField
          name="username"
          label="User name"
          value={values.username}
          code
          fault={fault('username')}
          hint="For tokens often oauth2 or the account’s name; Gogs wants the token itself here, and no password. In an ssh:// URL it can stand in front of the host instead."
        />
      </div>
      <div class="for-ways for-password">
        <PasswordField fault={fault('password')} hint="Kept in the secret store and never shown again." />
      </div>
      <div class="for-ways for-key-type">
        <KeyTypeField label="Type of a new key" value={values.keyType} fault={fault('key_type')} />
      </div>
      {credentials.length > 0 && (
        <div class="for-ways for-shared">
          <SelectField
            name="credential_id"
            label="Shared credential"
            value={values.credentialId}
            options={credentials.map(({ id, name, auth_method: way }) => ({
              value: String(id),
              label: `${name} (${methodOf(way).word})`,
            }))}
          />
        </div>
      )}
      <details class="more" data-open-for-ssh={`field-${urlName}`} open={/^ssh:/i.test(values.url) || values.hostKeys !== ''}>
        <summary>SSH host keys</summary>
        <TextField
          name="host_keys"
          label="Keys of the host"
          value={values.hostKeys}
          rows={4}
          code
          fault={fault('host_keys')}
          hint="Needed for ssh:// only. One per line, as in known_hosts or the bare key; or let gitferry ask the host and compare the fingerprints."
        />
        {values.detected !== undefined && <Detected keys={values.detected} link={fingerprints} />}
        <p>
          <button type="submit" class="button button-quiet" name="step" value="detect" formnovalidate>
            Detect host keys
          </button>
        </p>
      </details>
    </>
  );
}

function wayOptions(canKeep: boolean, hasShared: boolean): (RadioOption & { readonly value: SignInWay })[] {
  return [
    ...(canKeep ? [{ value: 'keep' as const, label: 'As it is now', hint: 'A password stays only while the URL stays on its host.' }] : []),
    { value: 'none', label: canKeep ? 'Without signing in' : 'Without, or as the URL says' },
    ...ownAuthMethods.map((method) => methodOption(method)),
    ...(hasShared ? [{ value: 'shared' as const, takes: 'shared', label: 'With a shared credential' }] : []),
  ];
}

function Detected({
  keys,
  link,
}: {
  readonly keys: readonly DetectedKey[];
  readonly link: { readonly label: string; readonly url: string } | undefined;
}) {
  return (
    <div class="message message-note" tabindex={-1} data-focus>
      <p>
        <strong>The host offers these keys. Compare them before you save:</strong> anybody between here and the host could have answered.{' '}
        {link === undefined ? 'Ask whoever runs the host for the fingerprints.' : <a href={link.url}>{link.label}</a>}
      </p>
      <ul class="fingerprints">
        {keys.map(({ type, bits, sha256, md5 }) => (
          <li>
            {type}, {bits} bits
            <br />
            <code>{sha256}</code>
            <br />
            <code>{md5}</code>
          </li>
        ))}
      </ul>
      <input type="hidden" name="host_keys_detected" value="true" />
      <CheckField name="host_keys_confirmed" label="I have compared the fingerprints" checked={false} />
    </div>
  );
}
