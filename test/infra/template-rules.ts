/** What every compiled template must hold, as a walk over its resources: one sentence per violation. */
import type { Template, TemplateResource } from './compile-template.ts';

/** A wildcard that may stay: where, which, and why. */
interface Exception {
  readonly resource: RegExp;
  readonly wildcard: RegExp;
  readonly reason: string;
}

export const exceptions: readonly Exception[] = [
  { resource: /Role$/, wildcard: /:log-group:\/aws\/lambda\/[a-z0-9-]+:\*$/, reason: 'streams of the one log group; Lambda names them' },
  {
    resource: /^(Api|Worker|Notify)Role$/,
    wildcard: /:secret:[a-z0-9-]+\/(mirror|project|credential|channel)\/\*$/,
    reason: 'credentials kept by this stack; they come and go with mirrors',
  },
  {
    resource: /^(Api|Webhook)Role$/,
    wildcard: /:secret:[a-z0-9-]+\/signing-key\*$/,
    reason: 'Secrets Manager adds six characters of its own',
  },
  {
    resource: /^MachineCredentialsPolicy$/,
    wildcard: /:codecommit:\*:|:codecommit:.*\*/,
    reason: 'the region stands in the URL of the mirror; names are those of parameter codeCommitRepositories',
  },
  { resource: /^(Job|DeadLetter|Notify)QueuePolicy$/, wildcard: /^sqs:\*$/, reason: 'a denial: nothing without TLS' },
  { resource: /^ServerlessDeploymentBucketPolicy$/, wildcard: /^s3:\*$|\/\*$/, reason: 'a denial by osls: nothing without TLS' },
  {
    resource: /^NetworkPolicy$/,
    wildcard: /^\*$/,
    reason: 'network interfaces that Lambda makes have no name before; only with vpcSubnets',
  },
];

/** Whoever may call from outside: the two HTTP surfaces. */
const publicFunctions = ['ApiLambdaFunction', 'WebhookLambdaFunction'];
const variablesOfLambda = ['NODE_OPTIONS'];

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

/** `settingNames`: every variable that the functions read. Resolves with sentences; none = all is well. */
export function violations({ Resources: resources }: Template, settingNames: readonly string[]): string[] {
  const all = Object.entries(resources);
  const ofType = (type: string) => all.filter(([, { Type }]) => Type === type);
  return [
    ...all.flatMap(([name, resource]) => statementsOf(resource).flatMap((statement) => wildcards(name, statement))),
    ...all.flatMap(([name, resource]) => statementsOf(resource).flatMap((statement) => openTo(name, statement))),
    ...ofType('AWS::Lambda::Function').flatMap(([name, { Properties }]) => [
      ...variables(name, Properties, settingNames),
      ...logGroup(name, Properties, resources),
      ...ownRole(name, Properties, resources),
    ]),
    ...ofType('AWS::Lambda::Permission').flatMap(([name, { Properties }]) => invoker(name, Properties)),
    ...ofType('AWS::Lambda::Url').map(([name]) => `${name}: a function has an address of its own`),
    ...ofType('AWS::ApiGatewayV2::Integration').flatMap(([name, { Properties }]) => integration(name, Properties)),
    ...ofType('AWS::ApiGatewayV2::Stage').flatMap(([name, { Properties }]) => stage(name, Properties)),
    ...ofType('AWS::SQS::Queue').flatMap(([name, { Properties }]) => queue(name, Properties, resources)),
    ...ofType('AWS::Lambda::EventSourceMapping').flatMap(([name, { Properties }]) => eventSource(name, Properties, resources)),
    ...ofType('AWS::Logs::LogGroup').flatMap(([name, { Properties }]) =>
      Properties.RetentionInDays > 0 ? [] : [`${name}: logs are kept for ever`],
    ),
    ...ofType('AWS::S3::Bucket').flatMap(([name, { Properties }]) => bucket(name, Properties)),
    ...ofType('AWS::DynamoDB::Table').flatMap(([name, { Properties }]) => table(name, Properties)),
  ];
}

