import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tick } from '../../lib/jobs/tick/tick.ts';
import type { Notice } from '../../lib/model/notice.ts';
import { deliver, deliverTest } from '../../lib/notify/deliver.ts';
import { expandNotice } from '../../lib/notify/expand-notice.ts';
import { timeLeft } from '../support/job-bench.ts';
import { type NotifyBench, openNotifyBench, type Receiver, startReceiver, verified } from '../support/notify-bench.ts';

let bench: NotifyBench;
let receiver: Receiver;
beforeAll(async () => {
  bench = await openNotifyBench();
});
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await receiver.close();
  // Channels of one test hear nothing of the next.
  for (const { id } of await bench.records.channels.all()) await bench.records.channels.delete(id);
});
afterAll(() => bench.close());

/** As every minute, with nothing else due. */
async function minute(): Promise<void> {
  bench.clock.add(60_000);
  await tick({ time: bench.clock.now(), deadline: timeLeft() }, bench);
  await bench.notify();
}

describe('a webhook', () => {
  it('is signed so that the vendor-neutral library believes it, and says what the documentation says', async () => {
    const { signingSecret } = await bench.webhook(receiver);
    const notice = await bench.told();
    const [received] = receiver.received;
    expect(received?.headers['webhook-id']).toBe(notice.id);
    const { type, data } = verified(received!, signingSecret);
    expect(type).toBe('host.down');
    expect(data).toMatchObject({
      id: notice.id,
      severity: 'error',
      host: 'git.example',
      mirrors: 0,
      link: 'https://ferry.example.org/?state=failing',
    });
    expect(() => verified({ ...received!, body: received!.body.replace('git.example', 'git.example2') }, signingSecret)).toThrow();
  });

  it('comes again under the same id until it is taken, with the answer at the channel', async () => {
    const { id } = await bench.webhook(receiver);
    receiver.answer = { status: 503, body: 'busy <b>now</b>' };
    const notice = await bench.told();
    expect(await bench.onlyDelivery(id)).toMatchObject({ state: 'waiting', attempts: 1, lastAnswer: 'HTTP 503: busy <b>now</b>' });
    expect(await bench.records.channels.get(id)).toMatchObject({ lastOk: false, failingSince: bench.clock.now() });
    receiver.answer = { status: 200 };
    await minute();
    await minute();
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([notice.id, notice.id]);
    expect(await bench.onlyDelivery(id)).toMatchObject({ state: 'delivered', attempts: 2, dueAt: null });
    expect(await bench.records.channels.get(id)).toMatchObject({ lastOk: true, failingSince: null, lastAnswer: 'HTTP 200' });
    await minute();
    expect(receiver.received).toHaveLength(2);
  });

  it('waits as long as the receiver asks to', async () => {
    const { id } = await bench.webhook(receiver);
    receiver.answer = { status: 429, headers: { 'retry-after': '600' } };
    await bench.told();
    expect((await bench.onlyDelivery(id)).dueAt).toBe(bench.clock.now() + 600_000);
  });

  it('is given up when the receiver says that it is gone, and after twelve attempts', async () => {
    const gone = await bench.webhook(receiver);
    receiver.answer = { status: 410 };
    await bench.told();
    expect(await bench.onlyDelivery(gone.id)).toMatchObject({ state: 'failed', attempts: 1, dueAt: null });
    await bench.records.channels.delete(gone.id);
    const { id } = await bench.webhook(receiver);
    receiver.answer = { status: 500 };
    await bench.told();
    for (let hour = 0; hour < 60 && (await bench.onlyDelivery(id)).state === 'waiting'; hour++) {
      bench.clock.add(3600_000);
      await minute();
    }
    expect(await bench.onlyDelivery(id)).toMatchObject({ state: 'failed', attempts: 12 });
  });

  it('does not follow redirects, and goes to no address that is not allowed', async () => {
    const { id } = await bench.webhook(receiver);
    receiver.answer = { status: 307, headers: { location: receiver.url } };
    await bench.told();
    expect(receiver.received).toHaveLength(1);
    expect((await bench.onlyDelivery(id)).state).toBe('waiting');
    const inside = await bench.channel('slack', { url: 'http://169.254.169.254/latest/meta-data/' });
    const { ok, words } = await deliverTest(inside, bench.delivering);
    expect(ok).toBe(false);
    expect(words).toContain('address_blocked');
  });

  it('does not repeat its address or secret in what it says of an answer', async () => {
    const channel = await bench.webhook(receiver);
    receiver.answer = { status: 500, body: `cannot POST ${new URL(receiver.url).pathname} with ${channel.signingSecret}` };
    await bench.told();
    const { lastAnswer } = await bench.onlyDelivery(channel.id);
    expect(lastAnswer).toContain('HTTP 500');
    expect(lastAnswer).not.toContain('secret-path-of-a-chat');
    expect(lastAnswer).not.toContain(channel.signingSecret.slice(6));
  });
});

