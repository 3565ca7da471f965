/** A conditional write whose response was lost is known again when the SDK repeats it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AwsClients, createAwsClients } from '../../lib/aws/clients.ts';
import { createHosts } from '../../lib/aws/hosts.ts';
import { createMirrorJobs } from '../../lib/aws/mirrors/mirror-jobs.ts';
import { createRecords } from '../../lib/aws/records.ts';
import { healthy } from '../../lib/jobs/hosts/host-health.ts';
import type { DueMirror, MirrorJobs, Release } from '../../lib/jobs/mirror-jobs.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { hour, noon, putMirror } from '../support/mirrors.ts';
import { type EndpointCall, type EndpointProxy, startEndpointProxy } from '../torture/endpoint-proxy.ts';

// The table has done what it was asked for, its answer is lost, and the SDK asks again: a conditional write then finds its own work there.

let aws: TestAws;
let proxy: EndpointProxy;
let clients: AwsClients;
let jobs: MirrorJobs;
let lost = 0;

beforeAll(async () => {
  aws = await startTestAws();
  proxy = await startEndpointProxy(process.env['AWS_ENDPOINT_URL_DYNAMODB'] ?? '');
  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = proxy.url;
  clients = createAwsClients();
  jobs = createMirrorJobs({ dynamo: clients.dynamo, tableName: aws.tableName });
});
afterAll(async () => {
  clients.close();
  await proxy.close();
  await aws.close();
});

/** The answer to the next write that does something is lost. */
function loseNextAnswer(): void {
  lost = 0;
  const isWrite = ({ operation }: EndpointCall): boolean => operation === 'UpdateItem' || operation === 'PutItem';
  proxy.hooks = {
    before: (call) => (isWrite(call) ? 'lost answer if done' : undefined),
    after: (call, status) => {
      if (!isWrite(call) || status !== 200) return;
      lost++;
      proxy.hooks = {};
    },
  };
}

const byHand = { trigger: { kind: 'manual', who: 'ada' }, now: noon, startAt: noon, confirmDeletions: true, resume: true } as const;
const settled: Release = { status: { updateStatus: 'finished' }, now: noon, nextDueAt: noon + 6 * hour, followUpAt: noon + 10_000 };

async function leased() {
  const mirror = await putMirror(aws);
  await jobs.request(mirror, byHand);
  await jobs.acquire(mirror, { token: 'mine', now: noon });
  return mirror;
}

it('a request sees that nobody has sent a message for it yet', async () => {
  const mirror = await putMirror(aws);
  loseNextAnswer();
  expect(await jobs.request(mirror, byHand)).toMatchObject({ queuedAt: null, leaseToken: null });
  expect(lost).toBe(1);
  // Another one of a moment later is merged.
  expect(await jobs.request(mirror, { ...byHand, now: noon + 1 })).toMatchObject({ queuedAt: noon });
});

it('a request that un-pauses a mirror is not taken for refused', async () => {
  const mirror = await putMirror(aws, { paused: true });
  loseNextAnswer();
  expect(await jobs.request(mirror, byHand)).toMatchObject({ queuedAt: null });
  expect(await jobs.get(mirror)).toMatchObject({ paused: false, queuedAt: noon });
});

it('a lease that is taken remembers who asked for the run, since when, and what was confirmed', async () => {
  const mirror = await putMirror(aws);
  await jobs.request(mirror, byHand);
  loseNextAnswer();
  expect(await jobs.acquire(mirror, { token: 'mine', now: noon + 5_000 })).toMatchObject({
    leaseToken: 'mine',
    runTrigger: byHand.trigger,
    runConfirmDeletions: true,
    runRequestedAt: noon,
  });
  expect(lost).toBe(1);
});

it.each([
  ['done', 'nothing came meanwhile', settled, false],
  ['queued', 'a request came meanwhile', settled, true],
  ['queued', 'it is to be tried again', { ...settled, again: { startAt: noon, trigger: byHand.trigger, confirmDeletions: false } }, false],
  ['done', 'it is paused now', { ...settled, status: { paused: true } }, false],
] as const)('a lease that is given back is %s, not lost, where %s', async (answer, _, release, isAskedAgain) => {
  const mirror = await leased();
  if (isAskedAgain) await jobs.request(mirror, { ...byHand, now: noon + 1 });
  loseNextAnswer();
  expect(await jobs.release(mirror, 'mine', release)).toBe(answer);
  expect(lost).toBe(1);
  expect(await jobs.release(mirror, 'mine', release)).toBe('lost');
});

it('a lease that is broken counts as broken, once', async () => {
  const mirror = await leased();
  const due: DueMirror = { ...mirror, leaseToken: 'mine', leaseBeat: 0, heldUntil: null, seen: null, resendWaitMs: 0, dueAt: noon };
  loseNextAnswer();
  expect(await jobs.breakLease(due, () => settled)).toMatchObject({ leaseToken: 'mine' });
  expect(lost).toBe(1);
  expect(await jobs.breakLease(due, () => settled)).toBeUndefined();
});

it('a place at a host is taken once', async () => {
  const hosts = createHosts({ dynamo: clients.dynamo, tableName: aws.tableName });
  const [one, other] = [await putMirror(aws, { leaseToken: 'one' }), await putMirror(aws, { leaseToken: 'other' })];
  loseNextAnswer();
  expect(await hosts.take('host.example.org', { slot: 0 }, { key: one, credentialId: null, leaseToken: 'one', now: noon })).toBe(true);
  expect(lost).toBe(1);
  expect(await hosts.take('host.example.org', { slot: 0 }, { key: other, credentialId: null, leaseToken: 'other', now: noon })).toBe(false);
});

it('what is noted of a host is noted once, and whoever noted it knows', async () => {
  const hosts = createHosts({ dynamo: clients.dynamo, tableName: aws.tableName });
  const view = await hosts.view('noted.example.org');
  loseNextAnswer();
  expect(await hosts.note(view, { ...healthy, downSince: noon })).toBe(true);
  expect(lost).toBe(1);
  expect(await hosts.note(view, { ...healthy, downSince: noon + 1 })).toBe(false);
});

it('a form is carried out for the first time once', async () => {
  const { sessions } = createRecords({ dynamo: clients.dynamo, tableName: aws.tableName, clock: { now: () => noon, random: () => 0 } });
  const session = { sessionHash: 'hash', tokenHash: 'token', tokenId: 1, createdAt: noon, expiresAt: noon + hour };
  loseNextAnswer();
  expect(await sessions.claimForm(session, 'a-form-of-a-page')).toBe(true);
  expect(lost).toBe(1);
  expect(await sessions.claimForm(session, 'a-form-of-a-page')).toBe(false);
});
