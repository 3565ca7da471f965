import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRecords } from '../../lib/aws/records.ts';
import { createSecretStore } from '../../lib/aws/secrets-manager.ts';
import { systemClock } from '../../lib/core/clock.ts';
import { hookSecret, newHookToken } from '../../lib/model/hook-secret.ts';
import { encodeJob } from '../../lib/model/job.ts';
import type { Records } from '../../lib/model/records.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { startTestAws, type TestAws } from '../support/aws.ts';
import { sampleMirror } from '../support/sample-records.ts';

const context = { getRemainingTimeInMillis: () => 60_000 };
/** Refused before anything is contacted. */
const settings = sampleMirror({ url: 'http://10.0.0.1/mirror.git' });

let aws: TestAws;
let records: Records;
let projectId: number;
/** Refused as well: nothing leaves this machine. */
const repositoryUrl = 'http://10.0.0.2/app.git';
const codeCommitUrl = 'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app';

beforeAll(async () => {
  aws = await startTestAws();
  Object.assign(process.env, {
    GITFERRY_TABLE: aws.tableName,
    GITFERRY_QUEUE_URL: aws.queueUrl,
    GITFERRY_SECRET_PREFIX: aws.secretPrefix,
    GITFERRY_PUBLIC_URL: 'https://gitferry.example.org',
    GITFERRY_LOG_LEVEL: 'error',
  });
  records = createRecords({ dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock });
  projectId = await newProject('group/app', repositoryUrl);
});
afterAll(() => aws.close());

async function newProject(path: string, url: string): Promise<number> {
  const common = { authMethod: 'password', credential: null, hostKeys: [], publicKey: null } as const;
  const project = await records.projects.create({ path, repositoryUrl: url, ...common }, Date.now());
  if (project === undefined) throw new Error('no project');
  return project.id;
}

async function newMirror(project = projectId): Promise<number> {
  const made = await records.mirrors.create(project, 'push', settings, { now: Date.now(), dueAt: Date.now() });
  if (made === undefined || made === 'exists') throw new Error('no mirror');
  return made.id;
}

/** Each function as Lambda calls it, against one table. */
describe('the Lambda functions', () => {
  it('webhook takes a signed delivery from API Gateway, base64 included', async () => {
    const { handler } = await import('../../functions/webhook.ts');
    await newMirror();
    const token = newHookToken(projectId);
    const hook = await records.hooks.create(projectId, { provider: 'github', tokenHash: hashToken(token) }, Date.now());
    const secrets = createSecretStore({ secrets: aws.clients.secrets, prefix: aws.secretPrefix, clock: systemClock });
    const body = JSON.stringify({ ref: 'refs/heads/main', repository: { clone_url: repositoryUrl } });
    const signature = createHmac('sha256', hookSecret(await secrets.signingKey(), hook ?? { tokenHash: '', generation: 0 }))
      .update(body)
      .digest('hex');
    const answer = await handler({
      version: '2.0',
      routeKey: 'POST /hooks/{token}',
      rawPath: `/hooks/${token}`,
      rawQueryString: '',
      headers: { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${signature}` },
      requestContext: { http: { method: 'POST', path: `/hooks/${token}`, protocol: 'HTTP/1.1', sourceIp: '203.0.113.1' } },
      body: Buffer.from(body).toString('base64'),
      isBase64Encoded: true,
    } as never);
    expect(answer).toMatchObject({ statusCode: 202 });
  });

  it('update-now asks for a run, by number and by path', async () => {
    const { handler } = await import('../../functions/update-now.ts');
    const mirror = await newMirror();
    expect(await handler({ project: projectId, mirror })).toMatchObject({ status: 'queued', next_run_at: expect.any(String) });
    expect((await handler({ project: 'group/app', mirror: String(mirror) })).status).toMatch(/^(queued|running|scheduled)$/);
    await expect(handler({ project: projectId, mirror: 999_999 })).rejects.toMatchObject({ code: 'not_found' });
    await expect(handler({ project: 'group/none', mirror })).rejects.toMatchObject({ code: 'not_found' });
    await expect(handler({ project: projectId })).rejects.toMatchObject({ code: 'invalid_arguments' });
  });

  it('worker runs what is asked for, records why it failed, and acknowledges messages that are not ours', async () => {
    const { handler } = await import('../../functions/worker.ts');
    const { handler: updateNow } = await import('../../functions/update-now.ts');
    const mirror = await newMirror();
    await updateNow({ project: projectId, mirror });
    const bodies = [encodeJob({ projectId, mirror }), encodeJob({ projectId, mirror: 888_888 }), 'not ours'];
    const answer = await handler({ Records: bodies.map((body, index) => ({ messageId: `m${index}`, body })) }, context);
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(await records.mirrors.get({ projectId, mirror })).toMatchObject({
      updateStatus: 'failed',
      lastError: { code: 'address_blocked' },
    });
  });

  it('schedule ticks, and takes an event of CodeCommit', async () => {
    const { handler } = await import('../../functions/schedule.ts');
    await newMirror(await newProject('group/code-commit', codeCommitUrl));
    expect(await handler({ 'detail-type': 'Scheduled Event', time: new Date().toISOString() }, context)).toMatchObject({ complete: true });
    // A part of a tick, as infra/schedule.cjs forms it.
    const part = { 'detail-type': 'Scheduled Event', time: new Date().toISOString(), shards: [3] };
    expect(await handler(part, context)).toMatchObject({ complete: true });
    const event = {
      'detail-type': 'CodeCommit Repository State Change',
      time: new Date().toISOString(),
      region: 'eu-west-1',
      detail: { event: 'referenceUpdated', repositoryName: 'app', referenceFullName: 'refs/heads/main' },
    };
    expect(await handler(event, context)).toMatchObject({ status: expect.stringMatching(/queued|merged/) });
  });

  it('dead-letter marks a mirror that could not be run, and keeps its request', async () => {
    const { handler } = await import('../../functions/dead-letter.ts');
    const { handler: updateNow } = await import('../../functions/update-now.ts');
    const mirror = await newMirror();
    await updateNow({ project: projectId, mirror });
    expect(await handler({ Records: [{ messageId: 'm', body: encodeJob({ projectId, mirror }) }] })).toEqual({ batchItemFailures: [] });
    const after = await records.mirrors.get({ projectId, mirror });
    expect(after).toMatchObject({ updateStatus: 'failed', lastError: { code: 'run_interrupted' } });
    expect(after?.requestedSeq).toBeGreaterThan(after?.doneSeq ?? 0);
  });

  it('hands a message back only where the table cannot be reached', async () => {
    const { handler } = await import('../../functions/worker.ts');
    const mirror = await newMirror();
    await aws.close();
    const answer = await handler({ Records: [{ messageId: 'm', body: encodeJob({ projectId, mirror }) }] }, context);
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm' }] });
    aws = await startTestAws();
  });
});
