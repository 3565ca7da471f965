/** Notification channels of the instance and of a project: whether they work, a test, what was sent, new ones. */

import type { z } from '@hono/zod-openapi';
import type { Hono } from 'hono';
import type { Child } from 'hono/jsx';
import type { channelSchema, deliverySchema, newChannelSchema } from '../../api/output/show-channel.ts';
import { parseId } from '../../model/parse-id.ts';
import { ConfirmPage } from '../components/confirm-page.tsx';
import { CopyableText } from '../components/copyable-text.tsx';
import { DataTable } from '../components/data-table.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { PostButton } from '../components/form.tsx';
import { type Crumb, Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { SettingsPage } from '../components/settings-page.tsx';
import { type Faults, faultsOf, noFaults } from '../faults.ts';
import { firstTime } from '../first-time.ts';
import { readForm } from '../read-form.ts';
import { Refusal } from '../refusal.ts';
import {
  answered,
  api,
  type ConsoleContext,
  type ConsoleEnv,
  redirect,
  requireInstanceOwner,
  requireMaintainer,
  type Visit,
} from '../visit.ts';
import { ChannelForm, type ChannelValues, channelFields, channelInput, channelValues, newChannelValues } from './notification-form.tsx';
import { sendPage } from './problem.tsx';
import { projectOf } from './project-values.ts';

type ChannelView = z.output<typeof channelSchema>;

/** Where the channels of one page belong. */
interface Place {
  /** Of the console; the API's is below it. */
  readonly path: string;
  readonly api: string;
  readonly project?: { readonly id: number; readonly path_with_namespace: string };
}

export function addNotificationPages(app: Hono<ConsoleEnv>): void {
  addPages(app, '/settings/notifications', async ({ var: { visit } }) => {
    requireInstanceOwner(visit);
    return { path: '/settings/notifications', api: '/notification_channels' };
  });
  addPages(app, '/projects/:id/notifications', async (context) => {
    const { visit } = context.var;
    requireMaintainer(visit);
    const project = await projectOf(visit, context.req.param('id') ?? '');
    return { path: `/projects/${project.id}/notifications`, api: `/projects/${project.id}/notification_channels`, project };
  });
}

function addPages(app: Hono<ConsoleEnv>, route: string, placeOf: (context: ConsoleContext) => Promise<Place>): void {
  app.get(route, async (context) => sendChannels(context, await placeOf(context), newChannelValues, noFaults));

  app.post(route, async (context) => {
    const { visit } = context.var;
    const place = await placeOf(context);
    const form = await readForm(context.req.raw);
    if (!(await firstTime(visit, form)))
      return redirect(context, place.path, { kind: 'note', text: 'This form was sent twice; it was carried out once.' });
    const answer = await api(visit, 'POST', place.api, channelInput(form));
    const faults = faultsOf(answer, channelFields);
    if (faults !== noFaults) return sendChannels(context, place, channelValues(form), faults);
    const made = await answered<z.output<typeof newChannelSchema>>(answer);
    if (made.signing_secret === undefined)
      return redirect(context, place.path, {
        kind: 'done',
        text: `The channel ${made.name} is made. Send a test to see whether it works.`,
      });
    return sendPage(context, <NewSecret visit={visit} place={place} name={made.name} secret={made.signing_secret} />, 201);
  });

  app.post(`${route}/:channel/test`, async (context) => {
    const { visit } = context.var;
    const place = await placeOf(context);
    const { ok, answer } = await answered<{ readonly ok: boolean; readonly answer: string }>(
      api(visit, 'POST', `${place.api}/${channelId(context)}/send_test`),
    );
    const text = ok ? `The test was taken: ${answer}` : `The test was not taken: ${answer}`;
    return redirect(context, place.path, { kind: ok ? 'done' : 'failed', text });
  });

  app.post(`${route}/:channel/switch`, async (context) => {
    const { visit } = context.var;
    const place = await placeOf(context);
    const enabled = (await readForm(context.req.raw)).text('enabled') === 'true';
    const { name } = await answered<ChannelView>(api(visit, 'PUT', `${place.api}/${channelId(context)}`, { enabled }));
    return redirect(context, place.path, { kind: 'done', text: `The channel ${name} is ${enabled ? 'on' : 'off'}.` });
  });

  app.get(`${route}/:channel`, async (context) => {
    const { visit } = context.var;
    const place = await placeOf(context);
    const path = `${place.api}/${channelId(context)}`;
    const [channel, deliveries] = await Promise.all([
      answered<ChannelView>(api(visit, 'GET', path)),
      answered<readonly z.output<typeof deliverySchema>[]>(api(visit, 'GET', `${path}/sent_notifications`, { per_page: 50 })),
    ]);
    return sendPage(context, <Deliveries visit={visit} place={place} channel={channel} deliveries={deliveries} />);
  });

  app.get(`${route}/:channel/delete`, async (context) => {
    const { visit } = context.var;
    const place = await placeOf(context);
    const channel = await answered<ChannelView>(api(visit, 'GET', `${place.api}/${channelId(context)}`));
    return sendPage(
      context,
      <ConfirmPage
        visit={visit}
        section={place.project === undefined ? 'settings' : 'overview'}
        title={`Delete the channel ${channel.name}?`}
        crumbs={[...crumbsOf(place), { path: place.path, label: 'Notifications' }]}
        action={`${place.path}/${channel.id}/delete`}
        label="Delete the channel"
        back={place.path}
      >
        <p>Nobody is told over it any more. Its address, its secret and the list of what was sent go, too.</p>
      </ConfirmPage>,
    );
  });

  app.post(`${route}/:channel/delete`, async (context) => {
    const { visit } = context.var;
    const place = await placeOf(context);
    await answered(api(visit, 'DELETE', `${place.api}/${channelId(context)}`));
    return redirect(context, place.path, { kind: 'done', text: 'The channel is deleted.' });
  });
}

/** Throws a Refusal with 404 for what is no id. */
function channelId(context: ConsoleContext): number {
  const id = parseId(context.req.param('channel') ?? '');
  if (id === undefined) throw new Refusal(404);
  return id;
}

function crumbsOf({ project }: Place): readonly Crumb[] {
  if (project === undefined) return [{ path: '/settings', label: 'Settings' }];
  return [
    { path: '/', label: 'Overview' },
    { path: `/projects/${project.id}`, label: project.path_with_namespace },
  ];
}

async function sendChannels(context: ConsoleContext, place: Place, values: ChannelValues, faults: Faults): Promise<Response> {
  const { visit } = context.var;
  const channels = await answered<readonly ChannelView[]>(api(visit, 'GET', place.api, { per_page: 100 }));
  return sendPage(
    context,
    <Frame visit={visit} place={place} title="Notifications">
      <section aria-label="Channels">
        <ChannelTable visit={visit} place={place} channels={channels} />
      </section>
      <ChannelForm action={place.path} values={values} faults={faults} />
    </Frame>,
    faults === noFaults ? 200 : 400,
  );
}

interface FrameProps {
  readonly visit: Visit;
  readonly place: Place;
  readonly title: string;
  readonly crumbs?: readonly Crumb[];
  readonly children: Child;
}

function Frame({ visit, place, title, crumbs = [], children }: FrameProps) {
  if (place.project === undefined)
    return (
      <SettingsPage title={title} visit={visit} tab="notifications" crumbs={crumbs}>
        {children}
      </SettingsPage>
    );
  return (
    <Page title={title} visit={visit} section="overview" crumbs={[...crumbsOf(place), ...crumbs]}>
      <div class="stack">{children}</div>
    </Page>
  );
}

function ChannelTable({
  visit,
  place,
  channels,
}: {
  readonly visit: Visit;
  readonly place: Place;
  readonly channels: readonly ChannelView[];
}) {
  const now = visit.deps.clock.now();
  return (
    <DataTable
      caption="Notification channels"
      columns={['Name', 'Kind', 'To', 'Works', 'Last answer', '']}
      rows={channels.map((channel) => ({
        id: `channel-${channel.id}`,
        cells: [
          <>
            <a href={`${place.path}/${channel.id}`}>
              <ForeignText text={channel.name} />
            </a>
            {place.project === undefined && channel.project_id !== null && <span class="muted"> (project {channel.project_id})</span>}
          </>,
          channel.kind,
          <ForeignText text={channel.target} />,
          <ChannelHealth channel={channel} now={now} />,
          <ForeignText text={channel.last_answer ?? ''} />,
          <>
            <PostButton action={`${place.path}/${channel.id}/test`} label={<>Send a test</>} />{' '}
            <PostButton action={`${place.path}/${channel.id}/switch`} label={channel.enabled ? 'Switch off' : 'Switch on'}>
              <input type="hidden" name="enabled" value={String(!channel.enabled)} />
            </PostButton>{' '}
            <a href={`${place.path}/${channel.id}/delete`}>
              Delete
              <span class="visually-hidden">
                {' '}
                <ForeignText text={channel.name} />
              </span>
            </a>
          </>,
        ],
      }))}
    />
  );
}

function ChannelHealth({ channel, now }: { readonly channel: ChannelView; readonly now: number }) {
  if (!channel.enabled) return <span class="pill pill-paused">off</span>;
  if (channel.last_delivery_at === null) return <span class="muted">nothing sent yet</span>;
  if (channel.failing_since !== null)
    return (
      <>
        <span class="pill pill-failing">failing</span> since <RelativeTime at={Date.parse(channel.failing_since)} now={now} />
      </>
    );
  return <RelativeTime at={Date.parse(channel.last_delivery_at)} now={now} />;
}

interface DeliveriesProps {
  readonly visit: Visit;
  readonly place: Place;
  readonly channel: ChannelView;
  readonly deliveries: readonly z.output<typeof deliverySchema>[];
}

function Deliveries({ visit, place, channel, deliveries }: DeliveriesProps) {
  const now = visit.deps.clock.now();
  return (
    <Frame visit={visit} place={place} title={`Channel ${channel.name}`} crumbs={[{ path: place.path, label: 'Notifications' }]}>
      <section aria-label="Deliveries">
        <DataTable
          caption="What was sent"
          columns={['When', 'State', 'Attempts', 'Next attempt', 'Last answer', 'Events']}
          rows={deliveries.map((delivery, index) => ({
            id: `delivery-${index}`,
            cells: [
              <RelativeTime at={Date.parse(delivery.created_at)} now={now} />,
              delivery.state,
              String(delivery.attempts),
              <RelativeTime at={delivery.next_attempt_at === null ? null : Date.parse(delivery.next_attempt_at)} now={now} />,
              <ForeignText text={delivery.last_answer ?? ''} />,
              <ForeignText text={delivery.events.map((id) => id.split('-')[0] ?? id).join(', ')} />,
            ],
          }))}
        />
      </section>
    </Frame>
  );
}

function NewSecret({
  visit,
  place,
  name,
  secret,
}: {
  readonly visit: Visit;
  readonly place: Place;
  readonly name: string;
  readonly secret: string;
}) {
  return (
    <Frame visit={visit} place={place} title="New channel" crumbs={[{ path: place.path, label: 'Notifications' }]}>
      <section class="card" role="status">
        <p>
          This is the signing secret of{' '}
          <strong>
            <ForeignText text={name} />
          </strong>
          . Give it to the receiver now: it <strong>cannot be shown again</strong>.
        </p>
        <CopyableText id="new-secret" text={secret} what="the signing secret" />
        <p class="after">
          <a class="button button-primary" href={place.path}>
            I have copied it
          </a>
        </p>
      </section>
    </Frame>
  );
}
