/** DynamoDB on this machine: dynalite, not written to while the disk is full, and its database opened anew after its files failed. */
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import dynalite from 'dynalite';
import { limits } from '../core/limits.ts';
import { shortageOf } from './data-folder.ts';
import { guard, listenHere, loopback } from './guarded-server.ts';

/** What an operator should know, for the log. */
export type StorageReport = (event: 'disk_full' | 'disk_has_room' | 'table_failed' | 'table_reopened', detail?: string) => void;

export interface TableEndpoint {
  readonly origin: string;
  /**
   * For what dynalite throws past its callers: whether it is a failure of the database's files, or comes of ending its connections. Then no answer is given
   * any more, until the database has been opened anew: what LevelDB takes after a failed write of its log is lost at the next start.
   */
  recoverFrom(error: unknown): boolean;
  close(): Promise<void>;
}

export interface TableInput {
  /** In memory without it. */
  readonly folder: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly report: StorageReport;
  /** Replaced by tests: what is missing to write in the folder. */
  readonly shortage?: (folder: string) => string | undefined;
}

/** To the first answer of a database that was not closed: it goes through its log. */
const openingMs = 30_000;
const reading = /^DynamoDB_20120810\.(Get|BatchGet|Query|Scan|Describe|List)/;

/** Rejects where the database cannot be opened. */
export async function startTableEndpoint({ folder, accessKeyId, report, shortage = shortageOf }: TableInput): Promise<TableEndpoint> {
  const path = folder === undefined ? undefined : join(folder, 'dynamodb');
  const server = dynalite({ ...(path === undefined ? {} : { path }), createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  if (folder !== undefined) refuseWritesWithoutRoom(server, () => shortage(folder), report);
  guard(server, accessKeyId);
  const origin = await listenHere(server);
  if (path !== undefined && !(await answers(origin, accessKeyId))) {
    server.closeAllConnections();
    throw new Error(`the database in ${path} cannot be opened: another gitferry may be using it, or it is damaged`);
  }

  let reopening: Promise<void> | undefined;
  let isClosing = false;
  const reopen = async (): Promise<void> => {
    do {
      await closeServer(server);
      await new Promise((resolve) => setTimeout(resolve, limits.diskCheckMs));
      if (isClosing) return;
      if (folder !== undefined && shortage(folder) !== undefined) continue;
      await new Promise<void>((resolve) => server.listen(Number(new URL(origin).port), loopback, resolve));
    } while (!server.listening || !(await answers(origin, accessKeyId)));
    report('table_reopened');
  };
  return {
    origin,
    recoverFrom(error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (code === 'ECONNRESET') return true;
      if (!code.startsWith('LEVEL_') && message !== 'Database is closed') return false;
      server.closeAllConnections();
      if (reopening === undefined && !isClosing) {
        report('table_failed', `${code} ${message}`);
        reopening = reopen().finally(() => {
          reopening = undefined;
        });
      }
      return true;
    },
    async close() {
      isClosing = true;
      await (reopening ?? closeServer(server));
    },
  };
}

/** Puts a check before the listeners that the server has. */
function refuseWritesWithoutRoom(server: Server, shortage: () => string | undefined, report: StorageReport): void {
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  let isFull = false;
  server.on('request', (request, response) => {
    const missing = reading.test(String(request.headers['x-amz-target'])) ? undefined : shortage();
    if (missing === undefined) {
      if (isFull && !reading.test(String(request.headers['x-amz-target']))) {
        isFull = false;
        report('disk_has_room');
      }
      for (const listener of listeners) listener(request, response);
      return;
    }
    if (!isFull) report('disk_full', missing);
    isFull = true;
    request.resume();
    answerUnavailable(response);
  });
}

/** What the SDK tries again, and the service takes for a table that is out of reach. */
function answerUnavailable(response: ServerResponse): void {
  response.writeHead(500, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError', message: 'The disk is full.' }));
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
