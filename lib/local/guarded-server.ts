/** Keeps an emulator's door: nobody comes in by a name of another host, from a browser's page, or without the access key that the service was given. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isEqualInConstantTime } from '../core/constant-time.ts';

/** The one address that the embedded endpoints are at. */
export const loopback = '127.0.0.1';

/**
 * Puts the listeners that the server has behind the check. The emulators look at no signature, and a page in a browser on this machine could reach them:
 * it names its origin, or the host whose name was bound to this address (DNS rebinding); SDKs name neither. Without `accessKeyId` any is accepted.
 */
export function guard(server: Server, accessKeyId: string | undefined): void {
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (!mayEnter(request, accessKeyId)) return refuse(request, response);
    for (const listener of listeners) listener(request, response);
  });
}

/** On a free port of this machine alone; resolves with the origin. */
export async function listenHere(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, loopback, resolve);
  });
  return `http://${loopback}:${(server.address() as AddressInfo).port}`;
}

function mayEnter({ headers, socket }: IncomingMessage, accessKeyId: string | undefined): boolean {
  if (headers.origin !== undefined || headers.host !== `${loopback}:${socket.localPort}`) return false;
  if (accessKeyId === undefined) return true;
  const given = /^AWS4-HMAC-SHA256 Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';
  return isEqualInConstantTime(given, accessKeyId);
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  // So that its sender reads the answer.
  request.resume();
  response.writeHead(403, { 'content-type': 'application/x-amz-json-1.1', connection: 'close' });
  response.end(JSON.stringify({ __type: 'AccessDeniedException', message: 'This endpoint belongs to a running gitferry.' }));
}
