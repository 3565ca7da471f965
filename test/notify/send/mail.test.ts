import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deliverTest } from '../../../lib/notify/deliver.ts';
import { type MailServer, type NotifyBench, openNotifyBench, startMailServer } from '../../support/notify-bench.ts';

let bench: NotifyBench;
beforeAll(async () => {
  bench = await openNotifyBench();
});
afterEach(async () => {
  for (const { id } of await bench.records.channels.all()) await bench.records.channels.delete(id);
});
afterAll(() => bench.close());

describe('e-mail', () => {
  const server = ({ port }: MailServer) => ({
    smtpHost: '127.0.0.1',
    smtpPort: port,
    smtpTls: 'none' as const,
    username: '',
    password: '',
  });

  it('reaches every recipient, with an id that stays the same', async () => {
    const mail = await startMailServer();
    await bench.channel('email', { ...server(mail), from: 'ferry@example.org', to: ['one@example.org', 'two@example.org'] });
    const notice = await bench.told();
    expect(mail.mails.map(({ from, to }) => [from, to])).toEqual([['ferry@example.org', ['one@example.org', 'two@example.org']]]);
    expect(mail.mails[0]?.raw).toContain(`Message-ID: <${notice.id}@gitferry>`);
    expect(mail.mails[0]?.raw).toContain('https://ferry.example.org/');
    await mail.close();
  });

  it('is tried again when the server refuses it, and told in the words of the server', async () => {
    const mail = await startMailServer({ refuse: true });
    const { id } = await bench.channel('email', { ...server(mail), from: 'ferry@example.org', to: ['one@example.org'] });
    await bench.told();
    expect(await bench.onlyDelivery(id)).toMatchObject({ state: 'waiting' });
    expect((await bench.onlyDelivery(id)).lastAnswer).toContain('mailbox full');
    await mail.close();
  });

  it('goes to no server whose certificate nobody vouches for', async () => {
    const mail = await startMailServer({ isSecure: true });
    const secret = { ...server(mail), smtpTls: 'tls' as const, username: 'ferry', password: 'secret-of-mail' };
    const channel = await bench.channel('email', { ...secret, from: 'ferry@example.org', to: ['one@example.org'] });
    const { ok, words } = await deliverTest(channel, bench.delivering);
    expect([ok, words]).toEqual([false, expect.stringMatching(/self.signed|certificate/i)]);
    expect(mail.mails).toEqual([]);
    await mail.close();
  });

  it('sends nothing in the clear where it is to be encrypted, and goes to no address that is not allowed', async () => {
    const mail = await startMailServer();
    const secret = { ...server(mail), smtpTls: 'starttls' as const, from: 'ferry@example.org', to: ['one@example.org'] };
    const channel = await bench.channel('email', secret);
    expect((await deliverTest(channel, bench.delivering)).ok).toBe(false);
    expect(mail.mails).toEqual([]);
    const inside = await bench.channel('email', { ...secret, smtpHost: '10.0.0.1' });
    expect((await deliverTest(inside, bench.delivering)).words).toContain('address_blocked');
    await mail.close();
  });
});
