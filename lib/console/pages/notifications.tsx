/** Notification channels of the instance and of a project: whether they work, a test, what was sent, new ones. */

import type { Hono } from 'hono';
import type { z } from 'zod';
import type { deliverySchema, newChannelSchema } from '../../api/output/show-channel.ts';
import { parseId } from '../../model/parse-id.ts';
import { ConfirmPage } from '../components/confirm-page.tsx';
import { type Faults, faultsOf, noFaults } from '../faults.ts';
import { firstTime } from '../first-time.ts';
import { readForm } from '../read-form.ts';
import { Refusal } from '../refusal.ts';
import { answered, api, type ConsoleContext, type ConsoleEnv, redirect, requireInstanceOwner, requireMaintainer } from '../visit.ts';
import { ChannelForm, type ChannelValues, channelFields, channelInput, channelValues, newChannelValues } from './notification-form.tsx';
import {
  type ChannelsPlace,
  ChannelTable,
  type ChannelView,
  crumbsOf,
  Deliveries,
  NewSecret,
  NotificationFrame,
} from './notification-views.tsx';
import { sendPage } from './problem.tsx';
import { projectOf } from './project-values.ts';

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

function addPages(app: Hono<ConsoleEnv>, route: string, placeOf: (context: ConsoleContext) => Promise<ChannelsPlace>): void {
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

async function sendChannels(context: ConsoleContext, place: ChannelsPlace, values: ChannelValues, faults: Faults): Promise<Response> {
  const { visit } = context.var;
  const channels = await answered<readonly ChannelView[]>(api(visit, 'GET', place.api, { per_page: 100 }));
  return sendPage(
    context,
    <NotificationFrame visit={visit} place={place} title="Notifications">
      <section aria-label="Channels">
        <ChannelTable visit={visit} place={place} channels={channels} />
      </section>
      <ChannelForm action={place.path} values={values} faults={faults} />
    </NotificationFrame>,
    faults === noFaults ? 200 : 400,
  );
}
