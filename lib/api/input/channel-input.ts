/** What a call says of a notification channel: its fields, and what they come to. */
import { z } from 'zod';
import { type Channel, type ChannelSecret, channelKinds, type QuietHours } from '../../model/channel.ts';
import { noticeTypeNames, severities } from '../../model/notice.ts';
import type { AddressGuard } from '../../net/address-guard.ts';
import { isTimeZone } from '../../notify/delivery-time.ts';
import { isSigningSecret, newSigningSecret } from '../../notify/send/webhook-request.ts';
import { badParameter, invalidField, invalidFieldOf } from '../http/api-error.ts';
import { choice, flag, integer, line, text } from '../http/fields.ts';

const address = /^[^\s@<>,;"]{1,64}@[^\s@<>,;"]{1,255}$/;
const oneOrMore = <T extends z.ZodType>(items: T, most: number) =>
  z.preprocess((value) => (typeof value === 'string' ? [value].filter((one) => one !== '') : value), z.array(items).max(most));
const timeOfDay = text(5)
  .regex(/^(([01]\d|2[0-3]):[0-5]\d)?$/, 'is not a time such as 22:00')
  .nullable()
  .optional();

const common = {
  name: line(255),
  enabled: flag().optional(),
  events: oneOrMore(choice(noticeTypeNames), noticeTypeNames.length).nullable().optional().meta({
    description: 'null or empty = the usual ones',
  }),
  least_severity: choice(severities).optional(),
  show_addresses: flag().optional().meta({ description: 'false: messages name no host and no URL; true where it is left out' }),
  digest_minutes: integer({ min: 0, max: 24 * 60 }).optional(),
  quiet_from: timeOfDay,
  quiet_to: timeOfDay,
  quiet_time_zone: text(64).nullable().optional().meta({ example: 'Europe/Berlin' }),
  url: text(2000).optional().meta({ description: 'Of a webhook or chat. Kept as a secret; never shown again' }),
  signing_secret: text(100).optional().meta({ description: '`whsec_` and base64; made where it is left out' }),
  smtp_host: text(255).optional(),
  smtp_port: integer({ min: 1, max: 65_535 }).optional(),
  smtp_tls: choice(['tls', 'starttls', 'none']).optional(),
  smtp_username: text(255).optional(),
  smtp_password: text(4096).optional(),
  mail_from: text(320).optional(),
  mail_to: oneOrMore(text(320), 50).optional(),
};

export const newChannelInput = z.object({ ...common, kind: choice(channelKinds) });
export const channelChanges = z.object({ ...common, name: line(255).optional() });
export type GivenChannel = z.output<typeof channelChanges>;

/** Names of the fields that make the secret. */
const secretFields = [
  ...(['url', 'signing_secret'] as const),
  ...(['smtp_host', 'smtp_port', 'smtp_tls', 'smtp_username', 'smtp_password', 'mail_from', 'mail_to'] as const),
];

export interface ResolvedSecret {
  readonly secret: ChannelSecret;
  /** As people may see it. */
  readonly target: string;
  /** Shown once. */
  readonly newSigningSecret?: string;
}

/** The secret as it is from now on; undefined = it stays. Refuses with 400. */
export function resolveSecret(
  kind: Channel['kind'],
  given: GivenChannel,
  before: ChannelSecret | undefined,
  guard: AddressGuard,
): ResolvedSecret | undefined {
  const isGiven = secretFields.filter((name) => given[name] !== undefined);
  if (before !== undefined && isGiven.length === 0) return undefined;
  const foreign = isGiven.find((name) =>
    kind === 'email' ? name === 'url' || name === 'signing_secret' : name !== 'url' && (name !== 'signing_secret' || kind !== 'webhook'),
  );
  if (foreign !== undefined) throw badParameter(foreign, `is not for channels of the kind ${kind}`);
  return kind === 'email' ? mailSecret(given, before, guard) : urlSecret(kind, given, before, guard);
}

