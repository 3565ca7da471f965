/** When a channel is told: at once, at the end of a digest's time, or when its quiet hours end. Pure. */
import type { Channel, QuietHours } from '../model/channel.ts';

const minuteMs = 60_000;
const dayMinutes = 24 * 60;

export interface DeliveryTime {
  readonly dueAt: number;
  /** What happens until then goes into the same message. */
  readonly isCollected: boolean;
}

/** `at` = when the notice was made. */
export function deliveryTime({ digestMinutes, quietHours }: Pick<Channel, 'digestMinutes' | 'quietHours'>, at: number): DeliveryTime {
  const digestMs = digestMinutes * minuteMs;
  const planned = digestMs === 0 ? at : (Math.floor(at / digestMs) + 1) * digestMs;
  const dueAt = quietHours === null ? planned : afterQuietHours(quietHours, planned);
  return { dueAt, isCollected: dueAt > at };
}

/** The first moment from `at` on that is not within them. */
function afterQuietHours(quiet: QuietHours, at: number): number {
  let end = at;
  // The second look is for the days on which clocks are changed.
  for (let look = 0; look < 2; look++) {
    const left = minutesLeft(quiet, minutesOfDay(end, quiet.timeZone));
    if (left === 0) return end;
    end = (Math.floor(end / minuteMs) + left) * minuteMs;
  }
  return end;
}

function minutesLeft({ from, to }: QuietHours, now: number): number {
  const [start, end] = [parseTime(from), parseTime(to)];
  const isWithin = start <= end ? now >= start && now < end : now >= start || now < end;
  return isWithin ? (end - now + dayMinutes) % dayMinutes : 0;
}

function parseTime(text: string): number {
  const [hours = '0', minutes = '0'] = text.split(':');
  return Number(hours) * 60 + Number(minutes);
}

function minutesOfDay(at: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return parseTime(format.format(new Date(at)));
}

/** Whether `Intl` knows it. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
