import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../../lib/api/endpoints.ts';
import { createApi } from '../../../lib/api/http/create-api.ts';
import type { Endpoint } from '../../../lib/api/http/endpoint.ts';
import { GitferryError } from '../../../lib/core/errors.ts';
import { roles } from '../../../lib/model/access-token.ts';
import { type ApiAnswer, type CallOptions, startTestApi, type TestApi } from '../../support/api.ts';
import { sendHalf } from '../../support/half-sent.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const unauthorized = { status: 401, body: { message: '401 Unauthorized' } };
const forbidden = { status: 403, body: { message: '403 Forbidden' } };
const noProject = { status: 404, body: { message: '404 Project Not Found' } };

/** A path that the endpoint answers, decoded. */
function pathOf({ path }: Endpoint, project: number | string): string {
  const values: Readonly<Record<string, string>> = { id: String(project), name: 'release/*', run_id: '1-x' };
  return path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '987654');
}

const projectCalls = endpoints.filter(({ access }) => access.scope === 'project').map((endpoint) => [nameOf(endpoint), endpoint] as const);
const otherCalls = endpoints.filter(({ access }) => access.scope !== 'project').map((endpoint) => [nameOf(endpoint), endpoint] as const);

function nameOf({ method, path }: Endpoint): string {
  return `${method} ${path}`;
}

describe('who may do what', () => {
  it('is asked of every call there is', () => {
    expect(projectCalls.length).toBeGreaterThan(25);
    expect(otherCalls.length).toBeGreaterThan(15);
  });

  it.each(projectCalls)('%s, with any role, to one’s own, a foreign and an unknown project', async (_, endpoint) => {
    const own = await api.newProject();
    const foreign = await api.newProject();
    expect(await api.call(endpoint.method, pathOf(endpoint, own.id), { token: '' })).toMatchObject(unauthorized);
    for (const role of roles) {
      const token = await api.newToken(role, { projectIds: [own.id] });
      const ask = (project: number | string): Promise<ApiAnswer> => api.call(endpoint.method, pathOf(endpoint, project), { token });
      for (const project of [
        foreign.id,
        encodeURIComponent(foreign.path),
        foreign.path,
        987654,
        'group%2Funknown',
        '0',
        '99999999999999999999',
      ])
        expect(await ask(project)).toMatchObject(noProject);
      const answer = await ask(own.id);
      const least = endpoint.access.scope === 'project' ? endpoint.access.role : 'owner';
      if (roles.indexOf(role) < roles.indexOf(least)) {
        expect(answer).toMatchObject(forbidden);
        continue;
      }
      expect([200, 202, 204, 400, 404]).toContain(answer.status);
      expect(answer.body).not.toEqual(noProject.body);
    }
  });

  it.each(otherCalls)('%s, with any role', async (_, endpoint) => {
    // The last token of an owner could not be deleted.
    const { access } = endpoint;
    for (const role of roles) {
      for (const projectIds of [null, [1]]) {
        const token = await api.newToken(role, { projectIds });
        const answer = await api.call(endpoint.method, pathOf(endpoint, 1), { token });
        const isEnough = access.scope === 'token' || (access.scope === 'instance' && projectIds === null && role === 'owner');
        if (isEnough) expect(answer.status).not.toBe(401);
        else expect(answer).toMatchObject(forbidden);
      }
    }
    expect(await api.call(endpoint.method, pathOf(endpoint, 1), { token: '' })).toMatchObject(unauthorized);
  });

  it.each([
    ['an unknown token', () => ({ token: 'gf_unknown' })],
    ['a very long token', () => ({ token: 'x'.repeat(5000) })],
    ['no Bearer', () => ({ token: '', headers: { authorization: 'Basic abc' } })],
    ['an empty Bearer', () => ({ token: '', headers: { authorization: 'Bearer ' } })],
    ['a token as a parameter', () => ({ token: '' })],
  ])('is nobody with %s', async (_, options: () => CallOptions) => {
    expect(await api.call('GET', `/version?private_token=${api.ownerToken}`, options())).toMatchObject(unauthorized);
  });

  it('takes the token as PRIVATE-TOKEN or as Bearer, also beside an empty PRIVATE-TOKEN', async () => {
    const both = { authorization: `Bearer ${api.ownerToken}`, 'private-token': '' };
    expect((await api.call('GET', '/user', { token: '', headers: both })).status).toBe(200);
    const bearer = await api.call('GET', '/user', { token: '', headers: { authorization: `Bearer ${api.ownerToken}` } });
    expect([bearer.status, bearer.body.username]).toEqual([200, 'root']);
    expect((await api.call('GET', '/user')).body.username).toBe('root');
  });

  it('refuses a token from the moment it expires', async () => {
    const alive = await api.newToken('reporter', { expiresAt: Date.now() + 60_000 });
    const expired = await api.newToken('reporter', { expiresAt: Date.now() - 1 });
    expect((await api.call('GET', '/user', { token: alive })).status).toBe(200);
    expect(await api.call('GET', '/user', { token: expired })).toMatchObject(unauthorized);
  });
});

