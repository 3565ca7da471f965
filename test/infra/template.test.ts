import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tableDefinition } from '../../lib/aws/table/table.ts';
import { settingNames } from '../../lib/core/service-settings.ts';
import { dueShards } from '../../lib/jobs/mirror-jobs.ts';
import { secretKinds } from '../../lib/model/secret-store.ts';
import { account, region, secretArn } from '../packages/call-recorder.ts';
import { isAllowed, permissionsOf } from '../packages/role-policy.ts';
import { type Compiled, compileTemplate, type Template } from './compile-template.ts';
import { exceptions, statementsOf, violations } from './template-rules.ts';

/** As small as can be, and with everything that can be chosen. */
let plain: Compiled;
let full: Compiled;
beforeAll(async () => {
  const compilingPlain = compileTemplate({ alarms: 'none' });
  full = await compileTemplate(
    {
      alarms: 'ops@example.org',
      customDomain: 'git.example.org',
      certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/0a-b',
      vpcSubnets: 'subnet-0123456789abcdef0,subnet-0123456789abcdef1',
      vpcSecurityGroups: 'sg-0123456789abcdef0',
      allowAddresses: '10.0.0.0/8, fd00::/8',
      tickFanOut: '8',
      restoredTable: 'gitferry-restored',
      codeCommitRepositories: 'app, infra-*',
      signingKeys: 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd',
      assumedRoles: 'arn:aws:iam::123456789012:role/mirror',
      ssoSecret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:people-a1b2c3',
      scheduleEnabled: 'false',
    },
    'prod',
  );
  plain = await compilingPlain;
});
afterAll(async () => {
  await plain?.remove();
  await full?.remove();
});

const both = [
  ['with defaults', () => plain],
  ['with everything', () => full],
] as const;

describe.each(both)('the compiled template %s', (_name, compiled) => {
  it('breaks no rule', () => {
    expect(violations(compiled().template, settingNames)).toEqual([]);
  });
});

const cfnLint = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'cfn-lint'))
  .find((path) => existsSync(path));
// A Python program that Debian does not have: used where it is.
describe.runIf(cfnLint !== undefined)('cfn-lint', () => {
  it('finds nothing but W3005, which osls causes', async () => {
    const run = promisify(execFile)(String(cfnLint), ['-i', 'W3005', '--', plain.file, full.file]);
    expect((await run.catch((error: { stdout: string }) => error)).stdout).toBe('');
  });
});

