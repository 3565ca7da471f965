/** Keeps an emulator's door: browsers stay out, and so does whoever does not name the access key that the service was given. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isEqualInConstantTime } from '../core/constant-time.ts';

/**
 * The listener, behind the check. The emulators look at no signature, and a page in a browser on this machine could reach them; browsers name
 * the origin of what they send, SDKs never do. Without `accessKeyId` any is accepted.
 */
export function guarded(listener: RequestListener, accessKeyId: string | undefined): RequestListener {
  return (request, response) => {
    if (request.headers.origin === undefined && hasAccessKey(request, accessKeyId)) return listener(request, response);
    return refuse(request, response);
  };
}

function hasAccessKey(request: IncomingMessage, accessKeyId: string | undefined): boolean {
  if (accessKeyId === undefined) return true;
  const given = /^AWS4-HMAC-SHA256 Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return isEqualInConstantTime(given, accessKeyId);
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  // So that its sender reads the answer.
  request.resume();
  response.writeHead(403, { 'content-type': 'application/x-amz-json-1.1', connection: 'close' });
  response.end(JSON.stringify({ __type: 'AccessDeniedException', message: 'This endpoint belongs to a running gitferry.' }));
}
