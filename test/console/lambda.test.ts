/** The console behind API Gateway, as the deployed function gets its events. */
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { handle } from 'hono/aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestEvent } from '../../lib/api/http/lambda-event.ts';
import { assetPath } from '../../lib/console/assets.ts';
import { createSite } from '../../lib/console/create-site.ts';
import { startTestConsole, type TestConsole } from '../support/console.ts';

let site: TestConsole;
beforeAll(async () => {
  site = await startTestConsole();
});
afterAll(() => site.close());

interface EventParts {
  readonly method?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly cookies?: readonly string[];
  readonly body?: string;
}

/** API Gateway's payload 2.0: the path decoded, cookies in a list of their own, bodies in base64. */
async function call(rawPath: string, { method = 'GET', query = '', headers = {}, cookies, body }: EventParts = {}) {
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString: query,
    headers: { host: 'ferry.example.org', ...headers },
    requestContext: { domainName: 'ferry.example.org', http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1' } },
    isBase64Encoded: body !== undefined,
    ...(cookies === undefined ? {} : { cookies }),
    ...(body === undefined ? {} : { body: Buffer.from(body).toString('base64') }),
  };
  const result = await handle(createSite(site.deps))(requestEvent(event) as never);
  return result as APIGatewayProxyStructuredResultV2;
}

const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };

describe('the console behind API Gateway', () => {
  it('signs in, finds its cookie again, and shows pages', async () => {
    const body = new URLSearchParams({ token: site.api.ownerToken, return: '/' }).toString();
    const signedIn = await call('/sign-in', { method: 'POST', headers: form, body });
    expect([signedIn.statusCode, signedIn.headers?.['location']]).toEqual([303, '/']);
    const [cookie = ''] = signedIn.cookies ?? [];
    expect(cookie).toMatch(/^__Host-gitferry-session=/);
    const page = await call('/', { query: 'q=a%20b', cookies: ['other=1', cookie.split(';')[0] ?? ''] });
    expect(page.statusCode).toBe(200);
    expect(page.isBase64Encoded).toBe(false);
    expect(page.body).toContain('value="a b"');
  });

  it('keeps the path and query to return to, also where the path came decoded', async () => {
    const answer = await call('/projects/a b?c', { query: 'x=1' });
    expect(answer.statusCode).toBe(303);
    expect(answer.headers?.['location']).toMatch(/^\/sign-in/);
  });

  it('sends assets compressed, in base64', async () => {
    const { statusCode, headers, isBase64Encoded } = await call(assetPath('htmx.js'), { headers: { 'accept-encoding': 'gzip, br' } });
    expect([statusCode, headers?.['content-encoding'], isBase64Encoded]).toEqual([200, 'br', true]);
  });

  it('refuses a forged form', async () => {
    const headers = { ...form, 'sec-fetch-site': 'cross-site' };
    expect((await call('/sign-in', { method: 'POST', headers, body: 'token=x' })).statusCode).toBe(403);
  });
});
