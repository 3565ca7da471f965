/** DynamoDB, SQS and Secrets Manager on this machine: dynalite (on disk), fauxqs (in memory) and an encrypted file, each on a free port of 127.0.0.1. */
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';
import { guard, listenHere, loopback } from './guarded-server.ts';
import { startSecretsEndpoint } from './secrets-endpoint.ts';

export interface AwsEndpoints {
  readonly dynamoDb: string;
  readonly sqs: string;
  readonly secretsManager: string;
  close(): Promise<void>;
}

/** To the first answer of a database that was not closed: it goes through its log. */
const openingMs = 30_000;

/**
 * Without a folder everything is in memory. With `accessKeyId`, they answer only those who name it. Rejects where the folder's content cannot
 * be used; a database that is in use or damaged may also end the process (or thread) with an uncaught exception: dynalite gives no other sign.
 */
export async function startAwsEndpoints(folder?: string, accessKeyId?: string): Promise<AwsEndpoints> {
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 });
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    await Promise.all(closers.splice(0).map((end) => end()));
  };
  try {
    const secrets = await startSecretsEndpoint(folder, accessKeyId);
    closers.push(secrets.close);
    const dynamo = await startDynalite(folder, accessKeyId);
    closers.push(dynamo.close);
    const sqs = await startFauxqs(accessKeyId);
    closers.push(sqs.close);
    return { dynamoDb: dynamo.origin, sqs: sqs.origin, secretsManager: secrets.origin, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Endpoint {
  readonly origin: string;
  close(): Promise<void>;
}

async function startDynalite(folder: string | undefined, accessKeyId: string | undefined): Promise<Endpoint> {
  const path = folder === undefined ? undefined : join(folder, 'dynamodb');
  const server = dynalite({ ...(path === undefined ? {} : { path }), createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  guard(server, accessKeyId);
  const origin = await listenHere(server);
  if (path !== undefined && !(await answers(origin, accessKeyId))) {
    server.closeAllConnections();
    throw new Error(`the database in ${path} cannot be opened: another gitferry may be using it, or it is damaged`);
  }
  return { origin, close: () => closeServer(server) };
}

/** Its own `startFauxqs` listens on every interface. */
async function startFauxqs(accessKeyId: string | undefined): Promise<Endpoint> {
  const app = buildApp({ logger: false });
  await app.ready();
  guard(app.server, accessKeyId);
  return { origin: await app.listen({ port: 0, host: loopback }), close: () => app.close() };
}

/** dynalite opens its database with the first request, and does not answer if it cannot. */
async function answers(origin: string, accessKeyId = 'local'): Promise<boolean> {
  const headers = {
    'x-amz-target': 'DynamoDB_20120810.DescribeTable',
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-date': '20000101T000000Z',
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20000101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=none`,
  };
  const request = { method: 'POST', headers, body: '{"TableName":"none"}', signal: AbortSignal.timeout(openingMs) };
  return fetch(origin, request).then(
    async (response) => (await response.text()).includes('ResourceNotFoundException'),
    () => false,
  );
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections?.();
  });
}
