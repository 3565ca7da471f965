/** Jobs that tell, the notifier, and real receivers: an HTTP server that notes what it gets, and a mail server. Only the clock is held. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { Webhook } from 'standardwebhooks';
import { vi } from 'vitest';
import { hiderFor } from '../../lib/api/output/hide-addresses.ts';
import { createQueue } from '../../lib/aws/create-resources.ts';
import { createJobReceiver } from '../../lib/aws/job-queue.ts';
import { createNoticeQueue } from '../../lib/aws/notice-queue.ts';
import type { Channel, ChannelSecret, ChannelSettings, NoticeDelivery } from '../../lib/model/channel.ts';
import type { Notice, NoticeOutbox } from '../../lib/model/notice.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { type DeliverDeps, deliver } from '../../lib/notify/deliver.ts';
import { type ExpandDeps, expandNotice } from '../../lib/notify/expand-notice.ts';
import { handleMessages } from '../../lib/notify/handle-messages.ts';
import { heardBy } from '../../lib/notify/match-channel.ts';
import { createOutbox } from '../../lib/notify/outbox.ts';
import { newSigningSecret } from '../../lib/notify/send/webhook-request.ts';
import { type JobBench, openJobBench } from './job-bench.ts';

export interface Received {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** What it answers from now on; `hang` never does. */
  answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string } | 'hang';
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      receiver.received.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString() });
      if (receiver.answer === 'hang') return;
      response.writeHead(receiver.answer.status, receiver.answer.headers);
      response.end(receiver.answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in/secret-path-of-a-chat`,
    received: [],
    answer: { status: 204 },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

/** What a receiver that trusts nothing but the signature gets: checked by the vendor-neutral library, at the time that the message was sent. */
export function verified(
  { headers, body }: Received,
  signingSecret: string,
): { readonly type: string; readonly data: Readonly<Record<string, unknown>> } {
  vi.useFakeTimers({ toFake: ['Date'], now: Number(headers['webhook-timestamp']) * 1000 });
  try {
    return new Webhook(signingSecret).verify(body, headers) as ReturnType<typeof verified>;
  } finally {
    vi.useRealTimers();
  }
}

export interface MailServer {
  readonly port: number;
  /** Whole messages. */
  readonly mails: {
    readonly from: string;
    readonly to: readonly string[];
    readonly raw: string;
  }[];
  close(): Promise<void>;
}

export async function startMailServer({ refuse = false, isSecure = false } = {}): Promise<MailServer> {
  const mails: MailServer['mails'] = [];
  const server = new SMTPServer({
    secure: isSecure,
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (refuse) return callback(Object.assign(new Error('mailbox full'), { responseCode: 452 }));
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        mails.push({
          from,
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString(),
        });
        callback(null);
      });
    },
  });
  // A client that does not trust its certificate hangs up.
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export interface NotifyBench extends JobBench {
  readonly outbox: NoticeOutbox;
  readonly expanding: ExpandDeps;
  readonly delivering: DeliverDeps;
  channel(
    kind: Channel['kind'],
    secret: ChannelSecret,
    settings?: Partial<ChannelSettings> & { readonly projectId?: number | null },
  ): Promise<Channel>;
  /** A webhook's, with a secret of its own. */
  webhook(
    receiver: Receiver,
    settings?: Partial<ChannelSettings> & { readonly projectId?: number | null },
  ): Promise<Channel & { readonly signingSecret: string }>;
  /** Handles what is on the queue of notices until nothing is left. */
  notify(): Promise<void>;
  /** A notice that is true by itself, left and not told yet. */
  left(changes?: Partial<Notice>): Promise<Notice>;
  /** The same, told. */
  told(changes?: Partial<Notice>): Promise<Notice>;
  /** The one delivery of a channel. */
  onlyDelivery(channelId: number): Promise<NoticeDelivery>;
}

export async function openNotifyBench(): Promise<NotifyBench> {
  const bench = await openJobBench();
  const { clock, log, records, secrets, jobs, hosts, aws } = bench;
  const queueUrl = await createQueue(aws.clients, `${aws.tableName}-notify`, 300);
  const noticeQueue = createNoticeQueue({ sqs: aws.clients.sqs, queueUrl, log });
  const receiver = createJobReceiver({ sqs: aws.clients.sqs, queueUrl });
  const guard = createAddressGuard(['127.0.0.0/8']);
  const http = createHttpClient(guard);
  const publicUrl = 'https://ferry.example.org';
  const common = { ...records, records, clock, log };
  const expanding: ExpandDeps = {
    ...common,
    queue: noticeQueue,
    async mirrorNews(key) {
      const mirror = await jobs.get(key);
      return mirror === undefined ? undefined : { leaseToken: mirror.leaseToken, newsIds: mirror.newsIds ?? [], paused: mirror.paused };
    },
    async hostNews(host) {
      const { version, newsIds = [] } = await hosts.view(host);
      return { version, newsIds };
    },
  };
  const hide: DeliverDeps['hide'] = (mirror, project) => hiderFor({ role: 'reporter' }, mirror, project);
  const delivering: DeliverDeps = { ...common, secrets, publicUrl, hide, guard, http };
  const channel: NotifyBench['channel'] = async (kind, secret, { projectId = null, ...given } = {}) => {
    const usual = { enabled: true, events: null, leastSeverity: 'info', showAddresses: true, digestMinutes: 0, quietHours: null } as const;
    const settings = { ...usual, ...given };
    await records.settings.addHeardNotices(heardBy(settings));
    const secretName = await secrets.create('channel', secret);
    return records.channels.create({ name: kind, ...settings, kind, projectId, target: 'somewhere', secretName }, clock.now());
  };
  const outbox = createOutbox({ ...records, queue: noticeQueue, clock });
  let made = 0;
  const left: NotifyBench['left'] = async (changes) => {
    const at = clock.now();
    const notice: Notice = { id: `test-${++made}`, type: 'host.down', at, since: at - 60_000, host: 'git.example', ...changes };
    await outbox.put(notice);
    return notice;
  };
  const notify: NotifyBench['notify'] = async () => {
    for (;;) {
      const got = await receiver.receive({ waitSeconds: 0, max: 10, signal: new AbortController().signal });
      if (got.length === 0) return;
      await handleMessages(got, { log, expand: (id) => expandNotice(id, expanding), deliver: (key) => deliver(key, delivering) });
      await receiver.acknowledge(got.map(({ receipt }) => receipt));
    }
  };
  return {
    ...bench,
    outbox,
    expanding,
    delivering,
    channel,
    async webhook({ url }, settings) {
      const signingSecret = newSigningSecret();
      return { ...(await channel('webhook', { url, signingSecret }, settings)), signingSecret };
    },
    notify,
    left,
    async told(changes) {
      const notice = await left(changes);
      await outbox.wake([notice.id]);
      await notify();
      return notice;
    },
    async onlyDelivery(channelId) {
      const { items } = await records.deliveries.list(channelId, { page: 1, perPage: 10 });
      const [only] = items;
      if (items.length !== 1 || only === undefined) throw new Error(`${items.length} deliveries`);
      return only;
    },
    async close() {
      await http.close();
      await bench.close();
    },
  };
}
