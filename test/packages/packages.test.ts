import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lambdaFunctions } from '../../infra/bundle-options.mjs';
import { bundleFunction } from '../../infra/packaging/bundle-function.ts';
import { lambdaTarget } from '../../infra/packaging/lambda-target.ts';
import { zipFiles } from '../../infra/packaging/zip-files.ts';
import { type Compiled, compileTemplate } from '../infra/compile-template.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { startReceiver, verified } from '../support/notify-bench.ts';
import { isAvailable } from '../support/programs.ts';
import { until } from '../support/service.ts';
import { architecture, type BuiltPackages, buildPackages, root } from './built-packages.ts';
import { type CallRecorder, region, startCallRecorder } from './call-recorder.ts';
import { type DeployedStack, deployStack, type Imitation } from './deployed-stack.ts';
import { codeCommitEvent, type HttpCall, httpEvent, queueEvent } from './lambda-events.ts';
import { type LambdaProcess, startLambda } from './lambda-process.ts';
import { resolveReferences } from './references.ts';
import { isAllowed, permissionsOf, unusedActions } from './role-policy.ts';

/** Allowed, and never called by a function: who needs them, or what keeps the story from them. */
const reasonsForUnused: Readonly<Record<string, string>> = {
  'secretsmanager:PutSecretValue':
    'the worker stores a token that renews itself, some weeks after it was made (test/e2e/gitlab-token.test.ts)',
  'logs:CreateLogStream': 'Lambda, in the function’s name',
  'logs:PutLogEvents': 'Lambda, in the function’s name',
  'sqs:ReceiveMessage': 'the event source mapping, in the function’s name',
  'sqs:DeleteMessage': 'the event source mapping, in the function’s name',
  'sqs:GetQueueAttributes': 'the event source mapping, in the function’s name',
  'secretsmanager:CreateSecret': 'the signing key is made by whichever of api and webhook needs it first',
};

const username = 'ferry';
const password = 'secret-of-the-git-host';
const relayBytes = 60_000_000;
const imitations: readonly Imitation[] = process.env['GITFERRY_TEST_AWS'] === 'moto' ? ['moto'] : ['embedded'];