/** Each breaks a copy of the template in one place. */
const breaks: readonly (readonly [string, (resources: Template['Resources']) => void, RegExp])[] = [
  [
    'an action with a wildcard',
    (r) =>
      statementsOf(r['WorkerRole']!)[1]!.Action === undefined ||
      Object.assign(statementsOf(r['WorkerRole']!)[1]!, { Action: ['dynamodb:*'] }),
    /WorkerRole: the wildcard dynamodb:\*/,
  ],
  ['a resource with a wildcard', (r) => Object.assign(statementsOf(r['ApiRole']!)[1]!, { Resource: '*' }), /ApiRole: the wildcard \* /],
  [
    'a policy for everybody',
    (r) => Object.assign(statementsOf(r['JobQueuePolicy']!)[0]!, { Effect: 'Allow' }),
    /JobQueuePolicy: allows everybody/,
  ],
  [
    'a variable that nothing reads',
    (r) => Object.assign(r['ApiLambdaFunction']!.Properties.Environment.Variables, { GITFERRY_OLD: '' }),
    /nothing reads GITFERRY_OLD/,
  ],
  [
    'a variable that is missing',
    (r) => delete r['WorkerLambdaFunction']!.Properties.Environment.Variables.GITFERRY_TABLE,
    /GITFERRY_TABLE is not set/,
  ],
  ['no log group', (r) => delete r['WebhookLogGroup'], /without a retention/],
  ['no retention', (r) => delete r['HttpApiLogGroup']!.Properties.RetentionInDays, /HttpApiLogGroup: logs are kept/],
  [
    'a shared role',
    (r) => Object.assign(r['WebhookLambdaFunction']!.Properties, { Role: r['ApiLambdaFunction']!.Properties.Role }),
    /no role of its own/,
  ],
  ['another invoker', (r) => Object.assign(r['CodeCommitRulePermission']!.Properties, { Principal: '*' }), /lets \* invoke/],
  ['an address of a function', (r) => Object.assign(r, { Url: { Type: 'AWS::Lambda::Url', Properties: {} } }), /address of its own/],
  [
    'another public function',
    (r) => Object.assign(r['HttpApiIntegrationApi']!.Properties, { IntegrationUri: { 'Fn::GetAtt': ['WorkerLambdaFunction', 'Arn'] } }),
    /another function public/,
  ],
  ['no throttling', (r) => delete r['HttpApiStage']!.Properties.DefaultRouteSettings, /is not throttled/],
  [
    'paths in the access log',
    (r) => Object.assign(r['HttpApiStage']!.Properties.AccessLogSettings, { Format: '$context.routeKey $context.path' }),
    /log has paths/,
  ],
  ['no dead letters', (r) => delete r['JobQueue']!.Properties.RedrivePolicy, /no dead letters/],
  ['a queue in the clear', (r) => delete r['JobQueue']!.Properties.SqsManagedSseEnabled, /JobQueue: is not encrypted/],
  ['a queue without its policy', (r) => delete r['DeadLetterQueuePolicy'], /DeadLetterQueue: can be used without TLS/],
  ['a short visibility timeout', (r) => Object.assign(r['JobQueue']!.Properties, { VisibilityTimeout: 900 }), /visible again too soon/],
  ['whole batches', (r) => delete r['WorkerEventSourceMappingSQSJobQueue']!.Properties.FunctionResponseTypes, /fails its batch/],
  ['unbounded workers', (r) => delete r['WorkerEventSourceMappingSQSJobQueue']!.Properties.ScalingConfig, /no bound/],
  ['an open bucket', (r) => delete r['ServerlessDeploymentBucket']!.Properties.PublicAccessBlockConfiguration, /can be made public/],
  ['no recovery', (r) => delete r['Table']!.Properties.PointInTimeRecoverySpecification, /cannot be restored/],
  ['no expiry', (r) => delete r['Table']!.Properties.TimeToLiveSpecification, /nothing expires/],
];

describe('the rules', () => {
  it.each(breaks)('see %s', (_what, damage, sentence) => {
    const { template } = plain;
    const copy = structuredClone(template);
    damage(copy.Resources);
    expect(violations(copy, settingNames).join('\n')).toMatch(sentence);
  });

  it('list no exception that nothing needs, and each with a reason', () => {
    for (const { resource, wildcard, reason } of exceptions) {
      expect(reason.length).toBeGreaterThan(20);
      const users = Object.entries(full.template.Resources).filter(
        ([name, each]) =>
          resource.test(name) && statementsOf(each).some((statement) => textsOf(statement).some((text) => wildcard.test(text))),
      );
      expect(users.length, String(wildcard)).toBeGreaterThan(0);
    }
  });
});

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

