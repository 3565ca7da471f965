/** What the pages of notification channels show: the list, what was sent, a new channel's secret. */

import type { Child } from 'hono/jsx';
import type { Shown } from '../../api/http/answer.ts';
import type { channelSchema, deliverySchema } from '../../api/output/show-channel.ts';
import type { ChannelCalls } from '../channel-calls.ts';
import { CopyableText } from '../components/copyable-text.tsx';
import { DataTable } from '../components/data-table.tsx';
import { ForeignText } from '../components/foreign-text.tsx';
import { PostButton } from '../components/form.tsx';
import { type Crumb, Page } from '../components/page.tsx';
import { RelativeTime } from '../components/relative-time.tsx';
import { SettingsPage } from '../components/settings-page.tsx';
import type { Visit } from '../visit.ts';

export type ChannelView = Shown<typeof channelSchema>;

/** Where the channels of one page belong. */
export interface ChannelsPlace {
  /** Of the console. */
  readonly path: string;
  readonly calls: ChannelCalls;
  readonly project?: { readonly id: number; readonly path_with_namespace: string };
}

export function crumbsOf({ project }: ChannelsPlace): readonly Crumb[] {
  if (project === undefined) return [{ path: '/settings', label: 'Settings' }];
  return [
    { path: '/', label: 'Overview' },
    { path: `/projects/${project.id}`, label: project.path_with_namespace },
  ];
}

interface FrameProps {
  readonly visit: Visit;
  readonly place: ChannelsPlace;
  readonly title: string;
  readonly crumbs?: readonly Crumb[];
  readonly children: Child;
}

export function NotificationFrame({ visit, place, title, crumbs = [], children }: FrameProps) {
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

export function ChannelTable({
  visit,
  place,
  channels,
}: {
  readonly visit: Visit;
  readonly place: ChannelsPlace;
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
  readonly place: ChannelsPlace;
  readonly channel: ChannelView;
  readonly deliveries: readonly Shown<typeof deliverySchema>[];
}

export function Deliveries({ visit, place, channel, deliveries }: DeliveriesProps) {
  const now = visit.deps.clock.now();
  return (
    <NotificationFrame
      visit={visit}
      place={place}
      title={`Channel ${channel.name}`}
      crumbs={[{ path: place.path, label: 'Notifications' }]}
    >
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
    </NotificationFrame>
  );
}

export function NewSecret({
  visit,
  place,
  name,
  secret,
}: {
  readonly visit: Visit;
  readonly place: ChannelsPlace;
  readonly name: string;
  readonly secret: string;
}) {
  return (
    <NotificationFrame visit={visit} place={place} title="New channel" crumbs={[{ path: place.path, label: 'Notifications' }]}>
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
    </NotificationFrame>
  );
}
