import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import type { AwsCredentials } from '../../lib/credentials/aws/sigv4.ts';
import { createTransport } from '../../lib/git/transport/create-transport.ts';
import { type RunSyncInput, runSync } from '../../lib/jobs/runs/run-sync.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { type CodeCommitServer, startCodeCommitServer } from '../support/code-commit-server.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { type JobBench, openJobBench } from '../support/job-bench.ts';
import { noon, plainMirror, plainProject } from '../support/mirrors.ts';
import { line, scenario } from '../support/scenario.ts';
import { signInMeans } from '../support/sign-in-means.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterAll(() => bench.close());

const worker: AwsCredentials = {
  accessKeyId: 'ASIAWORKERROLE',
  secretAccessKey: 'canary/worker+secret',
  sessionToken: 'canary-session-token',
};

async function codeCommit(options: { accepts?(): AwsCredentials; skewMs?: number } = {}) {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'v1/repos/app');
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  await git(path, ['config', 'http.receivepack', 'true']);
  const server = await startCodeCommitServer({
    root: folder.path,
    accepts: options.accepts ?? (() => worker),
    now: () => Date.now() + (options.skewMs ?? 0),
  });
  return { server, path };
}

async function run(
  { http, url }: CodeCommitServer,
  sourceUrl: string,
  input: Partial<RunSyncInput> = {},
  { aws = worker }: { readonly aws?: AwsCredentials | null } = {},
) {
  const { id } = await bench.records.credentials.create({
    ...{ name: 'role', authMethod: 'aws_iam', secretName: null, createdAt: noon, updatedAt: noon },
    allowedUrls: [new URL('/', url('x')).href],
  });
  const deadline = createDeadline(60_000);
  const guard = createAddressGuard(['127.0.0.0/8']);
  try {
    return await runSync(
      {
        mirror: { ...plainMirror, url: url('app'), authMethod: 'aws_iam', credential: { kind: 'shared', credentialId: id } },
        project: { ...plainProject, repositoryUrl: sourceUrl },
        ...{ dryRun: false, confirmDeletions: false, maxDeletionsPercent: 50, ...input },
      },
      {
        ...{ deadline, secrets: bench.secrets, credentials: bench.records.credentials, connectLfs: bench.connectLfs },
        connect: (end, until) => createTransport(end, { http, guard, deadline: until }),
        signIn: signInMeans({ clock: { now: Date.now, random: Math.random }, http, aws: aws ?? undefined }),
      },
    );
  } finally {
    deadline.clear();
  }
}

describe('a mirror on CodeCommit that signs in as a role', () => {
  it('is pushed to, each request with a signature of its own and nothing stored', async () => {
    const { server, path } = await codeCommit();
    const world = await scenario({ parents: line, source: { 'heads/main': 'c2', 'tags/v1': 'c1' }, target: {} });
    const { outcome, redactor } = await run(server, world.sourceUrl);
    expect(outcome).toMatchObject({ outcome: 'success', error: null });
    expect(Object.keys(await refsOf(path)).sort()).toEqual(['refs/heads/main', 'refs/tags/v1']);
    expect(server.signIns.length).toBeGreaterThan(1);
    expect(new Set(server.signIns.map(({ username }) => username))).toEqual(new Set(['ASIAWORKERROLE%canary-session-token']));
    for (const { password } of server.signIns) expect(redactor.redact(`it said ${password}`)).toBe('it said *****');
    expect(redactor.redact('canary-session-token')).toBe('*****');
  });

  it.each<[string, Parameters<typeof codeCommit>[0], AwsCredentials | null, string]>([
    ['whose key is not the one', { accepts: () => ({ ...worker, secretAccessKey: 'another' }) }, worker, 'permission_denied'],
    ['whose clock is off by 20 minutes', { skewMs: 20 * 60_000 }, worker, 'permission_denied'],
    ['that is not there', {}, null, 'aws_credentials_missing'],
  ])('is not when the role is one %s', async (_name, options, aws, code) => {
    const { server, path } = await codeCommit(options);
    const world = await scenario({ parents: line, source: { 'heads/main': 'c2' }, target: {} });
    const { outcome } = await run(server, world.sourceUrl, {}, { aws });
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code } });
    expect(JSON.stringify(outcome)).not.toMatch(/canary/);
    expect(await refsOf(path)).toEqual({});
  });
});