/** Strings of any depth, with `${...}` of Fn::Sub and the parts of Fn::Join as they are. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(texts);
}

export function statementsOf({ Properties: properties }: TemplateResource): Statement[] {
  const documents = [
    properties?.PolicyDocument,
    ...(properties?.Policies ?? []).map((policy: { PolicyDocument: unknown }) => policy.PolicyDocument),
  ];
  return documents.filter((document) => document !== undefined).flatMap((document) => document.Statement);
}

function wildcards(name: string, { Action: action, Resource: resource }: Statement): string[] {
  const found = [...texts(action), ...texts(resource)].filter((text) => text.includes('*'));
  const isListed = (text: string) => exceptions.some((exception) => exception.resource.test(name) && exception.wildcard.test(text));
  return found.filter((text) => !isListed(text)).map((text) => `${name}: the wildcard ${text} is not listed with a reason`);
}

function openTo(name: string, { Effect: effect, Principal: principal }: Statement): string[] {
  return effect === 'Allow' && texts(principal).includes('*') ? [`${name}: allows everybody`] : [];
}

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation's properties
type Properties = any;

function variables(name: string, properties: Properties, settingNames: readonly string[]): string[] {
  const given = Object.keys(properties.Environment?.Variables ?? {});
  const unknown = given.filter((variable) => !settingNames.includes(variable) && !variablesOfLambda.includes(variable));
  const missing = ['GITFERRY_TABLE', 'GITFERRY_QUEUE_URL', 'GITFERRY_SECRET_PREFIX'].filter((variable) => !given.includes(variable));
  return [
    ...unknown.map((variable) => `${name}: nothing reads ${variable}`),
    ...missing.map((variable) => `${name}: ${variable} is not set`),
  ];
}

function logGroup(name: string, { FunctionName: functionName }: Properties, resources: Template['Resources']): string[] {
  const groups = Object.values(resources).filter(({ Type }) => Type === 'AWS::Logs::LogGroup');
  const isThere = groups.some(({ Properties: { LogGroupName: group } }) => group === `/aws/lambda/${functionName}`);
  return isThere ? [] : [`${name}: its log group is made by Lambda, without a retention`];
}

function ownRole(name: string, { Role: role }: Properties, resources: Template['Resources']): string[] {
  const users = Object.values(resources).filter(
    ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && JSON.stringify(Properties.Role) === JSON.stringify(role),
  );
  const isOurs = resources[role?.['Fn::GetAtt']?.[0]]?.Type === 'AWS::IAM::Role';
  return isOurs && users.length === 1 ? [] : [`${name}: has no role of its own`];
}

function invoker(name: string, { Principal: principal, SourceArn: source }: Properties): string[] {
  const known = ['apigateway.amazonaws.com', 'events.amazonaws.com'];
  return known.includes(principal) && source !== undefined ? [] : [`${name}: lets ${principal} invoke a function`];
}

function integration(name: string, { IntegrationUri: uri }: Properties): string[] {
  return publicFunctions.includes(uri?.['Fn::GetAtt']?.[0]) ? [] : [`${name}: makes another function public`];
}

function stage(name: string, { DefaultRouteSettings: limits, AccessLogSettings: log }: Properties): string[] {
  const isLimited = limits?.ThrottlingRateLimit > 0 && limits?.ThrottlingBurstLimit > 0;
  const format: string = log?.Format ?? '';
  return [
    ...(isLimited ? [] : [`${name}: is not throttled`]),
    ...(format.includes('$context.routeKey') ? [] : [`${name}: the access log has no route key`]),
    ...(/\$context\.(path|http\.path|.*[uU]ri)/.test(format) ? [`${name}: the access log has paths, and tokens are in them`] : []),
  ];
}

function queue(name: string, properties: Properties, resources: Template['Resources']): string[] {
  const targets = Object.values(resources).flatMap(({ Properties: { RedrivePolicy: redrive } = {} as Properties }) =>
    redrive === undefined ? [] : [redrive.deadLetterTargetArn?.['Fn::GetAtt']?.[0]],
  );
  // A dead letter's own dead letter would be the same again. What the notifier is woken for stands in the table, and is sent again until it is done.
  const hasDeadLetters = name === 'NotifyQueue' || properties.RedrivePolicy !== undefined || targets.includes(name);
  const isTlsOnly = Object.values(resources).some(
    (resource) =>
      resource.Type === 'AWS::SQS::QueuePolicy' &&
      JSON.stringify(resource.Properties.Queues).includes(`"${name}"`) &&
      statementsOf(resource).some((statement) => statement.Effect === 'Deny' && JSON.stringify(statement).includes('SecureTransport')),
  );
  return [
    ...(hasDeadLetters ? [] : [`${name}: has no dead letters`]),
    ...(properties.SqsManagedSseEnabled === true ? [] : [`${name}: is not encrypted`]),
    ...(isTlsOnly ? [] : [`${name}: can be used without TLS`]),
  ];
}

function eventSource(name: string, properties: Properties, resources: Template['Resources']): string[] {
  const from = resources[properties.EventSourceArn?.['Fn::GetAtt']?.[0]]?.Properties;
  const to = resources[properties.FunctionName?.['Fn::GetAtt']?.[0]]?.Properties;
  return [
    ...(from?.VisibilityTimeout >= 6 * to?.Timeout ? [] : [`${name}: messages are visible again too soon`]),
    ...(properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ? [] : [`${name}: one bad message fails its batch`]),
    ...(properties.ScalingConfig?.MaximumConcurrency >= 2 ? [] : [`${name}: its concurrency has no bound`]),
  ];
}

function bucket(name: string, properties: Properties): string[] {
  const blocks = Object.values(properties.PublicAccessBlockConfiguration ?? {});
  return blocks.length === 4 && blocks.every((block) => block === true) ? [] : [`${name}: can be made public`];
}

function table(name: string, properties: Properties): string[] {
  return [
    ...(properties.BillingMode === 'PAY_PER_REQUEST' ? [] : [`${name}: is not on demand`]),
    ...(properties.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled === true ? [] : [`${name}: cannot be restored`]),
    ...(properties.TimeToLiveSpecification?.Enabled === true ? [] : [`${name}: nothing expires`]),
    ...(properties.SSESpecification?.SSEEnabled === true ? [] : [`${name}: is not encrypted`]),
  ];
}
