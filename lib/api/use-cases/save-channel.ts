/** Creates, changes and deletes notification channels: record and secret belong together. */
import type { Channel, ChannelSecret, ChannelSettings } from '../../model/channel.ts';
import { heardBy } from '../../notify/match-channel.ts';
import { notifyLimits } from '../../notify/notify-limits.ts';
import type { ApiDeps } from '../api-deps.ts';
import { badParameter, invalidField, notFound } from '../http/api-error.ts';
import { type GivenChannel, resolveQuietHours, resolveSecret } from '../input/channel-input.ts';

type SaveDeps = Pick<ApiDeps, 'records' | 'secrets' | 'clock' | 'guard' | 'log'>;

export interface SavedChannel {
  readonly channel: Channel;
  readonly signingSecret?: string;
}

const newChannel = { enabled: true, events: null, leastSeverity: 'info', showAddresses: true, digestMinutes: 0 } as const;

/** Refuses with 400. */
export async function createChannel(
  given: GivenChannel & { readonly name: string; readonly kind: Channel['kind'] },
  projectId: number | null,
  deps: SaveDeps,
): Promise<SavedChannel> {
  if ((await deps.records.channels.all()).length >= notifyLimits.channels)
    throw badParameter('kind', `is invalid: an instance has at most ${notifyLimits.channels} channels`);
  const resolved = resolveSecret(given.kind, given, undefined, deps.guard);
  if (resolved === undefined) throw invalidField('url', 'is missing');
  const quietHours = resolveQuietHours(given, null) ?? null;
  const settings = { ...newChannel, ...settingsOf(given) };
  await deps.records.settings.addHeardNotices(heardBy(settings));
  const secretName = await deps.secrets.create('channel', resolved.secret);
  try {
    const channel = await deps.records.channels.create(
      { ...settings, name: given.name, kind: given.kind, projectId, quietHours, target: resolved.target, secretName },
      deps.clock.now(),
    );
    return { channel, ...(resolved.newSigningSecret === undefined ? {} : { signingSecret: resolved.newSigningSecret }) };
  } catch (error) {
    await drop(secretName, deps);
    throw error;
  }
}

/** What is left out stays. Refuses with 400 and 404. */
export async function updateChannel(before: Channel, given: GivenChannel, deps: SaveDeps): Promise<SavedChannel> {
  // Written here and nowhere else.
  const known = (await deps.secrets.read(before.secretName, { fresh: true })) as ChannelSecret;
  const resolved = resolveSecret(before.kind, given, known, deps.guard);
  const quietHours = resolveQuietHours(given, before.quietHours);
  await deps.records.settings.addHeardNotices(heardBy({ ...before, ...settingsOf(given) }));
  if (resolved !== undefined) await deps.secrets.update(before.secretName, resolved.secret);
  const channel = await deps.records.channels.update(before.id, {
    ...settingsOf(given),
    ...(quietHours === undefined ? {} : { quietHours }),
    ...(resolved === undefined ? {} : { target: resolved.target }),
  });
  if (channel === undefined) throw notFound();
  return { channel, ...(resolved?.newSigningSecret === undefined ? {} : { signingSecret: resolved.newSigningSecret }) };
}

export async function deleteChannel({ id }: Channel, deps: SaveDeps): Promise<void> {
  const gone = await deps.records.channels.delete(id);
  if (gone === undefined) throw notFound();
  await drop(gone.secretName, deps);
}

/** With their project. */
export async function deleteChannelsOf(projectId: number, deps: SaveDeps): Promise<void> {
  const all = await deps.records.channels.all();
  for (const { id, secretName } of all.filter((channel) => channel.projectId === projectId)) {
    await deps.records.channels.delete(id);
    await drop(secretName, deps);
  }
}

/** One that is left over costs little, and harms nobody. */
async function drop(secretName: string, { secrets, log }: SaveDeps): Promise<void> {
  await secrets.delete(secretName).catch(() => log.write('warn', 'secret_not_deleted', { secret: secretName }));
}

function settingsOf(given: GivenChannel): Partial<ChannelSettings> {
  const settings: { readonly [Name in keyof ChannelSettings]?: ChannelSettings[Name] | undefined } = {
    name: given.name,
    enabled: given.enabled,
    events: given.events === undefined ? undefined : given.events === null || given.events.length === 0 ? null : given.events,
    leastSeverity: given.least_severity,
    showAddresses: given.show_addresses,
    digestMinutes: given.digest_minutes,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