describe('the secrets of a stack', () => {
  const keeping = ['GetSecretValue', 'CreateSecret', 'PutSecretValue', 'DeleteSecret'];
  const making = ['GetSecretValue', 'CreateSecret'];
  const reading = ['GetSecretValue'];
  const pseudo = { 'AWS::Region': region, 'AWS::AccountId': account, 'AWS::Partition': 'aws' };
  const refs = { ...pseudo, OwnerToken: secretArn('OwnerToken-x') };
  const resource = (service: string, name: string) => `arn:aws:${service}:${region}:${account}:${name}`;
  const attributes = {
    'Table.Arn': resource('dynamodb', 'table/t'),
    'JobQueue.Arn': resource('sqs', 'q'),
    'NotifyQueue.Arn': resource('sqs', 'n'),
    'DeadLetterQueue.Arn': resource('sqs', 'd'),
  };

  it.each<[string, Readonly<Record<string, readonly string[]>>]>([
    ['WebhookRole', { 'signing-key': making }],
    ['ApiRole', { 'signing-key': making, credentials: keeping, shared: keeping, channels: keeping, 'owner-token': reading }],
    ['WorkerRole', { credentials: reading, shared: ['GetSecretValue', 'PutSecretValue'] }],
    ['ScheduleRole', {}],
    ['UpdateNowRole', {}],
    ['NotifyRole', { channels: reading }],
    ['DeadLetterRole', {}],
  ])('are no business of %s but for what it needs', (role, expected) => {
    const stack = plain.template.Resources['WorkerLambdaFunction']!.Properties.Environment.Variables.GITFERRY_SECRET_PREFIX;
    const names: Readonly<Record<string, readonly string[]>> = {
      'signing-key': [`${stack}signing-key`],
      channels: [`${stack}channel/${'0'.repeat(32)}`],
      shared: [`${stack}credential/${'0'.repeat(32)}`],
      credentials: secretKinds.filter((kind) => kind === 'mirror' || kind === 'project').map((kind) => `${stack}${kind}/${'0'.repeat(32)}`),
      'owner-token': [refs.OwnerToken],
      // Of another stage, and of nothing that gitferry keeps.
      others: ['gitferry-other/signing-key', 'gitferry-other/mirror/0', 'something', `${stack}something/0`],
    };
    const permissions = permissionsOf(role, plain.template, { refs, attributes });
    for (const [group, members] of Object.entries(names)) {
      for (const name of members) {
        const actions = [...keeping, 'ListSecrets', 'UpdateSecret', 'PutResourcePolicy'].filter((action) =>
          isAllowed({ action: `secretsmanager:${action}`, resources: [secretArn(name)] }, permissions),
        );
        expect(actions, `${role} on ${name}`).toEqual(expected[group] ?? []);
      }
    }
  });

  it('hold the identity providers for the api alone, and only where they are named', () => {
    const policy = full.template.Resources['SingleSignOnPolicy']!.Properties;
    expect([policy.Roles, policy.PolicyDocument.Statement]).toEqual([
      [{ Ref: 'ApiRole' }],
      [
        {
          Effect: 'Allow',
          Action: ['secretsmanager:GetSecretValue'],
          Resource: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:people-a1b2c3',
        },
      ],
    ]);
    expect(plain.template.Resources['SingleSignOnPolicy']).toBeUndefined();
  });

  it('belong to roles that are all looked at here', () => {
    const roles = Object.entries(plain.template.Resources).flatMap(([name, { Type }]) => (Type === 'AWS::IAM::Role' ? [name] : []));
    const withSecrets = roles.filter((name) => JSON.stringify(plain.template.Resources[name]).includes('secretsmanager:'));
    expect(withSecrets.sort()).toEqual(['ApiRole', 'NotifyRole', 'WebhookRole', 'WorkerRole']);
  });
});

