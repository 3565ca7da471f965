import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import figures from '../../infra/cost-figures.json' with { type: 'json' };
import { createRecords } from '../../lib/aws/records.ts';
import { createSecretStore } from '../../lib/aws/secrets-manager.ts';
import { systemClock } from '../../lib/core/clock.ts';
import { hookSecret, newHookToken } from '../../lib/model/hook-secret.ts';
import { encodeJob } from '../../lib/model/job.ts';
import type { MirrorKey } from '../../lib/model/mirror.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { git } from '../support/git.ts';
import { sampleMirror, sampleProject } from '../support/sample-records.ts';
import { line, scenario } from '../support/scenario.ts';
import { type CountingProxy, type Counts, noCounts, startCountingProxy } from './counting-proxy.ts';

const root = new URL('../../', import.meta.url);
const context = { getRemainingTimeInMillis: () => 60_000 };
let aws: TestAws;
let proxies: Record<'dynamo' | 'sqs' | 'secrets', CountingProxy>;

beforeAll(async () => {
  aws = await startTestAws();
  const start = (name: string) => startCountingProxy(String(process.env[`AWS_ENDPOINT_URL_${name}`]));
  proxies = { dynamo: await start('DYNAMODB'), sqs: await start('SQS'), secrets: await start('SECRETS_MANAGER') };
  Object.assign(process.env, {
    // For the functions; the test's own clients exist already.
    AWS_ENDPOINT_URL_DYNAMODB: proxies.dynamo.url,
    AWS_ENDPOINT_URL_SQS: proxies.sqs.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: proxies.secrets.url,
    GITFERRY_TABLE: aws.tableName,
    GITFERRY_QUEUE_URL: aws.queueUrl,
    GITFERRY_SECRET_PREFIX: aws.secretPrefix,
    GITFERRY_PUBLIC_URL: 'https://gitferry.example.org',
    GITFERRY_ALLOW_ADDRESSES: '127.0.0.1/32',
    GITFERRY_LOG_LEVEL: 'error',
  });
});
afterAll(async () => {
  for (const proxy of Object.values(proxies)) await proxy.close();
  await aws.close();
});

interface Cost {
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly sqs: number;
  readonly secrets: number;
  readonly requests: Counts['requests'];
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  for (const proxy of Object.values(proxies)) proxy.counts = noCounts();
  await work();
  const total = (counts: Counts) => Object.values(counts.requests).reduce((sum, count) => sum + count, 0);
  const { counts } = proxies.dynamo;
  return {
    readUnits: counts.readUnits,
    writeUnits: counts.writeUnits,
    sqs: total(proxies.sqs.counts),
    secrets: total(proxies.secrets.counts),
    requests: counts.requests,
  };
}

describe('what docs/cost.md is computed from', () => {
  it('is what the functions really ask of AWS', async () => {
    const { sourceUrl, targetUrl, source, oid } = await scenario({
      parents: line,
      source: { 'heads/main': 'c1', 'heads/next': 'c2' },
      target: {},
    });
    const records = createRecords({ dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock });
    const secrets = createSecretStore({ secrets: aws.clients.secrets, prefix: aws.secretPrefix, clock: systemClock });
    const project = await records.projects.create(sampleProject({ repositoryUrl: sourceUrl }), Date.now());
    if (project === undefined) throw new Error('no project');
    const made = await records.mirrors.create(project.id, 'push', sampleMirror({ url: targetUrl }), {
      now: Date.now(),
      dueAt: Date.now() + 3600_000,
    });
    if (made === undefined || made === 'exists') throw new Error('no mirror');
    const key: MirrorKey = { projectId: project.id, mirror: made.id };
    const token = newHookToken(project.id);
    const hook = await records.hooks.create(project.id, { provider: 'github', tokenHash: hashToken(token) }, Date.now());
    const { handler: webhook } = await import('../../functions/webhook.ts');
    const { handler: worker } = await import('../../functions/worker.ts');
    const { handler: schedule } = await import('../../functions/schedule.ts');
    const body = JSON.stringify({ ref: 'refs/heads/main', repository: { clone_url: sourceUrl } });
    const signature = createHmac('sha256', hookSecret(await secrets.signingKey(), hook ?? { tokenHash: '', generation: 0 }))
      .update(body)
      .digest('hex');
    const deliver = () =>
      webhook({
        version: '2.0',
        routeKey: 'POST /hooks/{token}',
        rawPath: `/hooks/${token}`,
        rawQueryString: '',
        headers: { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${signature}` },
        requestContext: { http: { method: 'POST', path: `/hooks/${token}`, protocol: 'HTTP/1.1', sourceIp: '203.0.113.1' } },
        body,
        isBase64Encoded: false,
      } as never);
    const run = () => worker({ Records: [{ messageId: 'm', body: encodeJob(key) }] }, context);
    const tick = () => schedule({ 'detail-type': 'Scheduled Event', time: new Date().toISOString() }, context);
    const { event, runWithChange, runWithoutChange, idleTick, scheduledMirror } = figures.measured;

    // A container's first delivery reads the signing key; the next ones do not.
    expect(await costOf(deliver)).toMatchObject({ ...event, secrets: 1 });
    // The first run also notes the default branch; its three updates of the mirror are of less than 1 KB, later ones of more.
    const firstWriteUnits = runWithChange.writeUnits + 1 - 3;
    expect(await costOf(run)).toMatchObject({ readUnits: runWithChange.readUnits, writeUnits: firstWriteUnits, sqs: 0 });
    await deliver();
    expect(await costOf(run)).toMatchObject({ ...runWithoutChange, sqs: 0 });
    await git(source, ['update-ref', 'refs/heads/main', oid('c2')]);
    await deliver();
    expect(await costOf(run)).toMatchObject({ ...runWithChange, sqs: 0 });

    expect(await costOf(tick)).toMatchObject(idleTick);
    for (let n = 0; n < 20; n++)
      await records.mirrors.create(project.id, 'push', sampleMirror({ url: `${targetUrl}${n}` }), { now: 0, dueAt: 1 });
    const busy = await costOf(tick);
    expect((busy.writeUnits - idleTick.writeUnits) / 20).toBe(scheduledMirror.writeUnits);
    expect(busy.sqs / 20).toBe(scheduledMirror.sqs);
  });

  it('gives the table that is there', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL('infra/cost.mjs', root))]);
    expect(stdout.split('\n').length).toBeGreaterThan(5);
    expect(readFileSync(new URL('docs/cost.md', root), 'utf8')).toContain(stdout);
  });
});
