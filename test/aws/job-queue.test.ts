import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJobQueue, createJobReceiver } from '../../lib/aws/job-queue.ts';
import { createLog } from '../../lib/core/log.ts';
import { encodeJob, parseJob } from '../../lib/model/job.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';

let aws: TestAws;
const lines: string[] = [];
const log = createLog((line) => lines.push(line), 'debug');
beforeAll(async () => {
  aws = await startTestAws();
});
afterAll(() => aws.close());

const wakeUps = (count: number, delaySeconds = 0) =>
  Array.from({ length: count }, (_, n) => ({ key: { projectId: n + 1, mirror: n % 2 === 0 ? ('pull' as const) : n }, delaySeconds }));
const queue = () => createJobQueue({ sqs: aws.clients.sqs, queueUrl: aws.queueUrl, log });
const receiver = () => createJobReceiver({ sqs: aws.clients.sqs, queueUrl: aws.queueUrl });

/** All that is in the queue now. */
async function drain(): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const messages = await receiver().receive({ waitSeconds: 0, max: 10, signal: new AbortController().signal });
    if (messages.length === 0) return bodies;
    bodies.push(...messages.map(({ body }) => body));
    await receiver().acknowledge(messages.map(({ receipt }) => receipt));
  }
}

/** A client that hands commands to this instead of sending them. */
function fakeClient(send: (input: { readonly Entries: { readonly Id: string; readonly DelaySeconds: number }[] }) => unknown): SQSClient {
  return { send: async (command: { readonly input: never }) => send(command.input) } as unknown as SQSClient;
}

describe('send', () => {
  it('sends any number, in batches of ten', async () => {
    const sent = wakeUps(37);
    expect(await queue().send(sent)).toEqual([]);
    const received = await drain();
    expect(received.map(parseJob).sort((a, b) => a!.projectId - b!.projectId)).toEqual(sent.map(({ key }) => key));
  });

  it('sends nothing for nothing', async () => {
    expect(await queue().send([])).toEqual([]);
    expect(await drain()).toEqual([]);
  });

  it('delays', async () => {
    await queue().send(wakeUps(1, 2));
    expect(await drain()).toEqual([]);
    const [message] = await receiver().receive({ waitSeconds: 10, max: 10, signal: new AbortController().signal });
    expect(parseJob(message!.body)).toEqual({ projectId: 1, mirror: 'pull' });
    await receiver().acknowledge([message!.receipt]);
  });

  it.each([
    [-5, 0],
    [0.2, 1],
    [900, 900],
    [901, 900],
  ])('asks for a delay that SQS takes: %d s becomes %d', async (delaySeconds, asked) => {
    const delays: number[] = [];
    const sqs = fakeClient(({ Entries }) => {
      delays.push(...Entries.map(({ DelaySeconds }) => DelaySeconds));
      return {};
    });
    await createJobQueue({ sqs, queueUrl: 'q', log }).send(wakeUps(1, delaySeconds));
    expect(delays).toEqual([asked]);
  });

  it('gives back those of a batch that were refused', async () => {
    const sqs = fakeClient(({ Entries }) => ({
      Failed: Entries.filter(({ Id }) => Id === '3').map(({ Id }) => ({ Id, Code: 'Throttled' })),
    }));
    const sent = wakeUps(15);
    expect(await createJobQueue({ sqs, queueUrl: 'q', log }).send(sent)).toEqual([sent[3], sent[13]]);
    expect(lines.some((line) => line.includes('wake_ups_not_sent') && line.includes('Throttled'))).toBe(true);
  });

  it('gives back all and does not throw when SQS cannot be reached', async () => {
    const sqs = new SQSClient({ endpoint: 'http://127.0.0.1:1', maxAttempts: 1, useQueueUrlAsEndpoint: false });
    const sent = wakeUps(12);
    expect(await createJobQueue({ sqs, queueUrl: 'http://127.0.0.1:1/q', log }).send(sent)).toHaveLength(12);
    sqs.destroy();
  });
});

describe('receive', () => {
  it('takes no more than asked for, and what is not acknowledged stays', async () => {
    await queue().send(wakeUps(3));
    const [message, ...more] = await receiver().receive({ waitSeconds: 1, max: 1, signal: new AbortController().signal });
    expect(more).toEqual([]);
    await drain();
    const { Messages: messages = [] } = await aws.clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: aws.queueUrl, VisibilityTimeout: 0, WaitTimeSeconds: 0 }),
    );
    expect(messages).toEqual([]);
    expect(message!.id).toMatch(/./);
    expect([1, 2, 3].map((projectId) => encodeJob({ projectId, mirror: projectId === 2 ? 1 : 'pull' }))).toContain(message!.body);
    await receiver().acknowledge([message!.receipt]);
  });

  it('rejects when SQS cannot be reached', async () => {
    const sqs = new SQSClient({ endpoint: 'http://127.0.0.1:1', maxAttempts: 1, useQueueUrlAsEndpoint: false });
    const broken = createJobReceiver({ sqs, queueUrl: 'http://127.0.0.1:1/q' });
    await expect(broken.receive({ waitSeconds: 0, max: 1, signal: new AbortController().signal })).rejects.toThrow();
    sqs.destroy();
  });

  // The last one: what comes while the endpoint still waits may be gone with it.
  it('ends at once, without messages, when it is told to', async () => {
    const controller = new AbortController();
    const started = performance.now();
    const receiving = receiver().receive({ waitSeconds: 20, max: 10, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    expect(await receiving).toEqual([]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
