/** Webhooks behind API Gateway, as the deployed function gets its events. */
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { handle } from 'hono/aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Headers, proof, sample } from './samples.ts';
import { startWebhookService, type TestHook, type WebhookService } from './webhook-service.ts';

let service: WebhookService;
let hook: TestHook;
beforeAll(async () => {
  service = await startWebhookService();
  const project = await service.createProject('https://github.example.com/codertocat/hello-world.git');
  await service.createMirror(project.id);
  hook = await service.createHook(project.id, 'github');
});
afterAll(() => service.close());

/** As an HTTP API hands it over, payload format 2.0: header names in lower case, repeated ones joined by commas. */
function event(rawPath: string, headers: Headers, body: Uint8Array, isBase64Encoded: boolean, method = 'POST'): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey: 'ANY /hooks/{token}',
    rawPath,
    rawQueryString: '',
    headers: { host: 'gitferry.example.com', 'x-forwarded-for': '192.0.2.1', ...headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'gitferry.example.com',
      domainPrefix: 'gitferry',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'GitHub-Hookshot/044aadd' },
      requestId: 'id',
      routeKey: 'ANY /hooks/{token}',
      stage: '$default',
      time: '12/Mar/2020:19:03:58 +0000',
      timeEpoch: 1583348638390,
    },
    body: Buffer.from(body).toString(isBase64Encoded ? 'base64' : 'utf8'),
    isBase64Encoded,
  };
}

const call = async (
  given: APIGatewayProxyEventV2,
): Promise<{ readonly status: number; readonly body: unknown; readonly type: unknown }> => {
  const { statusCode, body, headers, isBase64Encoded } = await handle(service.app)(given as never);
  expect(isBase64Encoded).toBe(false);
  return { status: statusCode, body: JSON.parse(body), type: headers?.['content-type'] };
};

describe('an event of API Gateway', () => {
  const { headers, body } = sample('github', 'push-branch');

  it.each([false, true])('is verified on the bytes that were sent, base64: %s', async (isBase64Encoded) => {
    const signed = { ...headers, ...proof('github', hook.secret, body, 0) };
    const answer = await call(event(hook.path, signed, body, isBase64Encoded));
    expect(answer).toMatchObject({ status: 202, type: 'application/json', body: { status: expect.stringMatching(/queued|merged/) } });
  });

  it('is verified also where the bytes are no text', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x80]);
    const answer = await call(event(hook.path, { ...headers, ...proof('github', hook.secret, bytes, 0) }, bytes, true));
    expect(answer).toMatchObject({ status: 202, body: { status: 'ignored' } });
  });

  it.each([
    ['no proof', {}],
    ['another secret', proof('github', 'wrong', body, 0)],
    ['the header twice', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)},sha256=${'0'.repeat(64)}` }],
  ])('with %s is refused', async (_, more) => {
    expect(await call(event(hook.path, { ...headers, ...more }, body, false))).toMatchObject({
      status: 401,
      body: { message: '401 Unauthorized' },
    });
  });

  it('over 4 MiB is refused', async () => {
    const large = Buffer.alloc(4 * 1024 * 1024 + 1, 0x20);
    const answer = await call(event(hook.path, { ...headers, ...proof('github', hook.secret, large, 0) }, large, true));
    expect(answer.status).toBe(413);
  });

  it.each([
    ['GET', '/hooks/x', 405],
    ['POST', '/elsewhere', 404],
  ])('%s %s is answered %i', async (method, path, status) => {
    const bare = event(path, {}, Buffer.alloc(0), false, method);
    expect((await call(bare)).status).toBe(status);
  });
});
