/** Lambda: the tick, every minute, and CodeCommit's events, both from EventBridge. */
import type { Context, EventBridgeEvent } from 'aws-lambda';
import { wireSchedule } from './service-wiring.ts';

const { tick, receiveCodeCommit } = wireSchedule();

/** What is read of an EventBridge event; `region` and `detail` are CodeCommit's. */
export type ScheduleEvent = Pick<EventBridgeEvent<string, unknown>, 'detail-type' | 'time'> & Partial<EventBridgeEvent<string, unknown>>;

export async function handler(event: ScheduleEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<unknown> {
  if (event['detail-type'] === 'CodeCommit Repository State Change') return receiveCodeCommit(event);
  return tick(Date.parse(event.time), context.getRemainingTimeInMillis());
}
