/** A host with 200 mirrors that goes down for 20 minutes and comes back: what each channel hears of it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GitferryError } from '../../lib/core/errors.ts';
import { runJob } from '../../lib/jobs/runs/run-job.ts';
import type { SyncedRun } from '../../lib/jobs/runs/run-sync.ts';
import { tick } from '../../lib/jobs/tick/tick.ts';
import { parseJob } from '../../lib/model/job.ts';
import { madeUpRun, timeLeft } from '../support/job-bench.ts';
import {
  type MailServer,
  type NotifyBench,
  openNotifyBench,
  type Receiver,
  startMailServer,
  startReceiver,
  verified,
} from '../support/notify-bench.ts';

let bench: NotifyBench;
let hook: Receiver;
let slack: Receiver;
let mail: MailServer;
beforeAll(async () => {
  [bench, hook, slack, mail] = await Promise.all([openNotifyBench(), startReceiver(), startReceiver(), startMailServer()]);
});
afterAll(async () => {
  await Promise.all([bench.close(), hook.close(), slack.close(), mail.close()]);
});

const host = 'mirror.example';
const mirrors = 200;
const minutes = 20;

it('tells each channel once that it is down, and once that it answers again', async () => {
  const { signingSecret } = await bench.webhook(hook);
  await bench.channel('slack', { url: slack.url });
  const server = { smtpHost: '127.0.0.1', smtpPort: mail.port, smtpTls: 'none', username: '', password: '' } as const;
  await bench.channel('email', { ...server, from: 'ferry@example.org', to: ['ops@example.org'] });
  for (let n = 0; n < mirrors; n++) await bench.made({ mirror: { url: `https://${host}/group/name-${n}.git` } });
  let isDown = true;
  const sync = async (): Promise<SyncedRun> => {
    const failure = isDown ? new GitferryError('connection_failed', { detail: `${host}: refused.` }) : undefined;
    return { ...madeUpRun(isDown ? { code: 'connection_failed' } : {}), hosts: [{ host, failure }] };
  };
  for (let minute = 0; minute <= minutes + 10; minute++) {
    if (minute === minutes) isDown = false;
    await tick({ time: bench.clock.now(), deadline: timeLeft() }, bench);
    for (let bodies = await bench.messages(); bodies.length > 0; bodies = await bench.messages()) {
      for (const body of bodies) await runJob(parseJob(body)!, { deadline: timeLeft() }, { ...bench, sync });
    }
    await bench.notify();
    bench.clock.add(60_000);
  }
  const heard = hook.received.map((received) => verified(received, signingSecret));
  expect(heard.map(({ type, data }) => [type, data['host'], data['mirrors']])).toEqual([
    ['host.down', host, mirrors],
    ['host.up', host, mirrors],
  ]);
  expect(slack.received.map(({ body }) => (JSON.parse(body) as { text: string }).text.split('\n')[0])).toEqual([
    `🔴 ${host} gives no answer: ${mirrors} mirrors wait`,
    `🟢 ${host} answers again: ${mirrors} mirrors go on`,
  ]);
  expect(mail.mails.map(({ raw }) => /^Subject: (.*)$/m.exec(raw)?.[1]?.trim())).toEqual([
    `[gitferry] ${host} gives no answer: ${mirrors} mirrors wait`,
    `[gitferry] ${host} answers again: ${mirrors} mirrors go on`,
  ]);
}, 120_000);