// The deployed Node and a compiler for re2.
describe.skipIf(!isAvailable('compiler'))('the packages, unzipped and run by the Node they are for', () => {
  let packages: BuiltPackages;
  let compiled: Compiled;

  beforeAll(async () => {
    [packages, compiled] = await Promise.all([buildPackages(), compileTemplate({ alarms: 'none', allowAddresses: '127.0.0.1/32' })]);
  }, 600_000);
  afterAll(async () => {
    await compiled?.remove();
    await packages?.remove();
  });

  it('are small enough, and hold re2 only where a rule can ask for it', () => {
    const { totalBytes, functions } = packages.manifest;
    expect(totalBytes).toBeLessThanOrEqual(12 * 1024 * 1024);
    expect(Object.keys(functions)).toEqual(lambdaFunctions);
    const withRe2 = lambdaFunctions.filter((name) => functions[name]?.packages.includes('re2'));
    expect(withRe2).toEqual(['webhook', 'api', 'worker', 'schedule']);
  });

  it('are the same bytes when they are made again', async () => {
    const { files } = await bundleFunction('worker', root, lambdaTarget(architecture));
    const native = Object.entries(unzipSync(await readFile(join(packages.folder, 'worker.zip')))).filter(([name]) =>
      name.startsWith('node_modules/'),
    );
    const again = createHash('sha256')
      .update(zipFiles({ ...Object.fromEntries(native), ...files }))
      .digest('hex');
    expect(again).toBe(packages.manifest.functions['worker']?.sha256);
  });

  it('have source maps that name sources, and no path of this machine', async () => {
    const map = await readFile(join(packages.unzipped('worker'), 'index.mjs.map'), 'utf8');
    expect(JSON.parse(map).sources).toContain('../../../lib/jobs/runs/run-job.ts');
    for (const name of lambdaFunctions) {
      const zip = await readFile(join(packages.folder, `${name}.zip`));
      expect(zip.includes(process.cwd())).toBe(false);
      expect((await readFile(join(packages.unzipped(name), 'index.mjs'))).includes(process.cwd())).toBe(false);
    }
  });

  it('load the HTTP client only where a Git host or a channel is talked to', async () => {
    const withClient: string[] = [];
    for (const name of lambdaFunctions) {
      const { sources } = JSON.parse(await readFile(join(packages.unzipped(name), 'index.mjs.map'), 'utf8')) as {
        sources: readonly string[];
      };
      if (sources.some((source) => source.includes('/undici/'))) withClient.push(name);
    }
    expect(withClient).toEqual(['api', 'worker', 'notify']);
  });

  describe.each(imitations)('on the stack of the compiled template (%s)', (imitation) => {
    let stack: DeployedStack;
    const lambdas = new Map<string, LambdaProcess>();
    const recorders = new Map<string, CallRecorder>();
    const closers: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      stack = await deployStack(imitation, compiled.template, packages.folder);
      await Promise.all(lambdaFunctions.map(start));
    });
    afterAll(async () => {
      for (const lambda of lambdas.values()) await lambda.end();
      for (const recorder of recorders.values()) await recorder.close();
      for (const close of closers) await close();
      await stack?.close();
    });

    function described(name: string) {
      const found = Object.values(compiled.template.Resources).find(
        ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && Properties.FunctionName.endsWith(`-${name}`),
      );
      if (found === undefined) throw new Error(`the template has no ${name}`);
      return found.Properties;
    }

    async function start(name: string): Promise<void> {
      const { Environment, Timeout, MemorySize, FunctionName, Runtime, Handler } = described(name);
      expect({ Runtime, Handler }).toEqual({ Runtime: packages.manifest.runtime, Handler: 'index.handler' });
      const recorder = recorders.get(name) ?? (await startCallRecorder(stack.endpoints));
      recorders.set(name, recorder);
      const given = {
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_LAMBDA_FUNCTION_NAME: FunctionName,
        AWS_ENDPOINT_URL: recorder.origin,
      };
      const environment = { ...(resolveReferences(Environment.Variables, stack.environment) as Record<string, string>), ...given };
      const input = { node: packages.node, folder: packages.unzipped(name), environment, timeoutSeconds: Timeout, memoryMb: MemorySize };
      lambdas.set(name, await startLambda(input));
    }

    function lambda(name: string): LambdaProcess {
      const found = lambdas.get(name);
      if (found === undefined) throw new Error(`${name} is not started`);
      return found;
    }

    async function http(name: string, routeKey: string, call: HttpCall, isBinary = false) {
      const { statusCode, body, isBase64Encoded, headers } = await lambda(name).invoke(httpEvent(routeKey, call, isBinary));
      const text = isBase64Encoded === true ? Buffer.from(body, 'base64').toString() : body;
      return { status: statusCode, headers, body: text === '' || text === undefined ? undefined : text };
    }

    /** A call that has to succeed; resolves with the JSON of its answer. */
    async function api(method: string, path: string, body?: unknown) {
      const headers = { 'private-token': stack.ownerToken, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
      const call = { method, path: `/api/v4${path}`, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const answer = await http('api', 'ANY /api/v4/{proxy+}', call);
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body} ${lambda('api').log()}`);
      return answer.body === undefined ? undefined : JSON.parse(answer.body);
    }

    /** Hands what waits in the queue to a function, as its event source mapping does: what it does not name as failed is deleted. */
    async function drain(name: string, QueueUrl = stack.queueUrl): Promise<number> {
      const { clients } = stack;
      const { Messages: messages = [] } = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      if (messages.length === 0) return 0;
      expect(await lambda(name).invoke(queueEvent(QueueUrl.split('/').at(-1) ?? '', messages))).toEqual({ batchItemFailures: [] });
      for (const { ReceiptHandle } of messages) await clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      return messages.length;
    }

    const tick = () =>
      lambda('schedule').invoke({ 'detail-type': 'Scheduled Event', time: new Date().toISOString(), shards: [0, 1, 2, 3, 4, 5, 6, 7] });

    async function setItem(key: Record<string, string>, attributes: Record<string, number>): Promise<void> {
      const named = Object.entries(attributes).map(([path, value], index) => ({ path, placeholder: `:v${index}`, value }));
      const names = Object.fromEntries(Object.keys(attributes).flatMap((path) => path.split('.').map((name) => [`#${name}`, name])));
      await stack.clients.dynamo.send(
        new UpdateCommand({
          TableName: stack.environment.refs['Table'],
          Key: key,
          UpdateExpression: `SET ${named.map(({ path, placeholder }) => `#${path.split('.').join('.#')} = ${placeholder}`).join(', ')}`,
          ConditionExpression: 'attribute_exists(pk)',
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: Object.fromEntries(named.map(({ placeholder, value }) => [placeholder, value])),
        }),
      );
    }

    /** Time passes: what was to happen later is due; with `seen`, the last look at the lease was a while ago. */
    function makeDue(key: Record<string, string>, seen?: 'seen'): Promise<void> {
      const ago = Date.now() - 3600_000;
      return setItem(key, seen === undefined ? { due_at: ago } : { due_at: ago, 'seen.at': ago, 'seen.looked_at': ago });
    }

    /** A run stands in the host's waiting list. */
    async function isAwaited(host: string): Promise<boolean> {
      const found = await stack.clients.dynamo.send(
        new GetCommand({ TableName: stack.environment.refs['Table'], Key: { pk: host, sk: 'STATE' }, ConsistentRead: true }),
      );
      return found.Item?.['due_at'] !== undefined;
    }

    async function repository(folder: string, server: GitHttpServer, name: string) {
      const path = join(folder, name);
      await git(folder, ['init', '--quiet', '--bare', '--initial-branch=main', path]);
      return {
        url: server.url(name),
        refs: () => refsOf(path),
        async commit(branch: string): Promise<string> {
          const tree = await git(path, ['mktree'], { input: '' });
          const parent = (await refsOf(path))['refs/heads/main'];
          const parents = parent === undefined ? [] : ['-p', parent];
          const oid = await git(path, ['commit-tree', tree, ...parents, '-m', randomUUID()]);
          await git(path, ['update-ref', `refs/heads/${branch}`, oid]);
          return oid;
        },
      };
    }

    it('carry a commit from a signed webhook to the mirror, and do whatever else they are for', async () => {
      const folder = await temporaryFolder();
      closers.push(folder.remove);
      let hangs = false;
      let hanging = 0;
      const intercept = (): boolean => {
        if (hangs) hanging++;
        return hangs;
      };
      const server = await startGitHttpServer({ root: folder.path, basic: { username, password }, intercept });
      closers.push(server.close);
      const source = await repository(folder.path, server, 'app.git');
      const target = await repository(folder.path, server, 'mirror.git');
      const first = await source.commit('main');
      for (const { node } of lambdas.values()) expect(node).toMatch(/^22\./);

      // The first delivery makes the key that all are proved with.
      const unknown = { method: 'POST', path: '/hooks/unknown', headers: { 'x-github-event': 'push' }, body: '{}' };
      expect((await http('webhook', 'POST /hooks/{token}', unknown)).status).toBe(401);

      // A project and a mirror, by the API: the first run starts by itself. Little waiting, and one place at the host, so that a dead run's is taken over.
      await api('PUT', '/application/settings', { push_min_interval: 1, max_runs_per_host: 1 });
      const receiver = await startReceiver();
      closers.push(receiver.close);
      const hears = { name: 'builds', kind: 'webhook', url: receiver.url, events: ['mirror.updated'] };
      const { signing_secret: signingSecret } = await api('POST', '/notification_channels', hears);
      const { id: project } = await api('POST', '/projects', { path: 'group/app', repository_url: source.url, username, password });
      await api('POST', `/projects/${project}/protected_branches`, { name: 'release/*' });
      const mirrorUrl = target.url.replace('http://', `http://${username}:${password}@`);
      const { id: mirror } = await api('POST', `/projects/${project}/remote_mirrors`, {
        url: mirrorUrl,
        enabled: true,
        mirror_branch_regex: '^(main|feature/.*)$',
      });
      expect(await drain('worker')).toBe(1);
      expect(await target.refs()).toEqual({ 'refs/heads/main': first });

      // A push, told by a webhook whose body comes as base64. Another branch is none of the mirror's business.
      const hook = await api('POST', `/projects/${project}/incoming_hooks`, { provider: 'github' });
      const second = await source.commit('feature/x');
      await source.commit('other');
      const deliver = (branch: string, secret = hook.secret) => {
        const body = JSON.stringify({
          ref: `refs/heads/${branch}`,
          after: second,
          repository: { clone_url: source.url, full_name: 'group/app' },
        });
        const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
        const headers = {
          'content-type': 'application/json',
          'x-github-event': 'push',
          'x-github-delivery': randomUUID(),
          'x-hub-signature-256': signature,
        };
        return http('webhook', 'POST /hooks/{token}', { method: 'POST', path: new URL(hook.url).pathname, headers, body }, true);
      };
      expect((await deliver('feature/x', 'wrong')).status).toBe(401);
      expect(JSON.parse((await deliver('other')).body).status).toBe('ignored');
      expect(await deliver('feature/x')).toMatchObject({ status: 202 });
      await until('the commit on the mirror', async () => {
        await drain('worker');
        return (await target.refs())['refs/heads/feature/x'] === second ? second : undefined;
      });
      expect(await target.refs()).toEqual({ 'refs/heads/main': first, 'refs/heads/feature/x': second });
      const shown = await api('GET', `/projects/${encodeURIComponent('group/app')}/remote_mirrors/${mirror}`);
      expect(shown).toMatchObject({ update_status: 'finished', last_error: null });
      expect((await api('GET', `/projects/${project}/remote_mirrors/${mirror}/runs`)).length).toBeGreaterThanOrEqual(2);
      expect((await api('GET', `/projects/${project}/remote_mirrors/${mirror}/plan`)).outcome).toBe('success');
      expect(await api('GET', `/projects/${project}/events`)).not.toEqual([]);

      // Update now, by direct invocation.
      const third = await source.commit('main');
      const asked = await lambda('update-now').invoke({ project: 'group/app', mirror });
      expect(asked).toMatchObject({ status: expect.stringMatching(/queued|scheduled/) });
      await expect(lambda('update-now').invoke({ project })).rejects.toMatchObject({ code: 'invalid_arguments' });
      await until('the update', async () => {
        await drain('worker');
        return (await target.refs())['refs/heads/main'] === third ? third : undefined;
      });

      // A pull mirror, which one run after another is made for: its schedule comes round, a worker dies in the middle, a host cannot be reached.
      await api('PUT', `/projects/${project}/mirror/pull`, {
        enabled: true,
        url: target.url,
        auth_user: username,
        auth_password: password,
      });
      await until('the pull', async () => ((await drain('worker')) > 0 ? true : undefined));
      const key = { pk: `PROJECT#${project}`, sk: `MIRROR#${mirror}` };
      await makeDue(key);
      expect(await tick()).toMatchObject({ complete: true, started: 1 });
      await until('the scheduled run', async () => ((await drain('worker')) > 0 ? true : undefined));

      const fourth = await source.commit('main');
      hangs = true;
      await lambda('update-now').invoke({ project, mirror });
      const dying = until('a run that hangs', async () => ((await drain('worker')) > 0 ? true : undefined)).catch(() => 'died');
      await until('the host to be asked', async () => (hanging > 0 ? true : undefined));
      await lambda('worker').end();
      expect(await dying).toBe('died');
      hangs = false;
      await start('worker');
      // Its place looks like that of a very long run: a further mirror's run looks whether it lives, finds it does, and waits.
      const host = `HOST#${new URL(source.url).hostname}`;
      await setItem({ pk: host, sk: 'SLOT#0' }, { taken_at: Date.now() - 3600_000 });
      const spare = await repository(folder.path, server, 'spare.git');
      await api('POST', `/projects/${project}/remote_mirrors`, {
        url: spare.url.replace('http://', `http://${username}:${password}@`),
        enabled: true,
      });
      await until('a run that waits for a place', async () => {
        await drain('worker');
        return (await isAwaited(host)) ? true : undefined;
      });
      await makeDue(key);
      expect(await tick()).toMatchObject({ leases_seen: 1 });
      await makeDue(key, 'seen');
      expect(await tick()).toMatchObject({ leases_broken: 1 });
      // The tick gives the dead run's place to the one that waits; when that leaves, the next one comes.
      await makeDue({ pk: host, sk: 'STATE' });
      expect(await tick()).toMatchObject({ hosts_seen: 1 });
      await lambda('update-now').invoke({ project, mirror });
      await until('the run that waited', async () => {
        await drain('worker');
        return (await spare.refs())['refs/heads/main'] === fourth ? fourth : undefined;
      });
      await until('the update after the dead one', async () => {
        await drain('worker');
        return (await target.refs())['refs/heads/main'] === fourth ? fourth : undefined;
      });

      // Machines are told of refs that moved; what was left for a change that never took place is dropped.
      const lost = { id: 'lost', type: 'mirror.failing', at: Date.now(), since: Date.now(), mirror: { projectId: project, mirror } };
      const Item = {
        pk: 'NOTICE#lost',
        sk: 'NOTICE',
        due_shard: 'DUE#0',
        due_at: 1,
        notice: { ...lost, ifNoted: { leaseToken: 'of nobody' } },
      };
      await stack.clients.dynamo.send(new PutCommand({ TableName: stack.environment.refs['Table'], Item }));
      expect(await tick()).toMatchObject({ notices_sent: expect.any(Number) });
      await until('the notices', async () => ((await drain('notify', stack.notifyQueueUrl)) === 0 ? true : undefined));
      const told = receiver.received.map((received) => verified(received, signingSecret));
      expect(told.map(({ type }) => type)).toContain('mirror.updated');
      expect(JSON.stringify(told)).toContain(fourth);
      expect(told.map(({ type }) => type)).not.toContain('mirror.failing');

      const unreachable = await api('POST', `/projects/${project}/remote_mirrors`, { url: 'http://127.0.0.1:1/x.git', enabled: true });
      await until('the attempt', async () => ((await drain('worker')) > 0 ? true : undefined));
      const refused = await api('GET', `/projects/${project}/remote_mirrors/${unreachable.id}`);
      expect(refused).toMatchObject({ update_status: 'to_retry' });

      // CodeCommit's event asks for a run; its message ends among the dead letters.
      const repositoryUrl = `https://git-codecommit.${region}.amazonaws.com/v1/repos/app`;
      const { id: other } = await api('POST', '/projects', { path: 'group/aws', repository_url: repositoryUrl, username, password });
      const regexMirror = { url: target.url, enabled: true, mirror_branch_regex: '^ma' };
      const { id: otherMirror } = await api('POST', `/projects/${other}/remote_mirrors`, regexMirror);
      expect(await lambda('schedule').invoke(codeCommitEvent('app', 'main'))).toMatchObject({ mirrors: 1 });
      expect(await lambda('schedule').invoke(codeCommitEvent('app', 'other'))).toMatchObject({ mirrors: 0 });
      await until('the dead letter', async () => ((await drain('dead-letter')) > 0 ? true : undefined));
      expect(await api('GET', `/projects/${other}/remote_mirrors/${otherMirror}`)).toMatchObject({ update_status: 'failed' });

      // The rest of the API that reaches other tables' corners: shared credentials, tokens, silent mode, and what is deleted with its secrets.
      const allowed_urls = [new URL('/', target.url).href];
      const credential = await api('POST', '/credentials', { name: 'robot', username, password, allowed_urls });
      const heir = await api('POST', '/credentials', { name: 'heir', username, password, allowed_urls });
      await api('PUT', `/projects/${project}/remote_mirrors/${mirror}`, { credential_id: credential.id });
      await api('POST', `/credentials/${credential.id}/transfer`, { to: heir.id });
      await api('PUT', `/credentials/${heir.id}`, { password: `${password}-new` });
      await api('DELETE', `/credentials/${credential.id}`);
      const token = await api('POST', '/personal_access_tokens', { name: 'ci', role: 'reporter' });
      await api('DELETE', `/personal_access_tokens/${token.id}`);
      await api('PUT', '/application/settings', { silent_mode_enabled: true });
      await api('PUT', '/application/settings', { silent_mode_enabled: false });
      expect((await api('GET', '/projects')).length).toBe(2);
      await api('DELETE', `/projects/${project}/incoming_hooks/${hook.id}`);
      await api('DELETE', `/projects/${project}`);

      for (const name of lambdaFunctions) expect(lambda(name).log()).not.toContain(password);
    });

    it('relay a large pack within the memory that the worker has', async () => {
      const folder = await temporaryFolder();
      closers.push(folder.remove);
      const server = await startGitHttpServer({ root: folder.path });
      closers.push(server.close);
      const source = await repository(folder.path, server, 'large.git');
      const target = await repository(folder.path, server, 'large-mirror.git');
      const head = `commit refs/heads/main\ncommitter T <t@e> 1700000000 +0000\ndata 1\nx\nM 100644 inline f\ndata ${relayBytes}\n`;
      const input = Buffer.concat([Buffer.from(head), randomBytes(relayBytes), Buffer.from('\n')]);
      await git(join(folder.path, 'large.git'), ['-c', 'pack.compression=0', 'fast-import', '--quiet'], { input });
      await api('PUT', '/application/settings', { max_runs_per_host: 8 });
      const { id } = await api('POST', '/projects', { path: 'group/large', repository_url: source.url });
      await api('POST', `/projects/${id}/remote_mirrors`, { url: target.url, enabled: true });
      const refs = await source.refs();
      await until('the relay', async () => {
        await drain('worker');
        return (await target.refs())['refs/heads/main'] === refs['refs/heads/main'] ? true : undefined;
      });
      // Lambda's own share of the memory is a few MB.
      expect(await lambda('worker').peakBytes()).toBeLessThan(described('worker').MemorySize * 1024 * 1024 * 0.9);
    });

    it.each(lambdaFunctions)('%s made only calls that its role allows', (name) => {
      const permissions = permissionsOf(described(name).Role['Fn::GetAtt'][0], compiled.template, stack.policies);
      const calls = recorders.get(name)?.calls ?? [];
      const refused = calls.filter((call) => !isAllowed(call, permissions)).map(({ action, resources }) => `${action} ${resources}`);
      expect([...new Set(refused)]).toEqual([]);
      expect(calls.length).toBeGreaterThan(0);
    });

    it.each(lambdaFunctions)('%s has a role without a call that nobody makes', (name) => {
      const permissions = permissionsOf(described(name).Role['Fn::GetAtt'][0], compiled.template, stack.policies);
      const unused = unusedActions(recorders.get(name)?.calls ?? [], permissions);
      expect(unused.filter((action) => reasonsForUnused[action] === undefined)).toEqual([]);
    });
  });
});
