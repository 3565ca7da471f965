import { expect, it, onTestFinished } from 'vitest';
import { createRecords } from '../../lib/aws/records.ts';
import { systemClock } from '../../lib/core/clock.ts';
import { limits } from '../../lib/core/limits.ts';
import { encodePkt } from '../../lib/git/wire/pkt-line.ts';
import { encodeJob } from '../../lib/model/job.ts';
import { startTestAws } from '../support/aws.ts';
import { sampleMirror, sampleProject } from '../support/sample-records.ts';
import { type HostileAnswer, hostileCommit, startHostileServer } from '../torture/hostile-server.ts';

const line = (index: number): Buffer => encodePkt(`${hostileCommit} refs/heads/${index}${'x'.repeat(900)}\n`);
/** Of lists, in lines: all that 32 MiB hold but for a few, and a little more than each run is left. */
const most = Math.floor((limits.listLeastMiB * 1024 * 1024) / (limits.listBytesPerRef + limits.listBytesPerByte * line(0).length)) - 100;
const small = Math.ceil(limits.listKeptBytes / (limits.listBytesPerRef + limits.listBytesPerByte * line(0).length)) + 50;

it('The lists of all runs of a process are in one account: one of two finds no room', { timeout: 60_000 }, async () => {
  const aws = await startTestAws();
  Object.assign(process.env, {
    GITFERRY_TABLE: aws.tableName,
    GITFERRY_QUEUE_URL: aws.queueUrl,
    GITFERRY_SECRET_PREFIX: aws.secretPrefix,
    GITFERRY_PUBLIC_URL: 'https://gitferry.example.org',
    GITFERRY_LOG_LEVEL: 'error',
    GITFERRY_ALLOW_ADDRESSES: '127.0.0.1/32',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
  });
  const records = createRecords({ dynamo: aws.clients.dynamo, tableName: aws.tableName, clock: systemClock });
  const sources = await Promise.all(
    [most, small].map((lines) =>
      startHostileServer({
        'ls-refs': (): HostileAnswer => ({ body: Array.from({ length: lines }, (_, index) => line(index)), staysOpen: true }),
      }),
    ),
  );
  const [{ handler: worker }, { handler: updateNow }] = await Promise.all([
    import('../../functions/worker.ts'),
    import('../../functions/update-now.ts'),
  ]);
  onTestFinished(() => aws.close());
  /** Waits for the end of its list, until there is none to come or its time is up. */
  const run = async (server: (typeof sources)[number]): Promise<string | undefined> => {
    const path = `group/${server.port}`;
    const project = await records.projects.create(sampleProject({ path, repositoryUrl: `${server.origin}/x.git` }), Date.now());
    const settings = sampleMirror({ url: `${server.origin}/y.git` });
    const made = await records.mirrors.create(project?.id ?? 0, 'push', settings, { now: Date.now(), dueAt: Date.now() });
    if (made === undefined || made === 'exists') throw new Error('no mirror');
    const key = { projectId: made.projectId, mirror: made.mirror };
    await updateNow({ project: key.projectId, mirror: key.mirror });
    await worker({ Records: [{ messageId: path, body: encodeJob(key) }] }, { getRemainingTimeInMillis: () => 10_000 });
    return (await records.mirrors.get(key))?.lastError?.code;
  };
  const runs = sources.map(run);
  await Promise.race(runs);
  // The other one has room for its list, and would wait for more of it.
  for (const server of sources) await server.close();
  expect((await Promise.all(runs)).filter((code) => code === 'memory_short')).toHaveLength(1);
});
