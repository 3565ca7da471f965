/** What CloudFormation would make of the compiled template, for functions to work on: table, queues, the owner's token. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import { type AwsClients, createAwsClients } from '../../lib/aws/clients.ts';
import { createQueue, createResources } from '../../lib/aws/create-resources.ts';
import { type AwsEndpoints, startAwsEndpoints } from '../../lib/local/aws-endpoints.ts';
import type { Template } from '../infra/compile-template.ts';
import { startMotoServer } from '../support/moto-server.ts';
import { account, region, secretArn } from './call-recorder.ts';
import type { References } from './references.ts';

export type Imitation = 'embedded' | 'moto';

export interface DeployedStack {
  readonly endpoints: AwsEndpoints;
  readonly clients: AwsClients;
  readonly queueUrl: string;
  readonly notifyQueueUrl: string;
  readonly ownerToken: string;
  /** For the functions' environment. */
  readonly environment: References;
  /** For their roles: a secret is an ARN here. */
  readonly policies: References;
  close(): Promise<void>;
}

const ownerTokenSecret = 'owner-token-of-the-deployment';
const ownerToken = 'token-that-the-deployment-generated';

/** `packages`: folder of the zips. Sets the process's AWS variables. */
export async function deployStack(imitation: Imitation, template: Template, packages: string): Promise<DeployedStack> {
  const endpoints = await (imitation === 'moto' ? startMotoServer() : startAwsEndpoints());
  Object.assign(process.env, {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamoDb,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
  });
  const clients = createAwsClients();
  const tableName = template.Resources['Table']?.Properties.TableName;
  const queueName = template.Resources['JobQueue']?.Properties.QueueName;
  if (imitation === 'moto') await createStack(endpoints.sqs, template, packages);
  else await createResources(clients, tableName, queueName);
  const { QueueUrl: queueUrl = '' } = await clients.sqs.send(new GetQueueUrlCommand({ QueueName: queueName }));
  const notifyName = template.Resources['NotifyQueue']?.Properties.QueueName;
  if (imitation !== 'moto') await createQueue(clients, notifyName, 360);
  const { QueueUrl: notifyQueueUrl = '' } = await clients.sqs.send(new GetQueueUrlCommand({ QueueName: notifyName }));
  // Neither imitation makes secrets of a template.
  const { ARN: tokenArn = '' } = await clients.secrets.send(
    new CreateSecretCommand({ Name: ownerTokenSecret, SecretString: JSON.stringify({ token: ownerToken }) }),
  );
  const refs = {
    Table: tableName,
    JobQueue: queueUrl,
    NotifyQueue: notifyQueueUrl,
    HttpApi: 'api',
    OwnerToken: imitation === 'moto' ? tokenArn : ownerTokenSecret,
  };
  const pseudo = { 'AWS::Region': region, 'AWS::AccountId': account, 'AWS::Partition': 'aws', 'AWS::URLSuffix': 'amazonaws.com' };
  const queueArn = (name: string) => `arn:aws:sqs:${region}:${account}:${template.Resources[name]?.Properties.QueueName}`;
  const attributes = {
    'Table.Arn': `arn:aws:dynamodb:${region}:${account}:table/${tableName}`,
    'JobQueue.Arn': queueArn('JobQueue'),
    'NotifyQueue.Arn': queueArn('NotifyQueue'),
    'DeadLetterQueue.Arn': queueArn('DeadLetterQueue'),
  };
  return {
    endpoints,
    clients,
    queueUrl,
    notifyQueueUrl,
    ownerToken,
    environment: { refs: { ...refs, ...pseudo }, attributes },
    policies: { refs: { ...refs, ...pseudo, OwnerToken: secretArn(refs.OwnerToken) }, attributes },
    async close() {
      clients.close();
      await endpoints.close();
    },
  };
}

const bucket = 'packages';
/** The bucket of deployments is its S3 here; and it cannot refer to an alias, which CodeCommit's rule does. */
const notOfMoto = /^(ServerlessDeploymentBucket|CodeCommitRule)/;

/** moto takes the template with the code in its own S3, and without outputs, of which some name what it does not make. */
async function createStack(origin: string, { Resources: resources }: Template, packages: string): Promise<void> {
  const call = async (service: string, method: string, path: string, body?: string | Uint8Array): Promise<string> => {
    const authorization = `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=none`;
    const type = service === 's3' ? 'application/zip' : 'application/x-www-form-urlencoded';
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: { authorization, 'content-type': type },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`moto answers ${method} ${service} with ${response.status}: ${text}`);
    return text;
  };
  const location = `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
  await call('s3', 'PUT', `/${bucket}`, location);
  const changed: Record<string, unknown> = {};
  for (const [name, resource] of Object.entries(resources)) {
    if (notOfMoto.test(name)) continue;
    changed[name] = resource.Type === 'AWS::Lambda::Function' ? withCode(resource) : resource;
    if (resource.Type !== 'AWS::Lambda::Function') continue;
    const zip = resource.Properties.Code.S3Key.split('/').at(-1);
    await call('s3', 'PUT', `/${bucket}/${zip}`, await readFile(join(packages, zip)));
  }
  const form = new URLSearchParams({
    Action: 'CreateStack',
    Version: '2010-05-15',
    StackName: 'gitferry',
    TemplateBody: JSON.stringify({ Resources: changed }),
  });
  await call('cloudformation', 'POST', '/', form.toString());
  const state = await call('cloudformation', 'POST', '/', 'Action=DescribeStacks&Version=2010-05-15&StackName=gitferry');
  if (!state.includes('<StackStatus>CREATE_COMPLETE</StackStatus>'))
    throw new Error(`moto did not make the stack: ${state.slice(0, 2000)}`);
}

function withCode(resource: Template['Resources'][string]): object {
  const { Code: code } = resource.Properties;
  return { ...resource, Properties: { ...resource.Properties, Code: { S3Bucket: bucket, S3Key: code.S3Key.split('/').at(-1) } } };
}
