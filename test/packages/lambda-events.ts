/** Events as AWS hands them to functions. */
import { randomUUID } from 'node:crypto';
import type { Message } from '@aws-sdk/client-sqs';
import { account, region } from './call-recorder.ts';

export interface HttpCall {
  readonly method: string;
  /** Encoded, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** API Gateway's HTTP API, payload 2.0: header names in small letters, the path decoded, the body as base64 where `isBinary`. */
export function httpEvent(routeKey: string, { method, path, headers = {}, body }: HttpCall, isBinary = false): object {
  const url = new URL(path, 'https://api.execute-api.eu-west-1.amazonaws.com');
  const rawPath = decodeURIComponent(url.pathname);
  return {
    version: '2.0',
    routeKey,
    rawPath,
    rawQueryString: url.search.slice(1),
    headers: { host: url.host, 'x-forwarded-proto': 'https', 'user-agent': 'test', ...headers },
    ...(url.search === '' ? {} : { queryStringParameters: Object.fromEntries(url.searchParams) }),
    requestContext: {
      accountId: account,
      apiId: 'api',
      domainName: url.host,
      domainPrefix: 'api',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '203.0.113.7', userAgent: 'test' },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: '22/Nov/2026:04:00:00 +0000',
      timeEpoch: Date.now(),
    },
    ...(body === undefined ? {} : { body: isBinary ? Buffer.from(body).toString('base64') : body }),
    isBase64Encoded: isBinary && body !== undefined,
  };
}

/** What a queue's event source mapping hands over. */
export function queueEvent(queueName: string, messages: readonly Message[]): object {
  return {
    Records: messages.map(({ MessageId, ReceiptHandle, Body, MD5OfBody, Attributes }) => ({
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body,
      attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(Date.now()), ...Attributes },
      messageAttributes: {},
      md5OfBody: MD5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:${region}:${account}:${queueName}`,
      awsRegion: region,
    })),
  };
}

/** A push as CodeCommit tells EventBridge of it. */
export function codeCommitEvent(repository: string, branch: string): object {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'CodeCommit Repository State Change',
    source: 'aws.codecommit',
    account,
    time: new Date().toISOString(),
    region,
    resources: [`arn:aws:codecommit:${region}:${account}:${repository}`],
    detail: {
      event: 'referenceUpdated',
      repositoryName: repository,
      repositoryId: randomUUID(),
      referenceType: 'branch',
      referenceName: branch,
      referenceFullName: `refs/heads/${branch}`,
      commitId: '1'.repeat(40),
      oldCommitId: '2'.repeat(40),
    },
  };
}
