/** Notification channels of the instance and of a project: whether they work, a test, what was sent, new ones. */

import type { Hono } from 'hono';
import { parseId } from '../../model/parse-id.ts';
import { channelsOfInstance, channelsOfProject } from '../channel-calls.ts';
import { ConfirmPage } from '../components/confirm-page.tsx';
import { type Faults, faultsOf, noFaults } from '../faults.ts';
import { firstTime } from '../first-time.ts';
import { readForm } from '../read-form.ts';
import { Refusal } from '../refusal.ts';
import { answered, type ConsoleContext, type ConsoleEnv, redirect, requireInstanceOwner, requireMaintainer, succeeded } from '../visit.ts';
import { ChannelForm, type ChannelValues, channelFields, channelInput, channelValues, newChannelValues } from './notification-form.tsx';
import { type ChannelsPlace, ChannelTable, crumbsOf, Deliveries, NewSecret, NotificationFrame } from './notification-views.tsx';
import { sendPage } from './problem.tsx';
import { projectOf } from './project-values.ts';

export function addNotificationPages(app: Hono<ConsoleEnv>): void {
  addPages(app, '/settings/notifications', async ({ var: { visit } }) => {
    requireInstanceOwner(visit);
    return { path: '/settings/notifications', calls: channelsOfInstance(visit) };
  });
  addPages(app, '/projects/:id/notifications', async (context) => {
    const { visit } = context.var;
    requireMaintainer(visit);
    const project = await projectOf(visit, context.req.param('id') ?? '');
    return { path: `/projects/${project.id}/notifications`, calls: channelsOfProject(visit, project.id), project };
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
    const answer = await place.calls.create(channelInput(form));
    const faults = faultsOf(answer, channelFields);
    if (faults !== noFaults) return sendChannels(context, place, channelValues(form), faults);
    const made = await answered(answer);
    if (made.signing_secret === undefined)
      return redirect(context, place.path, {
        kind: 'done',
        text: `The channel ${made.name} is made. Send a test to see whether it works.`,
      });
    return sendPage(context, <NewSecret visit={visit} place={place} name={made.name} secret={made.signing_secret} />, 201);
  });

  app.post(`${route}/:channel/test`, async (context) => {
    const place = await placeOf(context);
    const { ok, answer } = await answered(place.calls.test(channelId(context)));
    const text = ok ? `The test was taken: ${answer}` : `The test was not taken: ${answer}`;
    return redirect(context, place.path, { kind: ok ? 'done' : 'failed', text });
  });

  app.post(`${route}/:channel/switch`, async (context) => {
    const place = await placeOf(context);
    const enabled = (await readForm(context.req.raw)).text('enabled') === 'true';
    const { name } = await answered(place.calls.change(channelId(context), { enabled }));
    return redirect(context, place.path, { kind: 'done', text: `The channel ${name} is ${enabled ? 'on' : 'off'}.` });
  });

  app.get(`${route}/:channel`, async (context) => {
    const { visit } = context.var;
    const place = await placeOf(context);
    const id = channelId(context);
    const [channel, deliveries] = await Promise.all([
      answered(place.calls.show(id)),
      answered(place.calls.deliveries(id, { per_page: 50 })),
    ]);
    return sendPage(context, <Deliveries visit={visit} place={place} channel={channel} deliveries={deliveries} />);
  });

  app.get(`${route}/:channel/delete`, async (context) => {
    const { visit } = context.var;
    const place = await placeOf(context);
    const channel = await answered(place.calls.show(channelId(context)));
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
    const place = await placeOf(context);
    await succeeded(place.calls.remove(channelId(context)));
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
  const channels = await answered(place.calls.list({ per_page: 100 }));
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
