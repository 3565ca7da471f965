/** Lambda: the tick, every minute, and CodeCommit's events, both from EventBridge. */
import type { Context, EventBridgeEvent } from 'aws-lambda';
import { wireSchedule } from './wiring.ts';

const { tick, receiveCodeCommit } = wireSchedule();

export async function handler(event: EventBridgeEvent<string, unknown>, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<unknown> {
  if (event['detail-type'] === 'CodeCommit Repository State Change') return receiveCodeCommit(event);
  return tick(Date.parse(event.time), context.getRemainingTimeInMillis());
}
