/** DynamoDB, SQS and Secrets Manager on this machine: dynalite (on disk), fauxqs (in memory) and an encrypted file, each on a free port of 127.0.0.1. */
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import dynalite from 'dynalite';
import { startFauxqs } from 'fauxqs';
import { startSecretsEndpoint } from './secrets-endpoint.ts';

export interface AwsEndpoints {
  readonly dynamoDb: string;
  readonly sqs: string;
  readonly secretsManager: string;
  close(): Promise<void>;
}

/** Without a folder everything is in memory. */
export async function startAwsEndpoints(folder?: string): Promise<AwsEndpoints> {
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 });
  const dynamo = dynalite({
    ...(folder === undefined ? {} : { path: join(folder, 'dynamodb') }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  });
  await new Promise<void>((resolve, reject) => {
    dynamo.once('error', reject);
    dynamo.listen(0, '127.0.0.1', resolve);
  });
  const sqs = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  const secrets = await startSecretsEndpoint(folder);
  return {
    dynamoDb: originOf(dynamo),
    sqs: `http://127.0.0.1:${sqs.port}`,
    secretsManager: secrets.origin,
    async close() {
      await Promise.all([closeServer(dynamo), sqs.stop(), secrets.close()]);
    },
  };
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections?.();
  });
}
