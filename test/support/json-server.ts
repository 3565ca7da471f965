/** An AWS-like endpoint that answers as a test says, to see what happens when the service misbehaves. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface JsonServer {
  readonly origin: string;
  /** Of every request so far: the operation and its input. */
  readonly calls: readonly { readonly operation: string; readonly input: Record<string, unknown> }[];
  close(): Promise<void>;
}

/** `answer` gets the operation (`GetItem`), its input and how many calls came before; `drop` breaks the connection. */
export async function startJsonServer(
  answer: (operation: string, input: Record<string, unknown>, before: number) => JsonAnswer | 'drop' | Promise<JsonAnswer | 'drop'>,
): Promise<JsonServer> {
  const calls: { operation: string; input: Record<string, unknown> }[] = [];
  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const input = JSON.parse(await bodyOf(request)) as Record<string, unknown>;
    const before = calls.push({ operation, input }) - 1;
    const result = await answer(operation, input, before);
    if (result === 'drop') {
      request.socket.destroy();
      return;
    }
    response.writeHead(result.status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'the-request-id' });
    response.end(JSON.stringify(result.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
