/** Which channels hear of a notice. Pure. */
import type { Channel } from '../model/channel.ts';
import { type NoticeType, noticeTypeNames, noticeTypes, severities } from '../model/notice.ts';

export function hears(
  { enabled, events, leastSeverity }: Pick<Channel, 'enabled' | 'events' | 'leastSeverity'>,
  type: NoticeType,
): boolean {
  const { weighs, isUsual } = noticeTypes[type];
  if (!enabled) return false;
  // Whoever names an event wants it, whatever it weighs.
  return events === null ? isUsual && severities.indexOf(weighs) >= severities.indexOf(leastSeverity) : events.includes(type);
}

/** A channel of the instance hears of everything, one of a project of what concerns that. */
export function concerns({ projectId }: Pick<Channel, 'projectId'>, projects: 'all' | ReadonlySet<number>): boolean {
  return projectId === null || projects === 'all' || projects.has(projectId);
}

/** Types of notices that such a channel hears. */
export function heardBy(channel: Pick<Channel, 'enabled' | 'events' | 'leastSeverity'>): readonly NoticeType[] {
  return noticeTypeNames.filter((type) => hears(channel, type));
}