describe('a process that dies', () => {
  const died = new Error('killed');
  const dies = async (): Promise<never> => {
    throw died;
  };

  it.each<[string, (notice: Notice) => Promise<unknown>]>([
    ['before it has read the notice', async () => undefined],
    ['before any delivery is written', ({ id }) => expandNotice(id, { ...bench.expanding, deliveries: { add: dies } })],
    [
      'with one of two deliveries written',
      ({ id }) => {
        let calls = 0;
        const add: typeof bench.records.deliveries.add = async (...given) =>
          ++calls > 1 ? dies() : bench.records.deliveries.add(...given);
        return expandNotice(id, { ...bench.expanding, deliveries: { add } });
      },
    ],
    [
      'before the notice is settled',
      ({ id }) => expandNotice(id, { ...bench.expanding, notices: { ...bench.records.notices, settle: dies } }),
    ],
    ['before the messages are sent', ({ id }) => expandNotice(id, { ...bench.expanding, queue: { send: dies } })],
  ])('%s has lost nothing, and doubled nothing', async (_step, step) => {
    await bench.webhook(receiver);
    await bench.channel('slack', { url: receiver.url });
    const notice = await bench.left();
    await step(notice).catch((error: unknown) => expect(error).toBe(died));
    for (let n = 0; n < 4; n++) await minute();
    expect(receiver.received).toHaveLength(2);
    expect(receiver.received.filter(({ headers }) => headers['webhook-id'] === notice.id)).toHaveLength(1);
  });

  it('with a claimed delivery not sent yet has it sent by another, once', async () => {
    const { id } = await bench.webhook(receiver);
    const notice = await bench.left();
    await expandNotice(notice.id, { ...bench.expanding, queue: { send: async () => {} } });
    const { id: delivery } = await bench.onlyDelivery(id);
    await expect(deliver({ channelId: id, id: delivery }, { ...bench.delivering, notices: { getMany: dies } })).rejects.toBe(died);
    await minute();
    expect(receiver.received).toHaveLength(0);
    for (let n = 0; n < 4; n++) await minute();
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([notice.id]);
  });

  it('after it has sent has it sent again, under the id that the receiver knows', async () => {
    const { id } = await bench.webhook(receiver);
    const notice = await bench.left();
    await expandNotice(notice.id, { ...bench.expanding, queue: { send: async () => {} } });
    const { id: delivery } = await bench.onlyDelivery(id);
    const deliveries = { ...bench.records.deliveries, settle: dies };
    await expect(deliver({ channelId: id, id: delivery }, { ...bench.delivering, deliveries })).rejects.toBe(died);
    for (let n = 0; n < 5; n++) await minute();
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([notice.id, notice.id]);
    expect(await bench.onlyDelivery(id)).toMatchObject({ state: 'delivered', attempts: 2 });
  });

  it('two notifiers that get the same message send it once', async () => {
    const { id } = await bench.webhook(receiver);
    const notice = await bench.left();
    await expandNotice(notice.id, { ...bench.expanding, queue: { send: async () => {} } });
    const { id: delivery } = await bench.onlyDelivery(id);
    const attempts = await Promise.all(Array.from({ length: 5 }, () => deliver({ channelId: id, id: delivery }, bench.delivering)));
    expect(attempts.sort()).toEqual(['delivered', 'nothing', 'nothing', 'nothing', 'nothing']);
    expect(receiver.received).toHaveLength(1);
  });
});

