/** Stands before AWS endpoints and notes each call as IAM would see it: the action and the resources it is on. Knows nothing of the SDK. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AwsEndpoints } from '../../lib/local/aws-endpoints.ts';

export interface Call {
  /** `dynamodb:Query` */
  readonly action: string;
  /** ARNs. */
  readonly resources: readonly string[];
}

export interface CallRecorder {
  readonly origin: string;
  readonly calls: readonly Call[];
  close(): Promise<void>;
}

export const account = '123456789012';
export const region = 'eu-west-1';

/** The six characters that Secrets Manager adds to names are its own choice. */
export function secretArn(idOrArn: string): string {
  return idOrArn.startsWith('arn:') ? idOrArn : `arn:aws:secretsmanager:${region}:${account}:secret:${idOrArn}-AbCdEf`;
}

export async function startCallRecorder({ dynamoDb, sqs, secretsManager }: Omit<AwsEndpoints, 'close'>): Promise<CallRecorder> {
  const origins: Readonly<Record<string, string>> = { dynamodb: dynamoDb, sqs, secretsmanager: secretsManager };
  const calls: Call[] = [];
  const server = createServer((incoming, outgoing) => {
    const forward = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      const call = describeCall(String(incoming.headers['x-amz-target'] ?? `${incoming.method} ${incoming.url}`), body.toString());
      calls.push(call);
      const origin = origins[call.action.split(':')[0] ?? ''];
      if (origin === undefined) throw new Error('nothing answers this');
      const sent = request(origin, {
        method: incoming.method,
        headers: { ...incoming.headers, host: new URL(origin).host },
        path: incoming.url,
      });
      sent.end(body);
      const [answer] = await once(sent, 'response');
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    };
    forward().catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What is not understood is a call of its own, which no role allows. */
export function describeCall(target: string, body: string): Call {
  const [, service = '', operation = ''] = /^(DynamoDB_20120810|AmazonSQS|secretsmanager)\.(\w+)$/.exec(target) ?? [];
  const describe = services[service];
  return describe === undefined ? { action: `unknown:${target}`, resources: [] } : describe(operation, JSON.parse(body));
}

// biome-ignore lint/suspicious/noExplicitAny: requests of AWS services
type Input = any;

const services: Readonly<Record<string, (operation: string, input: Input) => Call>> = {
  DynamoDB_20120810: (operation, { TableName, IndexName, RequestItems }) => {
    const tables = RequestItems === undefined ? [TableName] : Object.keys(RequestItems);
    const arns = tables.map((table) => `arn:aws:dynamodb:${region}:${account}:table/${table}`);
    return { action: `dynamodb:${operation}`, resources: arns.map((arn) => (IndexName === undefined ? arn : `${arn}/index/${IndexName}`)) };
  },
  // IAM has one action for one message and for many.
  AmazonSQS: (operation, { QueueUrl }) => ({
    action: `sqs:${operation.replace(/Batch$/, '')}`,
    resources: [`arn:aws:sqs:${region}:${account}:${String(QueueUrl).split('/').at(-1)}`],
  }),
  secretsmanager: (operation, { SecretId, Name }) => ({
    action: `secretsmanager:${operation}`,
    resources: [secretArn(SecretId ?? Name)],
  }),
};
