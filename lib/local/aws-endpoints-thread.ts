/** Runs the embedded AWS endpoints in a thread of their own, so that they do not share the service's event loop. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { AwsEndpoints } from './aws-endpoints.ts';
import type { StorageReport } from './table-endpoint.ts';

export interface ThreadInput {
  readonly folder?: string;
  readonly accessKeyId?: string;
}

export type ThreadMessage =
  | { readonly started: Omit<AwsEndpoints, 'close'> }
  | { readonly failed: string }
  | { readonly event: Parameters<StorageReport>[0]; readonly detail: string | undefined };

/** Closing waits for requests under way, then the thread is ended. */
const closingMs = 5_000;

/**
 * `workerFile` is aws-endpoints-worker.ts as JavaScript. Rejects where the endpoints cannot start. Should the thread end later without having been told
 * to, the process ends with an uncaught exception: without its table the service cannot go on. `close` resolves when the data is closed.
 */
export async function startAwsEndpointsThread(
  folder: string | undefined,
  workerFile: URL,
  accessKeyId?: string,
  report: StorageReport = () => {},
): Promise<AwsEndpoints> {
  const workerData: ThreadInput = { ...(folder === undefined ? {} : { folder }), ...(accessKeyId === undefined ? {} : { accessKeyId }) };
  const worker = new Worker(workerFile, { workerData, name: 'aws-endpoints' });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let isClosing = false;

  const origins = await started(worker, folder).catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  worker.on('message', (message: ThreadMessage) => {
    if ('event' in message) report(message.event, message.detail);
  });
  worker.on('error', (error) => {
    if (!isClosing) throw new Error('the embedded AWS endpoints failed', { cause: error });
  });
  worker.on('exit', () => {
    if (!isClosing) throw new Error('the embedded AWS endpoints ended by themselves');
  });
  return {
    ...origins,
    async close() {
      isClosing = true;
      worker.postMessage('close');
      const timer = setTimeout(() => void worker.terminate(), closingMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

function started(worker: Worker, folder: string | undefined): Promise<Omit<AwsEndpoints, 'close'>> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      worker.removeAllListeners('message').removeAllListeners('error').removeListener('exit', ended);
      finish();
    };
    const ended = () => settle(() => reject(new Error('the embedded AWS endpoints ended before they had started')));
    worker.once('exit', ended);
    worker.once('message', (message: ThreadMessage) => {
      settle(() =>
        'started' in message ? resolve(message.started) : reject(new Error('failed' in message ? message.failed : message.event)),
      );
    });
    // What dynalite throws past its callers, when its database cannot be opened.
    worker.once('error', (error) => settle(() => reject(startFailure(folder, error))));
  });
}

function startFailure(folder: string | undefined, cause: Error): Error {
  const where = folder === undefined ? '' : ` on ${join(folder, 'dynamodb')}: another gitferry may be using it, or it is damaged`;
  return new Error(`the embedded AWS endpoints cannot start${where}`, { cause });
}