describe('every call', () => {
  it.each(endpoints.map((endpoint) => [nameOf(endpoint), endpoint] as const))(
    '%s is found by a decoded Lambda event',
    async (_, endpoint) => {
      const project = await api.newProject();
      const token = await api.newToken('owner');
      const answer = await api.lambda(endpoint.method, pathOf(endpoint, project.path), { token });
      expect([200, 202, 204, 400, 404]).toContain(answer.status);
      // Found: neither an unknown path nor an unknown project.
      expect(answer.body).not.toEqual({ error: '404 Not Found' });
      expect(answer.body).not.toEqual(noProject.body);
      if (answer.text !== '') expect(answer.headers.get('content-type')).toBe('application/json');
    },
  );
});

describe('paths', () => {
  it('tells its health at the root without a token', async () => {
    const answer = await api.call('GET', '/health', { token: '' });
    expect(answer).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  it.each(['/nothing', '/projects/1/remote_mirrors/2/sync/3', '', '/personal_access_tokens/1/rotate/x'])(
    'answers %s with 404 in JSON',
    async (path) => {
      const answer = await api.call('GET', `/api/v4${path}`);
      expect(answer).toMatchObject({ status: 404, body: { error: '404 Not Found' } });
      expect(answer.headers.get('content-type')).toBe('application/json');
    },
  );

  it('answers everything outside with 404 in JSON', async () => {
    const response = await fetch(`${api.origin}/elsewhere`);
    expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([
      404,
      'application/json',
      { error: '404 Not Found' },
    ]);
  });

  it('answers a method that the path does not have with 405 and those it has', async () => {
    const { id } = await api.newProject();
    const answer = await api.call('PATCH', `/projects/${id}`, { body: {} });
    expect(answer).toMatchObject({ status: 405, body: { error: '405 Not Allowed' } });
    expect(answer.headers.get('allow')).toBe('OPTIONS, HEAD, GET, PUT, DELETE');
  });

  it('answers OPTIONS with the methods and HEAD with the headers of GET', async () => {
    const options = await api.call('OPTIONS', '/projects', { token: '' });
    expect([options.status, options.text, options.headers.get('allow')]).toEqual([204, '', 'OPTIONS, HEAD, GET, POST']);
    const head = await api.call('HEAD', '/projects');
    expect([head.status, head.text, head.headers.get('x-per-page')]).toEqual([200, '', '20']);
    expect((await api.call('HEAD', '/projects', { token: '' })).status).toBe(401);
  });

  it('forbids caches to keep answers', async () => {
    expect((await api.call('GET', '/user')).headers.get('cache-control')).toBe('no-store');
  });
});

describe('parameters', () => {
  const form = (pairs: Readonly<Record<string, string>>): FormData => {
    const data = new FormData();
    for (const [name, value] of Object.entries(pairs)) data.append(name, value);
    return data;
  };
  const wanted = { url: 'https://forms.example.org/a.git', enabled: 'false', mirror_tags: 'none' };

  it.each([
    ['JSON', { body: { ...wanted, enabled: false } }, ''],
    ['JSON with text for everything', { body: wanted }, ''],
    ['JSON with a charset', { body: wanted, headers: { 'content-type': 'application/json; charset=utf-8' } }, ''],
    ['an urlencoded form', { body: new URLSearchParams(wanted) }, ''],
    ['a multipart form', { body: form(wanted) }, ''],
    ['the query', {}, `?${new URLSearchParams(wanted)}`],
    ['the query and an empty object', { body: {} }, `?${new URLSearchParams(wanted)}`],
    ['the body rather than the query', { body: { ...wanted, enabled: false } }, '?enabled=true'],
  ])('are taken from %s', async (_, options: CallOptions, query) => {
    const { id } = await api.newProject();
    const answer = await api.call('POST', `/projects/${id}/remote_mirrors${query}`, options);
    expect(answer).toMatchObject({ status: 201, body: { enabled: false, url: wanted.url, mirror_tags: 'none' } });
  });

  it.each([true, false])('are taken from a Lambda event without a content type, in base64: %s', async (base64) => {
    const { id } = await api.newProject();
    const answer = await api.lambda('POST', `/projects/${id}/remote_mirrors`, { body: JSON.stringify(wanted), base64 });
    expect(answer).toMatchObject({ status: 201, body: { enabled: false } });
  });

  it.each([
    ['malformed JSON', '{"url": ', 'application/json', 400, 'message body does not match declared format'],
    [
      'bytes that are not UTF-8',
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
      'application/json',
      400,
      'message body does not match declared format',
    ],
    ['a JSON array', '[]', 'application/json', 400, 'the request body must be a JSON object'],
    ['JSON null', 'null', 'application/json', 400, 'the request body must be a JSON object'],
    ['a broken multipart form', 'nonsense', 'multipart/form-data; boundary=x', 400, 'message body does not match declared format'],
    ['multipart without a boundary', 'nonsense', 'multipart/form-data', 400, 'message body does not match declared format'],
    ['XML', '<a/>', 'text/xml', 415, expect.stringContaining('content-type')],
  ])('refuses %s', async (_, body, type, status, error) => {
    const headers = { 'private-token': api.ownerToken, 'content-type': type };
    const response = await fetch(`${api.origin}/api/v4/projects`, { method: 'POST', headers, body });
    expect([response.status, await response.json()]).toEqual([status, { error }]);
  });

  it('reads no body before it knows the caller, and next to none where a call takes no parameters', async () => {
    const { id } = await api.newProject();
    const port = Number(new URL(api.origin).port);
    const half = { stated: 200_000, sent: 100_000 };
    const stranger = sendHalf(port, 'POST', '/api/v4/projects', { 'content-type': 'application/json' }, half);
    expect(await stranger.status).toBe(401);
    await stranger.closed;
    const reporter = { 'private-token': await api.newToken('reporter', { projectIds: [id] }) };
    expect(await sendHalf(port, 'PUT', `/api/v4/projects/${id}`, reporter, half).status).toBe(403);
    const token = { 'private-token': await api.newToken('maintainer', { projectIds: [id] }) };
    expect(await sendHalf(port, 'DELETE', `/api/v4/projects/${id}/mirror/pull`, token, half).status).toBe(413);
  });

  it('refuses a body over 256 KiB, with its length announced or not', async () => {
    const body = JSON.stringify({ path: 'x'.repeat(256 * 1024) });
    expect((await api.call('POST', '/projects', { body: JSON.parse(body) })).status).toBe(413);
    const chunked = new ReadableStream({
      start(controller) {
        for (let from = 0; from < body.length; from += 65_536)
          controller.enqueue(new TextEncoder().encode(body.slice(from, from + 65_536)));
        controller.close();
      },
    });
    const headers = { 'private-token': api.ownerToken, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: chunked, duplex: 'half' } as RequestInit;
    expect((await fetch(`${api.origin}/api/v4/projects`, init)).status).toBe(413);
    expect((await api.lambda('POST', '/projects', { body: JSON.parse(body) })).status).toBe(413);
    expect((await api.call('GET', '/user')).status).toBe(200);
  });

  it.each([
    ['unknown ones', { path: 'a/b', repository_url: 'https://h.example.org/a', foo: 1, 'b"r': 2 }, 'foo is unknown, b\\"r is unknown'],
    ['__proto__', JSON.parse('{"__proto__": {"path": "a/b"}, "path": "a/b"}'), '__proto__ is unknown'],
    ['constructor', { constructor: 1 }, 'constructor is unknown'],
    ['missing ones', {}, 'path is missing, repository_url is missing'],
    ['null', { path: null, repository_url: 'https://h.example.org/a' }, 'path is invalid'],
    [
      'wrong types',
      { path: 7, repository_url: [], username: {}, host_keys: 3 },
      'path is invalid, repository_url is invalid, username is invalid, host_keys is invalid',
    ],
    [
      'what is too long',
      { path: `a/${'b'.repeat(254)}`, repository_url: `https://h.example.org/${'x'.repeat(2048)}` },
      'path is too long (maximum is 255 characters), repository_url is too long (maximum is 2048 characters)',
    ],
    ['what is empty', { path: ' ', repository_url: 'https://h.example.org/a' }, 'path is empty'],
    [
      'unknown words',
      { path: 'a/b', repository_url: 'https://h.example.org/a', auth_method: 'kerberos' },
      'auth_method does not have a valid value',
    ],
  ])('names %s', async (_, body, error) => {
    const answer = await api.call('POST', '/projects', { body });
    expect([answer.status, answer.body]).toEqual([400, { error }]);
  });

  it('never repeats a long name', async () => {
    const answer = await api.call('POST', '/projects', { body: { ['x'.repeat(10_000)]: 1 } });
    expect(answer.status).toBe(400);
    expect(answer.text.length).toBeLessThan(200);
  });
});

describe('failures of the service itself', () => {
  const failing = (error: Error) =>
    createApi({
      ...api.deps,
      records: { ...api.deps.records, projects: { ...api.deps.records.projects, list: () => Promise.reject(error) } },
    });

  it.each([
    [new GitferryError('storage_unavailable'), 503, { code: 'storage_unavailable' }],
    [new GitferryError('secrets_unavailable'), 503, { code: 'secrets_unavailable' }],
    [new TypeError('no such thing at https://me:hunter22@host/'), 500, { message: '500 Internal Server Error' }],
  ])('are told as %s', async (error, status, body) => {
    const before = api.logLines.length;
    const response = await failing(error).request('/api/v4/projects', { headers: { 'private-token': api.ownerToken } });
    const text = await response.text();
    expect([response.status, JSON.parse(text)]).toEqual([status, expect.objectContaining(body)]);
    const lines = api.logLines.slice(before).join('');
    expect(lines).toContain('api_call_failed');
    expect(text + lines).not.toContain('hunter22');
    if (status === 500) expect(text).not.toContain('no such thing');
  });
});

describe('whatever is sent', () => {
  const names = [...new Set(endpoints.flatMap(({ input }) => Object.keys(input.shape)))];
  const value = fc.oneof(
    fc.jsonValue(),
    fc.string(),
    fc.constantFrom(
      'https://h.example.org/r.git',
      'git@h:r',
      'ssh://h/r',
      'https://127.1/r',
      'https://u:p@h/r',
      'a/b',
      '\ud800',
      '\u0000',
      '',
      '(?=x)',
      '2031-01-01',
      1,
      2,
    ),
  );
  const body = fc.dictionary(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: fc.string() }), value, {
    maxKeys: 6,
  });
  // Without those that would end this very test.
  const writes = endpoints.filter(
    ({ method, path }) => method !== 'GET' && path !== '/personal_access_tokens/self' && path !== '/ssh_host_keys/detect',
  );

  it('is never answered with a failure of the service', async () => {
    const { id } = await api.newProject('random/input');
    const mirror = await api.call('POST', `/projects/${id}/remote_mirrors`, { body: { url: 'https://random.example.org/a.git' } });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...writes), body, fc.boolean(), async (endpoint, input, isQuery) => {
        const path = pathOf(endpoint, id).replace('remote_mirrors/987654', `remote_mirrors/${mirror.body.id}`);
        const query = new URLSearchParams(
          Object.entries(input).map(([name, given]): [string, string] => [name, typeof given === 'string' ? given : JSON.stringify(given)]),
        );
        const answer = await api.call(endpoint.method, isQuery ? `${path}?${query}` : path, isQuery ? {} : { body: input });
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 500 },
    );
  });
});
