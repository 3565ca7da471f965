/** Lambda: the tick, every minute, CodeCommit's events, and the alarm that says webhooks were turned away, all from EventBridge. */
import type { Context, EventBridgeEvent } from 'aws-lambda';
import { shardsOf } from '../lib/jobs/tick/tick.ts';
import { wireSchedule } from './service-wiring.ts';
import { createService } from './shared-service.ts';
import { serviceSettings } from './wiring.ts';

const { tick, receiveCodeCommit, noteMissedEvents } = wireSchedule(createService(serviceSettings({ queue: true, publicUrl: false })));

/** What is read of an EventBridge event; `region` and `detail` are CodeCommit's, `shards` is what infra/schedule.cjs adds to a part of a tick. */
export type ScheduleEvent = Pick<EventBridgeEvent<string, unknown>, 'detail-type' | 'time'> &
  Partial<EventBridgeEvent<string, unknown>> & { readonly shards?: unknown };

export async function handler(event: ScheduleEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<unknown> {
  if (event['detail-type'] === 'CodeCommit Repository State Change') return receiveCodeCommit(event);
  if (event['detail-type'] === 'CloudWatch Alarm State Change') return noteMissedEvents();
  return tick({ time: Date.parse(event.time), remainingMs: context.getRemainingTimeInMillis(), shards: shardsOf(event.shards) });
}