describe('the template', () => {
  it('has the table that the code expects', () => {
    const { TableName: _own, ...definition } = tableDefinition('any');
    const { AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode, TimeToLiveSpecification } =
      plain.template.Resources['Table']!.Properties;
    expect({ AttributeDefinitions, KeySchema, GlobalSecondaryIndexes, BillingMode }).toEqual(definition);
    expect(TimeToLiveSpecification).toEqual({ AttributeName: 'expires_at', Enabled: true });
  });

  it('keeps the table of prod, and lets that of other stages go', () => {
    expect(plain.template.Resources['Table']).toMatchObject({ DeletionPolicy: 'Delete', Properties: { DeletionProtectionEnabled: false } });
    expect(full.template.Resources['Table']).toMatchObject({ DeletionPolicy: 'Retain', Properties: { DeletionProtectionEnabled: true } });
  });

  it('lets the functions work on a restored table, and name no other in their roles', () => {
    const { Resources: resources } = full.template;
    const roles = Object.values(resources).filter(({ Type }) => Type === 'AWS::IAM::Role');
    const arns = roles.flatMap((role) =>
      statementsOf(role).flatMap((statement) =>
        JSON.stringify(statement).includes('dynamodb:') ? [JSON.stringify(statement.Resource)] : [],
      ),
    );
    expect(arns.length).toBeGreaterThanOrEqual(6);
    for (const arn of arns) expect(arn).toContain(':table/gitferry-restored');
    expect(resources['WorkerLambdaFunction']!.Properties.Environment.Variables.GITFERRY_TABLE).toBe('gitferry-restored');
  });

  it('sends the parts of a tick to all shards once, with the time of EventBridge and no second try', () => {
    for (const { template } of [plain, full]) {
      const rules = Object.entries(template.Resources).filter(([name]) => /^TickRule\d$/.test(name));
      expect(rules).toHaveLength(template === plain.template ? 1 : 8);
      const inputs = rules.map(([, { Properties }]) => {
        expect(Properties.ScheduleExpression).toBe('rate(1 minute)');
        expect(Properties.Targets).toHaveLength(1);
        expect(Properties.Targets[0].RetryPolicy).toMatchObject({ MaximumRetryAttempts: 0 });
        const { InputPathsMap: paths, InputTemplate: text } = Properties.Targets[0].InputTransformer;
        expect(paths).toEqual({ type: '$.detail-type', time: '$.time' });
        return JSON.parse(text.replaceAll(/<\w+>/g, (name: string) => JSON.stringify(name)));
      });
      expect(inputs.flatMap(({ shards }) => shards).sort()).toEqual(Array.from({ length: dueShards }, (_, shard) => shard));
    }
    expect(full.template.Resources['TickRule0']!.Properties.State).toBe('DISABLED');
    expect(plain.template.Resources['ScheduleLambdaEvConf']!.Properties).toMatchObject({ Qualifier: '$LATEST', MaximumRetryAttempts: 0 });
    expect(plain.template.Resources['ScheduleEventsInvokeConfig']!.Properties).toMatchObject({
      Qualifier: 'events',
      MaximumRetryAttempts: 2,
    });
  });

  it('gives the api its own address, or that of the domain', () => {
    const urlOf = ({ template }: Compiled) => template.Resources['ApiLambdaFunction']!.Properties.Environment.Variables.GITFERRY_PUBLIC_URL;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's
    expect(urlOf(plain)).toEqual({ 'Fn::Sub': 'https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}' });
    expect(urlOf(full)).toBe('https://git.example.org');
    expect(full.template.Outputs['WebhookBase']!.Value).toBe('https://git.example.org/hooks/');
  });

  it('routes webhooks to the webhook function and everything else to the api', () => {
    const routes = Object.values(plain.template.Resources).filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route');
    const targets = routes.map(({ Properties: { RouteKey: key, Target: target } }) => `${key} ${target['Fn::Join'][1][1].Ref}`);
    expect(targets.sort()).toEqual([
      '$default HttpApiIntegrationApi',
      'ANY /api/v4/{proxy+} HttpApiIntegrationApi',
      'GET /health HttpApiIntegrationApi',
      'POST /hooks/{token} HttpApiIntegrationWebhook',
    ]);
  });

  it('lets worker and api into CodeCommit where repositories are named, and into roles that are, nowhere else', () => {
    const policy = (compiled: typeof plain) => compiled.template.Resources['MachineCredentialsPolicy']?.Properties;
    expect(policy(plain)).toBeUndefined();
    expect(JSON.stringify(plain.template)).not.toMatch(/codecommit:Git|sts:AssumeRole.*role\/mirror/);
    expect(policy(full)?.['Roles']).toEqual([{ Ref: 'WorkerRole' }, { Ref: 'ApiRole' }]);
    const at = (name: string) => ({ 'Fn::Sub': `arn:$\{AWS::Partition}:codecommit:*:$\{AWS::AccountId}:${name}` });
    expect(policy(full)?.['PolicyDocument']).toMatchObject({
      Statement: [
        { Action: ['codecommit:GitPull', 'codecommit:GitPush'], Resource: [at('app'), at('infra-*')] },
        { Action: ['kms:Sign'], Resource: ['arn:aws:kms:eu-west-1:123456789012:key/1234abcd'] },
        { Action: ['sts:AssumeRole'], Resource: ['arn:aws:iam::123456789012:role/mirror'] },
      ],
    });
  });

  it('puts only the functions that talk to Git hosts into a private network', () => {
    const inNetwork = Object.entries(full.template.Resources).filter(([, { Properties }]) => Properties?.VpcConfig !== undefined);
    expect(inNetwork.map(([name]) => name).sort()).toEqual(['ApiLambdaFunction', 'NotifyLambdaFunction', 'WorkerLambdaFunction']);
    expect(plain.template.Resources['NetworkPolicy']).toBeUndefined();
  });

  it('tells somebody of every alarm, unless nobody is wanted', () => {
    const alarms = ({ template }: Compiled) => Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
    expect(alarms(full).length).toBeGreaterThanOrEqual(6);
    for (const { Properties } of alarms(full)) expect(Properties.AlarmActions).toEqual([{ Ref: 'AlarmTopic' }]);
    for (const { Properties } of alarms(plain)) expect(Properties.AlarmActions).toEqual([]);
  });

  it('has a row in docs/operations.md for every alarm', () => {
    const document = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const names = Object.keys(plain.template.Resources).filter((name) => plain.template.Resources[name]?.Type === 'AWS::CloudWatch::Alarm');
    for (const name of names) expect(document).toContain(`\`${name.replace(/Alarm$/, '')}\``);
  });

  it('makes its metrics of events that the code writes, and alarms and dashboard of metrics that there are', () => {
    const folder = new URL('../../lib/jobs/', import.meta.url);
    const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(new URL(name, folder), 'utf8'))
      .join('\n');
    const { Resources: resources } = plain.template;
    const filters = Object.values(resources).filter(({ Type }) => Type === 'AWS::Logs::MetricFilter');
    const events = filters.flatMap(({ Properties }) =>
      [...Properties.FilterPattern.matchAll(/\$\.event = "(\w+)"/g)].map(([, event]) => event),
    );
    expect(events.length).toBeGreaterThan(5);
    for (const event of events) expect(code).toMatch(new RegExp(`(log|write)\\([^)]*'${event}'|'${event}',`));
    const made = filters.map(({ Properties }) => Properties.MetricTransformations[0].MetricName);
    const alarmed = Object.values(resources).filter(
      ({ Type, Properties }) => Type === 'AWS::CloudWatch::Alarm' && Properties.Namespace === 'gitferry-dev',
    );
    for (const { Properties } of alarmed) expect(made).toContain(Properties.MetricName);
    const { widgets } = JSON.parse(resources['Dashboard']!.Properties.DashboardBody['Fn::Sub']);
    const shown = widgets.flatMap(({ properties }: { properties: { metrics: string[][] } }) =>
      properties.metrics.filter(([space]) => space === 'gitferry-dev').map(([, name]) => name),
    );
    expect(shown.length).toBeGreaterThan(5);
    for (const name of shown) expect(made).toContain(name);
  });
});

describe('osls package', () => {
  it('refuses parameters by name, all at once, and repeats no value', async () => {
    const refusal = await compileTemplate({ workerConcurrency: '1', allowAddresses: '10.1.2.3-secret', retention: '3' }).then(
      () => '',
      (error: Error) => error.message,
    );
    for (const name of ['alarms', 'workerConcurrency', 'allowAddresses', 'retention']) expect(refusal).toContain(`${name} `);
    expect(refusal).not.toContain('10.1.2.3');
  });
});