function urlSecret(kind: Channel['kind'], given: GivenChannel, before: ChannelSecret | undefined, guard: AddressGuard): ResolvedSecret {
  const known = before !== undefined && 'url' in before ? before : undefined;
  const url = given.url ?? known?.url ?? '';
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '')
    throw invalidField('url', 'must be an http:// or https:// URL without a username');
  checkHost('url', parsed.hostname, guard);
  if (kind !== 'webhook') return { secret: { url: parsed.href }, target: parsed.host };
  if (given.signing_secret !== undefined && given.signing_secret !== '' && !isSigningSecret(given.signing_secret))
    throw invalidField('signing_secret', 'must be whsec_ and the base64 of 24 to 64 bytes');
  const kept = given.signing_secret ? undefined : known?.signingSecret || undefined;
  const signingSecret = kept ?? (given.signing_secret || newSigningSecret());
  return {
    secret: { url: parsed.href, signingSecret },
    target: parsed.host,
    ...(kept === undefined ? { newSigningSecret: signingSecret } : {}),
  };
}

function mailSecret(given: GivenChannel, before: ChannelSecret | undefined, guard: AddressGuard): ResolvedSecret {
  const known = before !== undefined && !('url' in before) ? before : undefined;
  const smtpHost = (given.smtp_host ?? known?.smtpHost ?? '').toLowerCase();
  if (!/^[a-z0-9.:-]{1,255}$/.test(smtpHost)) throw invalidField('smtp_host', 'must be the name or address of a mail server');
  checkHost('smtp_host', smtpHost, guard);
  const smtpTls = given.smtp_tls ?? known?.smtpTls ?? 'starttls';
  const smtpPort = given.smtp_port ?? known?.smtpPort ?? (smtpTls === 'tls' ? 465 : 587);
  const username = given.smtp_username ?? known?.username ?? '';
  // A password is never sent to another server than the one that it was given for.
  const isSameServer = known !== undefined && known.smtpHost === smtpHost && known.smtpPort === smtpPort;
  const password = given.smtp_password ?? (isSameServer ? known.password : '');
  if (username !== '' && password === '') throw invalidField('smtp_password', 'is missing: give it again for another mail server');
  if (username !== '' && smtpTls === 'none') throw invalidField('smtp_tls', 'must be tls or starttls where there is a password');
  const from = given.mail_from ?? known?.from ?? '';
  if (!address.test(from)) throw invalidField('mail_from', 'must be an e-mail address');
  const to = given.mail_to ?? known?.to ?? [];
  if (to.length === 0 || !to.every((one) => address.test(one))) throw invalidField('mail_to', 'must be e-mail addresses');
  return { secret: { smtpHost, smtpPort, smtpTls, username, password, from, to }, target: to.join(', ') };
}

function checkHost(field: string, host: string, guard: AddressGuard): void {
  try {
    guard.checkLiteral(host.replace(/^\[|\]$/g, ''));
  } catch (error) {
    throw invalidFieldOf(field, error);
  }
}

/** undefined = they stay; null = there are none. Refuses with 400. */
export function resolveQuietHours(given: GivenChannel, before: QuietHours | null): QuietHours | null | undefined {
  const { quiet_from: from, quiet_to: to, quiet_time_zone: timeZone } = given;
  if (from === undefined && to === undefined && timeZone === undefined) return undefined;
  const after = { from: from ?? (from === undefined ? before?.from : ''), to: to ?? (to === undefined ? before?.to : '') };
  if ((after.from ?? '') === '' && (after.to ?? '') === '') return null;
  if (!after.from || !after.to) throw invalidField('quiet_from', 'and quiet_to go together');
  if (after.from === after.to) throw invalidField('quiet_to', 'must differ from quiet_from');
  const zone = timeZone || before?.timeZone || 'UTC';
  if (!isTimeZone(zone)) throw invalidField('quiet_time_zone', 'is not known: give a name such as Europe/Berlin');
  return { from: after.from, to: after.to, timeZone: zone };
}