describe('what was written ahead of a change that never took place', () => {
  it('is not told: of a host', async () => {
    await bench.webhook(receiver);
    await bench.told({ ifNoted: { hostVersion: 1 }, host: 'never-noted.example' });
    await minute();
    expect(receiver.received).toHaveLength(0);
    for (let n = 0; n < 12; n++) await minute();
    expect(receiver.received).toHaveLength(0);
    expect(bench.events('notice_dropped').length).toBeGreaterThan(0);
  });

  it('is told only once it has: of a mirror', async () => {
    await bench.webhook(receiver);
    const { mirror } = await bench.made();
    await bench.jobs.acquire(mirror, { token: 'lease', now: bench.clock.now() });
    const key = { projectId: mirror.projectId, mirror: mirror.mirror };
    const { id } = await bench.told({ type: 'mirror.failing', mirror: key, ifNoted: { leaseToken: 'lease' } });
    expect(receiver.received).toHaveLength(0);
    const release = {
      status: { newsIds: [id] },
      now: bench.clock.now(),
      nextDueAt: bench.clock.now() + 1e9,
      followUpAt: bench.clock.now(),
    };
    await bench.jobs.release(mirror, 'lease', release);
    await minute();
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([id]);
  });
});

describe('a channel', () => {
  it('that collects sends one message for all, at the end of its time', async () => {
    const { id, signingSecret } = await bench.webhook(receiver, { digestMinutes: 30 });
    const ids = [await bench.told({ host: 'one.example' }), await bench.told({ host: 'two.example' })].map((notice) => notice.id);
    expect(receiver.received).toHaveLength(0);
    bench.clock.set((await bench.onlyDelivery(id)).dueAt!);
    await minute();
    const { type, data } = verified(receiver.received[0]!, signingSecret);
    expect([type, (data['events'] as { id: string }[]).map((event) => event.id)]).toEqual(['digest', ids]);
    await minute();
    expect(receiver.received).toHaveLength(1);
  });

  it('of a project hears of its own mirrors only, and names no address where it may not', async () => {
    const { project, mirror } = await bench.made({ mirror: { url: 'https://secret-host.example/group/hidden.git' } });
    const other = await bench.made();
    const { signingSecret } = await bench.webhook(receiver, { projectId: project.id, showAddresses: false });
    const error = {
      code: 'permission_denied',
      message: 'https://secret-host.example/group/hidden.git answered 403.',
      hint: 'Ask.',
    } as const;
    const about = { type: 'mirror.paused', error } as const;
    await bench.told({ ...about, mirror: { projectId: other.project.id, mirror: other.mirror.mirror } });
    await bench.told({ ...about, mirror: { projectId: project.id, mirror: mirror.mirror } });
    expect(receiver.received).toHaveLength(1);
    const [received] = receiver.received;
    expect(verified(received!, signingSecret).data['project']).toEqual({ id: project.id, path: project.path });
    expect(received!.body).not.toContain('secret-host');
    expect(received!.body).not.toContain('hidden');
  });

  it('that is dead keeps no other waiting', async () => {
    const dead = await startReceiver();
    dead.answer = 'hang';
    await bench.channel('slack', { url: dead.url });
    await bench.webhook(receiver);
    const notice = await bench.left();
    await bench.outbox.wake([notice.id]);
    const notified = bench.notify();
    await expect.poll(() => receiver.received.length, { timeout: 5_000 }).toBe(1);
    await dead.close();
    await notified;
  });
});
