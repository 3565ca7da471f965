/** The parameters of a deployment: what each takes, what is wrong with one (by name), and the settings that serverless.yml makes of them. */

const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const retentionDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
const cidr = /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-f:.]+\/\d{1,3})$/i;

/** A parser returns the value, or throws with what it must be. Values are never repeated: allowed addresses are nobody's business in a build's log. */
function mustBe(what) {
  throw new Error(`must be ${what}`);
}
const matching = (pattern, what) => (value) => (pattern.test(value) ? value : mustBe(what));
const oneOf =
  (...words) =>
  (value) =>
    words.includes(value) ? value : mustBe(`one of ${words.join(', ')}`);
const integer = (least, most) => (value) =>
  /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most
    ? Number(value)
    : mustBe(`a whole number from ${least} to ${most}`);
const flag = (value) => (value === 'true' || value === 'false' ? value === 'true' : mustBe('true or false'));
const list = (pattern, what) => (value) => {
  const items = value.split(/[\s,]+/).filter(Boolean);
  return items.length > 0 && items.every((item) => pattern.test(item)) ? items : mustBe(what);
};
const optional = (parse, none) => (value) => (value === '' ? none : parse(value));

const topicArn = /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/;
const email = /^[^\s@"'<>]+@[^\s@"'<>]+\.[^\s@"'<>]+$/;

/** In the order of docs/deploy.md. */
const parameters = {
  /** Who hears of alarms. There is no default: an alarm that nobody hears should be somebody's decision. */
  alarms: (value) =>
    value === 'none' || topicArn.test(value) || email.test(value) ? value : mustBe('an e-mail address, the ARN of an SNS topic, or none'),
  architecture: oneOf('x86_64', 'arm64'),
  /** MB. docs/performance.md: 112 MB for a pack of 1.2 GB, 165 MB for 50,000 refs. */
  workerMemory: integer(192, 10_240),
  /** MB in /tmp. 400 MB may be spooled, 64 MB of history cloned. */
  workerDisk: integer(512, 10_240),
  /** Lambda's least for a queue is 2. */
  workerConcurrency: integer(2, 1000),
  workerBatch: integer(1, 10),
  allowAddresses: optional(
    (value) => list(cidr, 'address ranges such as 10.0.0.0/8 or fd00::/8, separated by commas')(value).join(','),
    '',
  ),
  publicUrl: optional(
    matching(/^https:\/\/[A-Za-z0-9.-]+(:\d{1,5})?$/, 'an https:// URL without a path, such as https://gitferry.example.org'),
    '',
  ),
  customDomain: optional(matching(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'a host name in small letters'), ''),
  certificateArn: optional(
    matching(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/, 'the ARN of an ACM certificate'),
    '',
  ),
  vpcSubnets: optional(list(/^subnet-[0-9a-f]{8,17}$/, 'ids of subnets, separated by commas'), []),
  vpcSecurityGroups: optional(list(/^sg-[0-9a-f]{8,17}$/, 'ids of security groups, separated by commas'), []),
  /** What credentials with auth_method aws_iam may use; none unless named. */
  codeCommitRepositories: optional(
    list(/^[A-Za-z0-9._*?-]{1,100}$/, 'names of CodeCommit repositories, separated by commas; * and ? stand for any characters'),
    [],
  ),
  /** RSA keys that hold the private keys of Apps. */
  signingKeys: optional(list(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]{1,256}$/, 'ARNs of KMS keys, separated by commas'), []),
  assumedRoles: optional(list(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, 'ARNs of roles, separated by commas'), []),
  /** The identity providers, with their clients' secrets (docs/single-sign-on.md). */
  ssoSecret: optional(
    matching(
      /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}$/,
      'the ARN of a secret in Secrets Manager',
    ),
    '',
  ),
  /** Metrics and alarms are made of info lines: warn and error would blind them. */
  logLevel: oneOf('debug', 'info'),
  logRetentionDays: (value) =>
    retentionDays.includes(Number(value)) ? Number(value) : mustBe(`one of CloudWatch's: ${retentionDays.join(', ')}`),
  /** How long the audit trail is kept. */
  auditRetentionDays: integer(1, 3650),
  scheduleEnabled: flag,
  /** Invocations that share the 8 shards of one tick. */
  tickFanOut: (value) => Number(oneOf('1', '2', '4', '8')(value)),
  /** Requests a second, and at once. */
  throttleRate: integer(1, 10_000),
  throttleBurst: integer(1, 5_000),
  /** Executions kept for webhooks; 0 = none. An account must keep 100 unreserved: a new one, which has 10 in all, can reserve none. */
  webhookReserved: integer(0, 1000),
  /** Keeps the table when the stack is removed, and refuses its deletion. */
  protect: flag,
  /** A table restored from a backup, which the functions work on instead of the stack's own. */
  restoredTable: optional(matching(/^[A-Za-z0-9_.-]{3,255}$/, 'the name of a DynamoDB table'), ''),
};

