/** Settings of the instance: silent mode, intervals and limits; tokens and credentials have pages of their own. */
import type { Hono } from 'hono';
import type { Shown } from '../../api/http/answer.ts';
import { settingsEndpoints, type settingsSchema } from '../../api/routes/settings.ts';
import { Form as PostForm } from '../components/form.tsx';
import { FormCard } from '../components/form-card.tsx';
import { CheckField, TextField } from '../components/form-field.tsx';
import { Icon } from '../components/icon.tsx';
import { SettingsPage } from '../components/settings-page.tsx';
import { type Faults, faultsOf, noFaults } from '../faults.ts';
import { readForm } from '../read-form.ts';
import { answered, api, type ConsoleContext, type ConsoleEnv, redirect, requireInstanceOwner, succeeded, type Visit } from '../visit.ts';
import { addAuditPages } from './audit.tsx';
import { addCredentialPages } from './credentials.tsx';
import { addNotificationPages } from './notifications.tsx';
import { sendPage } from './problem.tsx';
import { addTokenPages } from './tokens.tsx';

/** In seconds, counts and percent, by the API's names and within its bounds. */
const numbers = [
  {
    name: 'push_min_interval',
    label: 'Seconds between two runs of a push mirror',
    max: 3600,
    hint: 'The first event starts a run at once; later ones are merged until this time is up.',
  },
  {
    name: 'pull_interval',
    label: 'Seconds between two looks at an upstream',
    min: 60,
    max: 2_592_000,
    hint: 'Pull mirrors without webhooks learn of changes after this long. It doubles while a mirror fails.',
  },
  {
    name: 'pull_min_interval',
    label: 'Seconds before “Update now” of a pull mirror',
    max: 86_400,
    hint: 'Counted from the end of its last update.',
  },
  {
    name: 'reconcile_interval',
    label: 'Seconds between two comparisons of a push mirror',
    min: 60,
    max: 2_592_000,
    hint: 'Webhooks get lost: both sides are compared this often anyway.',
  },
  {
    name: 'max_runs_per_host',
    label: 'Runs at once against one host',
    min: 1,
    max: 1000,
    hint: 'More than a host likes, and it answers with 429.',
  },
  {
    name: 'max_deletions_percent',
    label: 'Percent of refs that one run may delete',
    max: 100,
    hint: 'Ten or more deletions beyond this are held back until somebody confirms them.',
  },
] as const;

type SettingsView = Shown<typeof settingsSchema>;

export function addSettings(app: Hono<ConsoleEnv>): void {
  app.get('/settings', async (context) => {
    const { visit } = context.var;
    const settings = await answered(api(visit, settingsEndpoints.show, {}));
    return sendSettings(context, settings, settings, noFaults);
  });

  app.post('/settings/silent-mode', async (context) => {
    const { visit } = context.var;
    const form = await readForm(context.req.raw);
    const isOn = form.isOn('silent_mode_enabled');
    await succeeded(api(visit, settingsEndpoints.change, {}, { silent_mode_enabled: isOn }));
    const text = isOn
      ? 'Silent mode is on: runs under way end, and nothing new starts.'
      : 'Silent mode is off: what was remembered starts now.';
    return redirect(context, '/settings', { kind: 'done', text });
  });

  app.post('/settings/limits', async (context) => {
    const { visit } = context.var;
    requireInstanceOwner(visit);
    const form = await readForm(context.req.raw);
    const given = Object.fromEntries(numbers.map(({ name }) => [name, form.text(name)]));
    const answer = await api(visit, settingsEndpoints.change, {}, given);
    const faults = faultsOf(
      answer,
      numbers.map(({ name }) => name),
    );
    if (faults === noFaults) return redirect(context, '/settings', { kind: 'done', text: 'The limits are saved.' });
    const settings = await answered(api(visit, settingsEndpoints.show, {}));
    return sendSettings(context, settings, given, faults);
  });

  addTokenPages(app);
  addCredentialPages(app);
  addNotificationPages(app);
  addAuditPages(app);
}

type Values = Readonly<Partial<Record<string, unknown>>>;

function sendSettings(context: ConsoleContext, settings: SettingsView, values: Values, faults: Faults): Response | Promise<Response> {
  const page = <Settings visit={context.var.visit} isSilent={settings.silent_mode_enabled} values={values} faults={faults} />;
  return sendPage(context, page, faults === noFaults ? 200 : 400);
}

interface Props {
  readonly visit: Visit;
  readonly isSilent: boolean;
  readonly values: Values;
  readonly faults: Faults;
}

function Settings({ visit, isSilent, values, faults }: Props) {
  return (
    <SettingsPage title="Settings" visit={visit} tab="general">
      <section class="card" aria-labelledby="silent-heading">
        <h2 id="silent-heading">
          <Icon name="silent" /> Silent mode
        </h2>
        <p>
          While it is on, nothing is pushed or pulled and no host is contacted. Webhooks are still taken, and every request for an update is{' '}
          <strong>remembered, one per mirror</strong>: however many events come, one run follows when silent mode is switched off, and it
          brings the mirror up to date. Runs that are under way when it is switched on are ended cleanly and remembered as well.
        </p>
        <PostForm action="/settings/silent-mode">
          <CheckField name="silent_mode_enabled" label="Silent mode" checked={isSilent} />
          <div class="buttons">
            <button type="submit" class="button button-primary">
              Save<span class="visually-hidden"> silent mode</span>
            </button>
            <span class="muted">It is {isSilent ? 'on' : 'off'} now.</span>
          </div>
        </PostForm>
      </section>
      <FormCard
        id="limits"
        title="Intervals and limits"
        faults={faults}
        action="/settings/limits"
        class="form form-wide"
        submit={
          <>
            Save<span class="visually-hidden"> the limits</span>
          </>
        }
      >
        {numbers.map(({ name, label, hint, max, ...rest }) => (
          <TextField
            name={name}
            label={label}
            type="number"
            value={String(values[name] ?? '')}
            min={'min' in rest ? rest.min : 0}
            max={max}
            fault={faults.fields[name]}
            hint={hint}
          />
        ))}
      </FormCard>
    </SettingsPage>
  );
}
