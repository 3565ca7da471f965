import { describe, expect, it } from 'vitest';
import { deliveryTime } from '../../lib/notify/delivery-time.ts';

const at = (text: string) => Date.parse(text);
const night = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };

describe('a channel is told', () => {
  it.each([
    ['at once', { digestMinutes: 0, quietHours: null }, '2026-03-02T12:00:00Z', '2026-03-02T12:00:00Z'],
    ['at the end of the hour', { digestMinutes: 60, quietHours: null }, '2026-03-02T12:34:56Z', '2026-03-02T13:00:00Z'],
    ['at once by day', { digestMinutes: 0, quietHours: night }, '2026-03-02T12:00:00Z', '2026-03-02T12:00:00Z'],
    ['in the morning of before midnight', { digestMinutes: 0, quietHours: night }, '2026-03-02T21:00:30Z', '2026-03-03T06:00:00Z'],
    ['in the morning of after midnight', { digestMinutes: 0, quietHours: night }, '2026-03-02T23:30:00Z', '2026-03-03T06:00:00Z'],
    ['at once when they end', { digestMinutes: 0, quietHours: night }, '2026-03-03T06:00:00Z', '2026-03-03T06:00:00Z'],
    [
      'in the morning of the day when clocks go back',
      { digestMinutes: 0, quietHours: night },
      '2026-10-24T21:00:00Z',
      '2026-10-25T06:00:00Z',
    ],
    [
      'when quiet hours end that a digest falls into',
      { digestMinutes: 60, quietHours: night },
      '2026-03-02T20:30:00Z',
      '2026-03-03T06:00:00Z',
    ],
  ])('%s', (_when, channel, now, expected) => {
    const { dueAt, isCollected } = deliveryTime(channel, at(now));
    expect(new Date(dueAt).toISOString()).toBe(new Date(expected).toISOString());
    expect(isCollected).toBe(now !== expected);
  });
});