const regionForm = matching(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as eu-west-1 (--region, or AWS_REGION)');
const stageForm = matching(/^[a-z][a-z0-9-]{0,19}$/, 'at most 20 small letters, digits and hyphens, a letter first (--stage)');

/** For `${file(infra/deployment.cjs):settings}`. Throws one error that names every parameter with a problem, and repeats no value. */
async function settings({ options, resolveVariable }) {
  const problems = [];
  const parse = (name, parser, value) => {
    try {
      return parser(String(value).trim());
    } catch (error) {
      problems.push(`${name} ${error.message}`);
      return undefined;
    }
  };
  const stage = parse('stage', stageForm, await resolveVariable("opt:stage, 'dev'"));
  const region = parse('region', regionForm, (await resolveVariable("opt:region, env:AWS_REGION, env:AWS_DEFAULT_REGION, ''")) ?? '');
  const values = {};
  for (const [name, parser] of Object.entries(parameters)) {
    const value = await resolveVariable(`param:${name}, null`);
    if (value === null || value === undefined) problems.push(`${name} is missing (--param ${name}=...)`);
    else values[name] = parse(name, parser, value);
  }
  for (const given of [options.param ?? []].flat()) {
    const name = String(given).split('=')[0];
    if (!(name in parameters)) problems.push(`${name} is no parameter of gitferry's`);
  }
  if (values.customDomain !== '' && values.certificateArn === '') problems.push('certificateArn is missing: customDomain needs it');
  if (values.certificateArn !== '' && values.customDomain === '') problems.push('customDomain is missing: certificateArn is for it');
  if (values.vpcSubnets?.length > 0 && values.vpcSecurityGroups?.length === 0)
    problems.push('vpcSecurityGroups is missing: vpcSubnets needs it');
  if (values.vpcSecurityGroups?.length > 0 && values.vpcSubnets?.length === 0)
    problems.push('vpcSubnets is missing: vpcSecurityGroups is for it');
  const packaged = packagedArchitecture();
  if (packaged !== undefined && values.architecture !== undefined && values.architecture !== packaged)
    problems.push(`architecture must be ${packaged}, or the packages made anew: npm run package -- --architecture ${values.architecture}`);
  if (problems.length > 0) {
    const error = new Error(`Parameters of this deployment: ${problems.join('; ')}.`);
    // osls prints the stack, which is about us.
    error.stack = error.message;
    throw error;
  }
  const alarmActions = values.alarms === 'none' ? [] : [topicArn.test(values.alarms) ? values.alarms : { Ref: 'AlarmTopic' }];
  return {
    ...values,
    alarmActions,
    /** Runs at once, as the functions are told. */
    workers: values.workerConcurrency * values.workerBatch,
    stage,
    region,
    tablePolicy: values.protect ? 'Retain' : 'Delete',
    ...table(values),
    ...addresses(values),
  };
}

/** What the packages in dist/packages were built for; undefined = there are none. */
function packagedArchitecture() {
  const manifest = join(__dirname, '../dist/packages/manifest.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).architecture : undefined;
}

function table({ restoredTable }) {
  const isOwn = restoredTable === '';
  const [partition, region, account] = ['Partition', 'Region', 'AccountId'].map((name) => `$\{AWS::${name}}`);
  const restored = `arn:${partition}:dynamodb:${region}:${account}:table/${restoredTable}`;
  const index = (name) => ({ 'Fn::Sub': `${isOwn ? '$' + '{Table.Arn}' : restored}/index/${name}` });
  return {
    tableName: isOwn ? { Ref: 'Table' } : restoredTable,
    tableArn: isOwn ? { 'Fn::GetAtt': ['Table', 'Arn'] } : { 'Fn::Sub': restored },
    indexArns: Object.fromEntries(['due', 'list', 'by_credential', 'overview'].map((name) => [name, index(name)])),
  };
}

/** The origin in CloudFormation's words, and what begins with it. */
function addresses({ publicUrl, customDomain }) {
  const own = 'https://$' + '{HttpApi}.execute-api.$' + '{AWS::Region}.$' + '{AWS::URLSuffix}';
  const given = publicUrl || (customDomain === '' ? '' : `https://${customDomain}`);
  const at = (path) => (given === '' ? { 'Fn::Sub': `${own}${path}` } : `${given}${path}`);
  return { origin: at(''), apiUrl: at('/api/v4'), webhookBase: at('/hooks/'), consoleUrl: at('/') };
}

module.exports = { settings, parameters, regionForm, stageForm };
