/** Notices, channels and deliveries in the table as use cases see them. Everything throws `storage_unavailable` when the table cannot be reached. */

import type { RefusedCredential } from '../credentials/shared-credential.ts';
import type { Channel, ChannelHealth, ChannelSettings, NoticeDelivery } from './channel.ts';
import type { Notice, NoticeKey } from './notice.ts';

export interface NoticeRecords {
  /** Looked at by the tick from `dueAt` on. One of the same id stays as it is. */
  put(notice: Notice, dueAt: number): Promise<void>;
  /** The notice while there is something to do for it. */
  pending(id: string): Promise<Notice | undefined>;
  /** Without those that are gone. */
  getMany(ids: readonly string[]): Promise<readonly Notice[]>;
  /** Every channel that wants it has a delivery. It can still be read. */
  settle(id: string): Promise<void>;
  /** What it tells of never took place. */
  drop(id: string): Promise<void>;

  /** Since when it is known to be refused: `now` if nobody knew. */
  noteRefused(credential: RefusedCredential, now: number): Promise<number>;
  refusedSince(credential: RefusedCredential): Promise<number | undefined>;
  noteAccepted(credential: RefusedCredential): Promise<void>;

  /** The tick has seen it, and looks again at `at`. false = it has changed since it was read. */
  looked(key: NoticeKey, read: number, at: number): Promise<boolean>;
}

export interface ChannelRecords {
  create(channel: ChannelSettings & Pick<Channel, 'kind' | 'projectId'>, now: number): Promise<Channel>;
  get(id: number): Promise<Channel | undefined>;
  /** By id. */
  all(): Promise<readonly Channel[]>;
  update(id: number, changes: Partial<ChannelSettings>): Promise<Channel | undefined>;
  noteHealth(id: number, health: Partial<ChannelHealth>): Promise<void>;
  /** Resolves with what was there. Its deliveries go, too. */
  delete(id: number): Promise<Channel | undefined>;
}

export interface DeliveryRecords {
  /** `sealed` = it is being sent already, without this notice. The same again changes nothing. */
  add(
    delivery: Pick<NoticeDelivery, 'channelId' | 'id' | 'createdAt'> & { readonly dueAt: number },
    notice: string,
  ): Promise<'added' | 'sealed'>;
  get(channelId: number, id: string): Promise<NoticeDelivery | undefined>;
  /** For one attempt that is over by `until`: nothing more is added to it, and nobody else takes it. undefined = it is not due, or done. */
  claim(
    channelId: number,
    id: string,
    at: { readonly now: number; readonly until: number; readonly claim: string },
  ): Promise<NoticeDelivery | undefined>;
  /** What came of a claimed attempt; `dueAt` null = there is no other. false = the claim was somebody else's. */
  settle(
    delivery: Pick<NoticeDelivery, 'channelId' | 'id'>,
    claim: string,
    outcome: Pick<NoticeDelivery, 'state' | 'dueAt' | 'lastAt' | 'lastAnswer'>,
  ): Promise<boolean>;
  /** Newest first. */
  list(
    channelId: number,
    page: { readonly page: number; readonly perPage: number },
  ): Promise<{ readonly items: readonly NoticeDelivery[]; readonly total: number | undefined; readonly hasNext: boolean }>;
}
