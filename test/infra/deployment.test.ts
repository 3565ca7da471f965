import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dueShards } from '../../lib/jobs/mirror-jobs.ts';

const root = new URL('../../', import.meta.url);

describe('the resolver of parameters', () => {
  // Where no packages are.
  const folder = mkdtempSync(join(tmpdir(), 'gitferry-'));
  cpSync(new URL('infra/deployment.cjs', root), join(folder, 'infra/deployment.cjs'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const { settings, dueShards: shards } = {
    ...(createRequire(import.meta.url)(join(folder, 'infra/deployment.cjs')) as {
      settings(input: { options: object; resolveVariable(address: string): Promise<unknown> }): Promise<Record<string, unknown>>;
    }),
    ...(createRequire(import.meta.url)('../../infra/schedule.cjs') as { dueShards: number }),
  };
  const defaults: Readonly<Record<string, unknown>> = {
    ...{ alarms: 'none', architecture: 'x86_64', workerMemory: 256, workerDisk: 512, workerConcurrency: 24, workerBatch: 1 },
    ...{ allowAddresses: '', publicUrl: '', customDomain: '', certificateArn: '', vpcSubnets: '', vpcSecurityGroups: '', logLevel: 'info' },
    ...{
      logRetentionDays: 30,
      auditRetentionDays: 365,
      scheduleEnabled: true,
      tickFanOut: 1,
      throttleRate: 1000,
      throttleBurst: 2000,
      webhookReserved: 0,
      protect: false,
      restoredTable: '',
      codeCommitRepositories: '',
      signingKeys: '',
      assumedRoles: '',
      ssoSecret: '',
    },
  };
  const resolve = (given: Readonly<Record<string, unknown>>) =>
    settings({
      options: {},
      resolveVariable: async (address) => {
        const name = /^(?:param|opt):(\w+)/.exec(address)?.[1] ?? '';
        return { stage: 'dev', region: 'eu-west-1', ...defaults, ...given }[name] ?? null;
      },
    });

  it('takes the defaults of serverless.yml', async () => {
    expect(await resolve({})).toMatchObject({ workerMemory: 256, scheduleEnabled: true, tablePolicy: 'Delete', alarmActions: [] });
    expect(shards).toBe(dueShards);
  });

  it.each([
    ['stage', 'Prod'],
    ['stage', 'x'.repeat(21)],
    ['region', 'europe'],
    ['region', ''],
    ['alarms', null],
    ['alarms', 'nobody'],
    ['alarms', 'arn:aws:sqs:eu-west-1:123456789012:queue'],
    ['architecture', 'arm'],
    ['workerMemory', 128],
    ['workerMemory', '256MB'],
    ['workerDisk', 100],
    ['workerConcurrency', 1],
    ['workerConcurrency', 1001],
    ['workerBatch', 0],
    ['workerBatch', 11],
    ['allowAddresses', '10.0.0.0'],
    ['publicUrl', 'http://git.example.org'],
    ['publicUrl', 'https://git.example.org/path'],
    ['customDomain', 'https://git.example.org'],
    ['certificateArn', 'certificate'],
    ['vpcSubnets', 'subnet-x'],
    ['vpcSecurityGroups', 'default'],
    ['logLevel', 'warn'],
    ['logRetentionDays', 31],
    ['auditRetentionDays', 0],
    ['auditRetentionDays', 3651],
    ['scheduleEnabled', 'yes'],
    ['tickFanOut', 3],
    ['throttleRate', 0],
    ['webhookReserved', -1],
    ['throttleBurst', 'many'],
    ['protect', 'maybe'],
    ['restoredTable', 'a b'],
    ['codeCommitRepositories', 'a/b'],
    ['assumedRoles', 'mirror'],
    ['signingKeys', 'alias/app'],
    ['ssoSecret', 'gitferry/sso'],
  ])('refuses %s: %s', async (name, value) => {
    await expect(resolve({ [name]: value })).rejects.toThrow(new RegExp(`: ${name} (must be|is missing)`));
  });

  it('refuses packages that were built for another processor', async () => {
    mkdirSync(join(folder, 'dist/packages'), { recursive: true });
    writeFileSync(join(folder, 'dist/packages/manifest.json'), '{"architecture":"arm64"}');
    await expect(resolve({})).rejects.toThrow('architecture must be arm64');
    expect(await resolve({ architecture: 'arm64' })).toMatchObject({ architecture: 'arm64' });
    rmSync(join(folder, 'dist'), { recursive: true });
  });

  it.each([
    [{ customDomain: 'git.example.org' }, 'certificateArn'],
    [{ certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/a' }, 'customDomain'],
    [{ vpcSubnets: 'subnet-01234567' }, 'vpcSecurityGroups'],
    [{ vpcSecurityGroups: 'sg-01234567' }, 'vpcSubnets'],
  ])('wants what belongs together: %o', async (given, name) => {
    await expect(resolve(given)).rejects.toThrow(`${name} is missing`);
  });
});

describe('docs/deploy.md', () => {
  const document = readFileSync(new URL('docs/deploy.md', root), 'utf8');

  it('has a row for every parameter, in their order', () => {
    const rows = [...document.matchAll(/^\| (`[a-zA-Z]+`(?:, `[a-zA-Z]+`)*) \|.*\|$/gm)].flatMap(([, names]) =>
      [...String(names).matchAll(/[a-zA-Z]+/g)].map(String),
    );
    const { parameters } = createRequire(import.meta.url)('../../infra/deployment.cjs') as { parameters: object };
    expect(rows.filter((name) => name in parameters)).toEqual(Object.keys(parameters));
  });

  it('deploys in at most six commands', () => {
    const block = /## Deploy\n.*?```sh\n(.*?)```/s.exec(document)?.[1] ?? '';
    expect(block.trim().split('\n').length).toBeLessThanOrEqual(6);
    expect(block).toContain('osls deploy');
  });
});

describe('the policy of a deployer', () => {
  const { Statement: statements } = JSON.parse(readFileSync(new URL('infra/deployer-policy.json', root), 'utf8')) as {
    Statement: { Sid: string; Effect: string; Action: string | string[]; Resource: string | string[]; Condition?: object }[];
  };

  it('allows single actions, on what is called gitferry but where AWS knows no names', () => {
    expect(statements.length).toBeGreaterThan(10);
    for (const { Sid, Effect, Action, Resource, Condition } of statements) {
      expect([Sid, Effect]).toEqual([Sid, 'Allow']);
      for (const action of [Action].flat()) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z]+$/);
      const isNamed = [Resource].flat().every((resource) => /gitferry-|OwnerToken-/.test(resource));
      expect([Sid, isNamed || Condition !== undefined || ['WithoutResources', 'AccessLogDelivery', 'HttpApi'].includes(Sid)]).toEqual([
        Sid,
        true,
      ]);
    }
  });

  it('passes roles to Lambda only, and reads no secret', () => {
    const passing = statements.filter(({ Action }) => [Action].flat().includes('iam:PassRole'));
    expect(passing).toMatchObject([{ Condition: { StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } } }]);
    expect(statements.flatMap(({ Action }) => Action)).not.toContain('secretsmanager:GetSecretValue');
  });
});
