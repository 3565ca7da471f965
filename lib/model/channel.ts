/** A channel: where notices go, which of them, and when. Its address and secrets live in Secrets Manager only. */
import type { NoticeType, Severity } from './notice.ts';

export const channelKinds = ['webhook', 'slack', 'teams', 'mattermost', 'discord', 'email'] as const;
export type ChannelKind = (typeof channelKinds)[number];

/** From one time of day to another, in an IANA time zone; it may go over midnight. */
export interface QuietHours {
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
}

export interface ChannelSettings {
  readonly name: string;
  readonly enabled: boolean;
  /** null = the usual ones (lib/model/notice.ts). */
  readonly events: readonly NoticeType[] | null;
  readonly leastSeverity: Severity;
  /** Whether messages name hosts and URLs; false where people read it who may not see them. */
  readonly showAddresses: boolean;
  /** Notices are collected for this long and come as one message; 0 = each by itself, at once. */
  readonly digestMinutes: number;
  /** What happens then comes as one message at their end. */
  readonly quietHours: QuietHours | null;
  /** Where it leads to, as people may see it: a host, or recipients. */
  readonly target: string;
  readonly secretName: string;
}

/** What came of the last attempts to deliver. */
export interface ChannelHealth {
  readonly lastAt: number | null;
  readonly lastOk: boolean | null;
  /** What the other side answered last. */
  readonly lastAnswer: string | null;
  /** null = it takes what it gets. */
  readonly failingSince: number | null;
}

export interface Channel extends ChannelSettings, ChannelHealth {
  readonly id: number;
  readonly kind: ChannelKind;
  /** null = it hears of all projects, of hosts and credentials. */
  readonly projectId: number | null;
  readonly createdAt: number;
}

/** What a channel's secret holds: of an address for HTTP, or of a mail server. */
export type ChannelSecret =
  | { readonly url: string; readonly signingSecret?: string }
  | {
      readonly smtpHost: string;
      readonly smtpPort: number;
      /** TLS from the first byte; otherwise STARTTLS, without which nothing is sent but to allowed addresses of one's own network. */
      readonly smtpTls: 'tls' | 'starttls' | 'none';
      readonly username: string;
      readonly password: string;
      readonly from: string;
      readonly to: readonly string[];
    };

export const deliveryStates = ['waiting', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** One message to one channel: a notice, or several where they were collected. */
export interface NoticeDelivery {
  readonly channelId: number;
  /** Sorts by time. */
  readonly id: string;
  readonly notices: readonly string[];
  readonly state: DeliveryState;
  readonly createdAt: number;
  /** When it is tried next; null = not any more. */
  readonly dueAt: number | null;
  readonly attempts: number;
  readonly lastAt: number | null;
  readonly lastAnswer: string | null;
}
