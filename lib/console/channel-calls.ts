/** The API's calls about notification channels: of the instance, or of one project. */
import type { Parameters } from '../api/http/read-parameters.ts';
import { notificationChannelEndpoints as channels } from '../api/routes/notification-channels.ts';
import { api, type Visit } from './visit.ts';

export type ChannelCalls = ReturnType<typeof channelsOfInstance>;

export function channelsOfInstance(visit: Visit) {
  return {
    list: (input: Parameters) => api(visit, channels.list, {}, input),
    create: (input: Parameters) => api(visit, channels.create, {}, input),
    show: (channelId: number) => api(visit, channels.show, { channel_id: channelId }),
    change: (channelId: number, input: Parameters) => api(visit, channels.change, { channel_id: channelId }, input),
    remove: (channelId: number) => api(visit, channels.remove, { channel_id: channelId }),
    test: (channelId: number) => api(visit, channels.test, { channel_id: channelId }),
    deliveries: (channelId: number, input: Parameters) => api(visit, channels.deliveries, { channel_id: channelId }, input),
  };
}

export function channelsOfProject(visit: Visit, id: number): ChannelCalls {
  return {
    list: (input) => api(visit, channels.listOfProject, { id }, input),
    create: (input) => api(visit, channels.createOfProject, { id }, input),
    show: (channelId) => api(visit, channels.showOfProject, { id, channel_id: channelId }),
    change: (channelId, input) => api(visit, channels.changeOfProject, { id, channel_id: channelId }, input),
    remove: (channelId) => api(visit, channels.removeOfProject, { id, channel_id: channelId }),
    test: (channelId) => api(visit, channels.testOfProject, { id, channel_id: channelId }),
    deliveries: (channelId, input) => api(visit, channels.deliveriesOfProject, { id, channel_id: channelId }, input),
  };
}
