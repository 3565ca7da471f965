/** Channels and deliveries as the API shows them: never their addresses or secrets. */
import { z } from 'zod';
import { type Channel, channelKinds, deliveryStates, type NoticeDelivery } from '../../model/channel.ts';
import { noticeTypeNames, severities } from '../../model/notice.ts';
import { isoTime, isoTimeOrNull, type Shown } from '../http/answer.ts';

export const channelSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    kind: z.enum(channelKinds),
    project_id: z.int().nullable(),
    enabled: z.boolean(),
    events: z.array(z.enum(noticeTypeNames)).nullable(),
    least_severity: z.enum(severities),
    show_addresses: z.boolean(),
    digest_minutes: z.int(),
    quiet_from: z.string().nullable(),
    quiet_to: z.string().nullable(),
    quiet_time_zone: z.string().nullable(),
    target: z.string().meta({ description: 'The host, or the recipients' }),
    created_at: z.iso.datetime(),
    last_delivery_at: z.iso.datetime().nullable(),
    last_delivery_ok: z.boolean().nullable(),
    last_answer: z.string().nullable(),
    failing_since: z.iso.datetime().nullable(),
  })
  .meta({ id: 'NotificationChannel' });
export const newChannelSchema = channelSchema
  .extend({ signing_secret: z.string().optional().meta({ description: "A webhook's; shown this once" }) })
  .meta({ id: 'NewNotificationChannel' });

export const deliverySchema = z
  .object({
    id: z.string(),
    state: z.enum(deliveryStates),
    created_at: z.iso.datetime(),
    next_attempt_at: z.iso.datetime().nullable(),
    attempts: z.int(),
    last_attempt_at: z.iso.datetime().nullable(),
    last_answer: z.string().nullable(),
    events: z.array(z.string()).meta({ description: 'Ids of its events' }),
  })
  .meta({ id: 'NotificationDelivery' });

export function showChannel(channel: Channel): Shown<typeof channelSchema> {
  return {
    id: channel.id,
    name: channel.name,
    kind: channel.kind,
    project_id: channel.projectId,
    enabled: channel.enabled,
    events: channel.events,
    least_severity: channel.leastSeverity,
    show_addresses: channel.showAddresses,
    digest_minutes: channel.digestMinutes,
    quiet_from: channel.quietHours?.from ?? null,
    quiet_to: channel.quietHours?.to ?? null,
    quiet_time_zone: channel.quietHours?.timeZone ?? null,
    target: channel.target,
    created_at: isoTime(channel.createdAt),
    last_delivery_at: isoTimeOrNull(channel.lastAt),
    last_delivery_ok: channel.lastOk,
    last_answer: channel.lastAnswer,
    failing_since: isoTimeOrNull(channel.failingSince),
  };
}

export function showDelivery(delivery: NoticeDelivery): Shown<typeof deliverySchema> {
  return {
    id: delivery.id,
    state: delivery.state,
    created_at: isoTime(delivery.createdAt),
    next_attempt_at: isoTimeOrNull(delivery.dueAt),
    attempts: delivery.attempts,
    last_attempt_at: isoTimeOrNull(delivery.lastAt),
    last_answer: delivery.lastAnswer,
    events: delivery.notices,
  };
}
