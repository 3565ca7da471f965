/** Entry of the thread that the embedded AWS endpoints run in: starts them, says where they are and what becomes of the disk, and ends them when told to. */
import { parentPort, workerData } from 'node:worker_threads';
import { startAwsEndpoints } from './aws-endpoints.ts';
import type { ThreadInput, ThreadMessage } from './aws-endpoints-thread.ts';

const { folder, accessKeyId } = workerData as ThreadInput;

function tell(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}

try {
  const { close, recoverFrom, ...origins } = await startAwsEndpoints(folder, accessKeyId, (event, detail) => tell({ event, detail }));
  process.on('uncaughtException', (error) => {
    if (!recoverFrom(error)) throw error;
  });
  parentPort?.once('message', () => {
    // Nothing is left that keeps the thread alive.
    close().finally(() => parentPort?.close());
  });
  tell({ started: origins });
} catch (error) {
  tell({ failed: error instanceof Error ? error.message : String(error) });
  parentPort?.close();
}
