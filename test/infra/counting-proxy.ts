/** A proxy before an AWS endpoint that counts what goes through: requests by operation, and for DynamoDB the capacity they consume, indexes included. */
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Counts {
  /** By operation: `UpdateItem`, `SendMessageBatch`. */
  readonly requests: Record<string, number>;
  readUnits: number;
  writeUnits: number;
}

export interface CountingProxy {
  readonly url: string;
  counts: Counts;
  close(): Promise<void>;
}

const writing = /^(Put|Update|Delete|BatchWrite)Item$/;

export const noCounts = (): Counts => ({ requests: {}, readUnits: 0, writeUnits: 0 });

export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const proxy: { counts: Counts } = { counts: noCounts() };
  const server = createServer(async (incoming, outgoing) => {
    const operation =
      String(incoming.headers['x-amz-target'] ?? '')
        .split('.')
        .pop() ?? '';
    const isDynamo = String(incoming.headers['x-amz-target']).startsWith('DynamoDB');
    const body = isDynamo
      ? JSON.stringify({ ...JSON.parse(await textOf(incoming)), ReturnConsumedCapacity: 'TOTAL' })
      : await textOf(incoming);
    const headers = { ...incoming.headers, host: new URL(target).host, 'content-length': String(Buffer.byteLength(body)) };
    const forward = request(target, { method: incoming.method ?? 'POST', path: incoming.url ?? '/', headers }, async (answer) => {
      const text = await textOf(answer);
      proxy.counts.requests[operation] = (proxy.counts.requests[operation] ?? 0) + 1;
      if (isDynamo) {
        const consumed: unknown = JSON.parse(text).ConsumedCapacity ?? [];
        // A write whose condition fails consumes one unit, and does not say so.
        const units = answer.statusCode === 200 ? unitsIn(consumed) : 1;
        if (writing.test(operation)) proxy.counts.writeUnits += units;
        else proxy.counts.readUnits += units;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      outgoing.end(text);
    });
    forward.on('error', () => outgoing.destroy());
    forward.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function unitsIn(consumed: unknown): number {
  return [consumed].flat().reduce((sum: number, each) => sum + Number((each as { CapacityUnits?: number }).CapacityUnits ?? 0), 0);
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
