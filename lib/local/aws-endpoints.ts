/** DynamoDB, SQS and Secrets Manager on this machine: dynalite (on disk), fauxqs (in memory) and an encrypted file, each on a free port of 127.0.0.1. */
import { mkdir } from 'node:fs/promises';
import { buildApp } from 'fauxqs';
import { shortageOf } from './data-folder.ts';
import { guard, loopback } from './guarded-server.ts';
import { startSecretsEndpoint } from './secrets-endpoint.ts';
import { type StorageReport, startTableEndpoint } from './table-endpoint.ts';

export interface AwsEndpoints {
  readonly dynamoDb: string;
  readonly sqs: string;
  readonly secretsManager: string;
  close(): Promise<void>;
}

export interface RunningEndpoints extends AwsEndpoints {
  /** For an uncaught exception: whether it was the table's, which then mends itself. */
  recoverFrom(error: unknown): boolean;
}

/**
 * Without a folder everything is in memory. With `accessKeyId`, they answer only those who name it. Rejects where the folder's content cannot
 * be used; a database that is in use or damaged may also end the process (or thread) with an uncaught exception: dynalite gives no other sign.
 */
export async function startAwsEndpoints(
  folder?: string,
  accessKeyId?: string,
  report: StorageReport = () => {},
): Promise<RunningEndpoints> {
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const missing = shortageOf(folder);
    if (missing !== undefined) throw new Error(`nothing can be written to ${folder}: ${missing}`);
  }
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    await Promise.all(closers.splice(0).map((end) => end()));
  };
  try {
    const secrets = await startSecretsEndpoint(folder, accessKeyId);
    closers.push(secrets.close);
    const table = await startTableEndpoint({ folder, accessKeyId, report });
    closers.push(table.close);
    const sqs = await startFauxqs(accessKeyId);
    closers.push(sqs.close);
    return { dynamoDb: table.origin, sqs: sqs.origin, secretsManager: secrets.origin, recoverFrom: table.recoverFrom, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Its own `startFauxqs` listens on every interface. */
async function startFauxqs(accessKeyId: string | undefined): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const app = buildApp({ logger: false });
  await app.ready();
  guard(app.server, accessKeyId);
  return { origin: await app.listen({ port: 0, host: loopback }), close: () => app.close() };
}
