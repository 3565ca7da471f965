/** Makes a notice the deliveries of all channels that want it, once it is certain that what it tells of took place. Repeatable at every step. */
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Channel } from '../model/channel.ts';
import type { MirrorKey } from '../model/mirror.ts';
import type { Notice, NoticeKey } from '../model/notice.ts';
import type { ChannelRecords, DeliveryRecords, NoticeRecords } from '../model/notice-records.ts';
import type { Records } from '../model/records.ts';
import { deliveryTime } from './delivery-time.ts';
import { concerns, hears } from './match-channel.ts';
import { isAt } from './notice-event.ts';
import { notifyLimits } from './notify-limits.ts';
import type { NoticeQueue } from './outbox.ts';

export interface ExpandDeps {
  readonly notices: NoticeRecords;
  readonly channels: Pick<ChannelRecords, 'all'>;
  readonly deliveries: Pick<DeliveryRecords, 'add'>;
  readonly records: Pick<Records, 'projects'>;
  readonly queue: NoticeQueue;
  /** Who holds the mirror's lease, and the notices that it made last; undefined = it is gone. */
  mirrorNews(
    key: MirrorKey,
  ): Promise<{ readonly leaseToken: string | null; readonly newsIds: readonly string[]; readonly paused: boolean } | undefined>;
  hostNews(host: string): Promise<{ readonly version: number; readonly newsIds: readonly string[] }>;
  readonly clock: Clock;
  readonly log: Log;
}

/** `told` = every channel that wants it has a delivery; `dropped` = its change never took place; `later` = that is not known yet; `nothing` = it was done before. */
export async function expandNotice(id: string, deps: ExpandDeps): Promise<'told' | 'dropped' | 'later' | 'nothing'> {
  const notice = await deps.notices.pending(id);
  if (notice === undefined) return 'nothing';
  const truth = await truthOf(notice, deps);
  if (truth === 'unknown') return 'later';
  if (truth === 'no') {
    await deps.notices.drop(id);
    deps.log.write('info', 'notice_dropped', { notice: id });
    return 'dropped';
  }
  const wanting = (await deps.channels.all()).filter((channel) => hears(channel, notice.type));
  const projects = await projectsOf(notice, wanting, deps);
  const now: NoticeKey[] = [];
  for (const channel of wanting.filter((one) => concerns(one, projects))) {
    const delivery = await leaveDelivery(channel, notice, deps);
    if (delivery !== undefined) now.push({ channel: channel.id, delivery });
  }
  await deps.notices.settle(id);
  deps.log.write('info', 'notice_told', { notice: id, type: notice.type, channels: wanting.length });
  await deps.queue.send(now);
  return 'told';
}

/** Whether the change that it was written ahead of took place. */
async function truthOf(notice: Notice, { mirrorNews, hostNews, clock }: ExpandDeps): Promise<'yes' | 'no' | 'unknown'> {
  const { ifNoted, mirror, host, id, type } = notice;
  if (ifNoted === undefined) return 'yes';
  if ('leaseToken' in ifNoted && mirror !== undefined) {
    const now = await mirrorNews(mirror);
    if (now === undefined) return 'no';
    // Somebody has asked for it by hand in the same moment: then it was not paused.
    if (now.newsIds.includes(id)) return type === 'mirror.paused' && !now.paused ? 'no' : 'yes';
    return now.leaseToken === ifNoted.leaseToken ? 'unknown' : 'no';
  }
  if ('hostVersion' in ifNoted && host !== undefined) {
    const now = await hostNews(host);
    if (now.newsIds.includes(id)) return 'yes';
    const isLost = now.version >= ifNoted.hostVersion || clock.now() - notice.at > notifyLimits.unnotedMs;
    return isLost ? 'no' : 'unknown';
  }
  return 'no';
}

/** Whose channels hear of it: of one mirror, its project's; of a host or credential, those of projects that have to do with it. */
async function projectsOf(notice: Notice, channels: readonly Channel[], { records }: ExpandDeps): Promise<ReadonlySet<number>> {
  const { mirror, host, credentialId } = notice;
  if (mirror !== undefined) return new Set([mirror.projectId]);
  const concerned = new Set<number>();
  for (const id of new Set(channels.flatMap(({ projectId }) => projectId ?? []))) {
    const { project, mirrors = [] } = (await records.projects.contents(id)) ?? {};
    if (project === undefined || host === undefined) continue;
    const ends = [{ url: project.repositoryUrl, credential: project.credential }, ...mirrors.filter(({ enabled }) => enabled)];
    if (mirrors.length > 0 && ends.some((end) => isAt(end, host, credentialId))) concerned.add(id);
  }
  return concerned;
}

/** Resolves with the delivery's id where it is to be sent now. */
async function leaveDelivery(channel: Channel, { id, at }: Notice, { deliveries, clock }: ExpandDeps): Promise<string | undefined> {
  const { dueAt, isCollected } = deliveryTime(channel, at);
  if (!isCollected) {
    const delivery = `${sortable(at)}-${id}`;
    await deliveries.add({ channelId: channel.id, id: delivery, createdAt: at, dueAt: clock.now() }, id);
    return delivery;
  }
  // The time that it falls into by itself, or, where that message is on its way already, one of its own.
  const collected = `${sortable(dueAt)}-digest`;
  const answer = await deliveries.add({ channelId: channel.id, id: collected, createdAt: at, dueAt }, id);
  if (answer === 'added') return undefined;
  const late = `${sortable(dueAt)}-${id}`;
  await deliveries.add({ channelId: channel.id, id: late, createdAt: at, dueAt: clock.now() }, id);
  return late;
}

function sortable(at: number): string {
  return String(at).padStart(15, '0');
}
