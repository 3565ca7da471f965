/** The form of a new notification channel, and what of it goes to the API. */
import { channelKinds } from '../../model/channel.ts';
import { noticeTypeNames, noticeTypes, severities } from '../../model/notice.ts';
import { FormCard } from '../components/form-card.tsx';
import { CheckField, SelectField, TextField } from '../components/form-field.tsx';
import type { Faults } from '../faults.ts';
import type { Form } from '../read-form.ts';

export const channelFields = [
  ...['name', 'kind', 'url', 'smtp_host', 'smtp_port', 'smtp_tls', 'smtp_username', 'smtp_password', 'mail_from', 'mail_to'],
  ...['events', 'least_severity', 'show_addresses', 'digest_minutes', 'quiet_from', 'quiet_to', 'quiet_time_zone'],
] as const;

const kindLabels: Readonly<Record<(typeof channelKinds)[number], string>> = {
  webhook: 'Webhook, signed (Standard Webhooks)',
  slack: 'Slack',
  teams: 'Microsoft Teams',
  mattermost: 'Mattermost',
  discord: 'Discord',
  email: 'E-mail',
};
const tlsLabels = { starttls: 'STARTTLS', tls: 'TLS from the first byte', none: 'none (no password)' } as const;

/** What was typed, for the form to be shown again; secrets are typed again. */
export type ChannelValues = Readonly<Record<string, string>>;
export const newChannelValues: ChannelValues = {
  kind: 'webhook',
  smtp_tls: 'starttls',
  least_severity: 'info',
  show_addresses: 'true',
  digest_minutes: '0',
};

export function channelValues(form: Form): ChannelValues {
  const typed = channelFields.filter((name) => name !== 'url' && name !== 'smtp_password' && name !== 'events');
  return { ...Object.fromEntries(typed.map((name) => [name, form.text(name)])), events: form.all('events').join(' ') };
}

/** Only what belongs to the kind: the fields of others may have been filled in before. */
export function channelInput(form: Form): Readonly<Record<string, unknown>> {
  const isMail = form.text('kind') === 'email';
  const mail = ['smtp_host', 'smtp_port', 'smtp_tls', 'smtp_username', 'mail_from'].filter((name) => form.text(name) !== '');
  const address = isMail
    ? {
        ...Object.fromEntries(mail.map((name) => [name, form.text(name)])),
        ...(form.exact('smtp_password') === '' ? {} : { smtp_password: form.exact('smtp_password') }),
        mail_to: form
          .text('mail_to')
          .split(/[\s,;]+/)
          .filter((one) => one !== ''),
      }
    : { url: form.text('url') };
  return {
    ...{ name: form.text('name'), kind: form.text('kind') },
    ...address,
    events: form.all('events'),
    least_severity: form.text('least_severity') || 'info',
    show_addresses: form.isOn('show_addresses'),
    digest_minutes: form.text('digest_minutes') || '0',
    ...{ quiet_from: form.text('quiet_from'), quiet_to: form.text('quiet_to'), quiet_time_zone: form.text('quiet_time_zone') },
  };
}

interface Props {
  readonly action: string;
  readonly values: ChannelValues;
  readonly faults: Faults;
}

export function ChannelForm({ action, values, faults }: Props) {
  const field = (name: string) => ({ name, value: values[name] ?? '', fault: faults.fields[name] });
  const chosen = new Set((values['events'] ?? '').split(' '));
  return (
    <FormCard id="new" title="New channel" faults={faults} action={action} once submit="Make the channel">
      <TextField {...field('name')} label="Name" required />
      <SelectField {...field('kind')} label="Kind" options={channelKinds.map((value) => ({ value, label: kindLabels[value] }))} />
      <TextField
        {...field('url')}
        label="URL"
        code
        autocomplete="off"
        hint="Of the receiver, or the chat's incoming webhook. Kept as a secret, and not shown again. Not for e-mail."
      />
      <fieldset>
        <legend>For e-mail</legend>
        <TextField {...field('smtp_host')} label="Mail server" code />
        <TextField {...field('smtp_port')} label="Port" type="number" min={1} max={65_535} hint="Empty: 587, or 465 with TLS." />
        <SelectField
          {...field('smtp_tls')}
          label="Encryption"
          options={Object.entries(tlsLabels).map(([value, label]) => ({ value, label }))}
        />
        <TextField {...field('smtp_username')} label="Username" autocomplete="off" />
        <TextField {...field('smtp_password')} label="Password" type="password" autocomplete="off" />
        <TextField {...field('mail_from')} label="From" />
        <TextField {...field('mail_to')} label="To" hint="Addresses, separated by commas." />
      </fieldset>
      <fieldset>
        <legend>Events</legend>
        <p class="muted">None chosen: the usual ones, marked with a star.</p>
        {noticeTypeNames.map((type) => (
          <CheckField name="events" value={type} label={`${type}${noticeTypes[type].isUsual ? ' *' : ''}`} checked={chosen.has(type)} />
        ))}
      </fieldset>
      <SelectField
        {...field('least_severity')}
        label="Least severity of the usual ones"
        options={severities.map((value) => ({ value, label: value }))}
      />
      <CheckField
        name="show_addresses"
        label="Name hosts and URLs"
        checked={values['show_addresses'] === 'true'}
        hint="Off where people read it who may not see them."
      />
      <TextField
        {...field('digest_minutes')}
        label="Collect for so many minutes"
        type="number"
        min={0}
        max={1440}
        hint="0: each event at once."
      />
      <TextField
        {...field('quiet_from')}
        label="Quiet from"
        placeholder="22:00"
        hint="What happens meanwhile comes as one message at the end."
      />
      <TextField {...field('quiet_to')} label="Quiet until" placeholder="07:00" />
      <TextField {...field('quiet_time_zone')} label="Time zone" placeholder="Europe/Berlin" hint="Empty: UTC." />
    </FormCard>
  );
}
