/** /notification_channels and /projects/{id}/notification_channels: where people and machines are told. */
import { z } from 'zod';
import type { Channel } from '../../model/channel.ts';
import type { ApiDeps } from '../api-deps.ts';
import { created, noContent, ok, type Shown } from '../http/answer.ts';
import { notFound } from '../http/api-error.ts';
import { type Call, instanceEndpoint, projectEndpoint } from '../http/endpoint.ts';
import { pageAnswer, pageInput, pageOfArray, pageRequest } from '../http/pagination.ts';
import { channelChanges, newChannelInput } from '../input/channel-input.ts';
import { channelSchema, deliverySchema, newChannelSchema, showChannel, showDelivery } from '../output/show-channel.ts';
import { createChannel, deleteChannel, type SavedChannel, updateChannel } from '../use-cases/save-channel.ts';

const testSchema = z.object({ ok: z.boolean(), answer: z.string() }).meta({ id: 'NotificationTest' });
const none = z.object({});

/** Owners of the instance see all channels, those of projects too; maintainers those of their project. */
const list = {
  method: 'GET',
  summary: 'Notification channels, and whether they work',
  input: pageInput,
  answers: { 200: z.array(channelSchema) },
} as const;
const create = {
  method: 'POST',
  summary: 'Make a notification channel; the secret of a webhook is shown once',
  input: newChannelInput,
  answers: { 201: newChannelSchema },
} as const;
const show = { method: 'GET', summary: 'A notification channel', input: none, answers: { 200: channelSchema } } as const;
const change = {
  method: 'PUT',
  summary: 'Change a notification channel; what is left out stays',
  input: channelChanges,
  answers: { 200: newChannelSchema },
} as const;
const remove = { method: 'DELETE', summary: 'Delete a notification channel', input: none, answers: { 204: null } } as const;
const test = {
  method: 'POST',
  summary: 'Send a message that says it is a test, and tell what the other side answers',
  input: none,
  answers: { 200: testSchema },
} as const;
const deliveries = {
  method: 'GET',
  summary: 'What was sent to a notification channel, newest first',
  input: pageInput,
  answers: { 200: z.array(deliverySchema) },
} as const;

const [instance, project] = ['/notification_channels', '/projects/{id}/notification_channels'] as const;
const [ofInstance, ofProject] = [`${instance}/{channel_id}`, `${project}/{channel_id}`] as const;
const [owner, maintainer] = [{ role: 'owner' }, { role: 'maintainer' }] as const;

export const notificationChannelEndpoints = {
  list: instanceEndpoint({ ...list, ...owner, path: instance }, async (call) => listed(call, await call.deps.records.channels.all())),
  create: instanceEndpoint({ ...create, ...owner, path: instance }, async ({ input, deps }) =>
    created(saved(await createChannel(input, null, deps))),
  ),
  show: instanceEndpoint({ ...show, ...owner, path: ofInstance }, async (call) => ok(showChannel(await channelOf(call)))),
  change: instanceEndpoint({ ...change, ...owner, path: ofInstance }, async (call) =>
    ok(saved(await updateChannel(await channelOf(call), call.input, call.deps))),
  ),
  remove: instanceEndpoint({ ...remove, ...owner, path: ofInstance }, async (call) => removed(call)),
  test: instanceEndpoint({ ...test, ...owner, path: `${ofInstance}/send_test` }, async (call) => tested(await channelOf(call), call.deps)),
  deliveries: instanceEndpoint({ ...deliveries, ...owner, path: `${ofInstance}/sent_notifications` }, async (call) =>
    sent(call, await channelOf(call)),
  ),

  listOfProject: projectEndpoint({ ...list, ...maintainer, path: project }, async (call) =>
    listed(
      call,
      (await call.deps.records.channels.all()).filter(({ projectId }) => projectId === call.project.id),
    ),
  ),
  createOfProject: projectEndpoint({ ...create, ...maintainer, path: project }, async ({ input, deps, project: { id } }) =>
    created(saved(await createChannel(input, id, deps))),
  ),
  showOfProject: projectEndpoint({ ...show, ...maintainer, path: ofProject }, async (call) =>
    ok(showChannel(await channelOf(call, call.project.id))),
  ),
  changeOfProject: projectEndpoint({ ...change, ...maintainer, path: ofProject }, async (call) =>
    ok(saved(await updateChannel(await channelOf(call, call.project.id), call.input, call.deps))),
  ),
  removeOfProject: projectEndpoint({ ...remove, ...maintainer, path: ofProject }, async (call) => removed(call, call.project.id)),
  testOfProject: projectEndpoint({ ...test, ...maintainer, path: `${ofProject}/send_test` }, async (call) =>
    tested(await channelOf(call, call.project.id), call.deps),
  ),
  deliveriesOfProject: projectEndpoint({ ...deliveries, ...maintainer, path: `${ofProject}/sent_notifications` }, async (call) =>
    sent(call, await channelOf(call, call.project.id)),
  ),
};

type ChannelCall = Pick<Call<unknown>, 'deps' | 'pathId'>;
type ChannelPageCall = Call<z.output<typeof pageInput>>;

/** Refuses with 404, also what belongs to another project. */
async function channelOf({ deps, pathId }: ChannelCall, projectId?: number): Promise<Channel> {
  const channel = await deps.records.channels.get(pathId('channel_id'));
  if (channel === undefined || (projectId !== undefined && channel.projectId !== projectId)) throw notFound();
  return channel;
}

function saved({ channel, signingSecret }: SavedChannel): Shown<typeof newChannelSchema> {
  return { ...showChannel(channel), ...(signingSecret === undefined ? {} : { signing_secret: signingSecret }) };
}

function listed(call: ChannelPageCall, all: readonly Channel[]) {
  const request = pageRequest(call.input);
  const page = pageOfArray(all, request);
  return pageAnswer(call, request, page, page.items.map(showChannel));
}

async function removed(call: ChannelCall & Pick<Call<unknown>, 'deps'>, projectId?: number) {
  await deleteChannel(await channelOf(call, projectId), call.deps);
  return noContent;
}

async function tested(channel: Channel, { testChannel }: ApiDeps) {
  const { ok: isOk, words } = await testChannel(channel);
  return ok({ ok: isOk, answer: words });
}

async function sent(call: ChannelPageCall, { id }: Channel) {
  const request = pageRequest(call.input);
  const page = await call.deps.records.deliveries.list(id, request);
  return pageAnswer(call, request, page, page.items.map(showDelivery));
}
