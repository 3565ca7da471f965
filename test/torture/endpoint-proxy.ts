/** A proxy before an AWS endpoint that fails, throttles, keeps silent, is late, loses answers, asks twice, and lets somebody act at each of its steps. */
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface EndpointCall {
  /** `UpdateItem`, `SendMessageBatch`. */
  readonly operation: string;
  readonly body: string;
}

/**
 * `error`: 500, nothing done. `throttled`: refused as each service does. `silence`: the connection is held, nothing done. `late`: done, answered after a
 * while. `lost answer`: done, and the connection is cut; `lost answer if done`: not where it was refused. `lost request`: cut before anything was done. `twice`: done two times.
 */
export type EndpointFault = 'error' | 'throttled' | 'silence' | 'late' | 'lost answer' | 'lost answer if done' | 'lost request' | 'twice';

export interface EndpointHooks {
  /** Before the call reaches the endpoint; what it resolves with is done to it. */
  before?(call: EndpointCall): Promise<EndpointFault | undefined> | EndpointFault | undefined;
  /** It has been carried out, and the answer is not given yet. */
  after?(call: EndpointCall, status: number): Promise<void> | void;
}

export interface EndpointProxy {
  readonly url: string;
  hooks: EndpointHooks;
  close(): Promise<void>;
}

const lateMs = 1_500;

const throttling: Readonly<Record<string, string>> = {
  DynamoDB: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
  AmazonSQS: 'com.amazonaws.sqs#RequestThrottled',
  secretsmanager: 'ThrottlingException',
};

export async function startEndpointProxy(target: string): Promise<EndpointProxy> {
  const sockets = new Set<Socket>();
  const proxy: { hooks: EndpointHooks } = { hooks: {} };
  const server = createServer((incoming, outgoing) => {
    handle(target, proxy.hooks, incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(proxy, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  });
}

async function handle(target: string, hooks: EndpointHooks, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const body = await textOf(incoming);
  const [api = '', operation = ''] = String(incoming.headers['x-amz-target'] ?? '').split('.');
  const call = { operation, body };
  const fault = await hooks.before?.(call);
  if (fault === 'silence') return;
  if (fault === 'lost request') return void outgoing.destroy();
  if (fault === 'error' || fault === 'throttled') {
    const type = fault === 'error' ? 'InternalServerError' : (throttling[api.split('_')[0] ?? ''] ?? 'ThrottlingException');
    const status = fault === 'error' ? 500 : 400;
    outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify({ __type: type, message: 'torture' }));
    return;
  }
  const answer = await forward(target, incoming, body);
  const last = fault === 'twice' ? await forward(target, incoming, body) : answer;
  await hooks.after?.(call, answer.status);
  if (fault === 'late') await new Promise((resolve) => setTimeout(resolve, lateMs));
  if (fault === 'lost answer' || (fault === 'lost answer if done' && answer.status === 200)) return void outgoing.destroy();
  outgoing.writeHead(last.status, last.headers).end(last.text);
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

function forward(target: string, { method, url, headers }: IncomingMessage, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call: ClientRequest = request(
      target,
      { method: method ?? 'POST', path: url ?? '/', headers: { ...headers, host: new URL(target).host } },
      (answer) => {
        textOf(answer).then((text) => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, text }), reject);
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
