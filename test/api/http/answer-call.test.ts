import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../../../lib/api/http/answer-call.ts';
import type { AccessToken, Role } from '../../../lib/model/access-token.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

function token(role: Role, projectIds: readonly number[] | null = null): AccessToken {
  return { id: 1, name: 'somebody', tokenHash: 'hash', role, projectIds, expiresAt: null, createdAt: 0 };
}

describe('callApi', () => {
  it('answers as by HTTP, for somebody who is known already', async () => {
    const { id, path } = await api.newProject();
    const byHttp = await api.call('GET', `/projects/${id}`);
    expect((await callApi(api.deps, token('owner'), 'GET', `/projects/${id}`)).body).toEqual(byHttp.body);
    expect((await callApi(api.deps, token('owner'), 'GET', `/projects/${encodeURIComponent(path)}`)).body).toEqual(byHttp.body);
    const list = await callApi(api.deps, token('owner'), 'GET', '/projects', { per_page: 1 });
    expect(list.headers).toMatchObject({ 'x-per-page': '1' });
  });

  it.each([
    ['too low a role', 'reporter', null, 'DELETE', '/projects/ID', {}, 403],
    ['a project of others', 'owner', [999_999], 'GET', '/projects/ID', {}, 404],
    ['an instance call by somebody limited to projects', 'owner', [1], 'GET', '/application/settings', {}, 403],
    ['unknown fields', 'owner', null, 'PUT', '/projects/ID', { nonsense: 1 }, 400],
    ['no such call', 'owner', null, 'GET', '/nowhere', {}, 404],
  ] as const)('refuses %s with an answer, not an exception', async (_, role, projectIds, method, path, input, status) => {
    const { id } = await api.newProject();
    const answer = await callApi(api.deps, token(role, projectIds), method, path.replace('ID', String(id)), input);
    expect(answer.status).toBe(status);
    expect(await api.deps.records.projects.get(id)).toBeDefined();
  });
});

describe('the log', () => {
  it('names who changed what, and who tried to', async () => {
    const { id } = await api.newProject();
    api.logLines.length = 0;
    await callApi(api.deps, { ...token('owner'), id: 7, name: 'alice' }, 'PUT', `/projects/${id}`, { path: 'team/renamed' });
    await callApi(api.deps, { ...token('reporter'), id: 8, name: 'ci' }, 'DELETE', `/projects/${id}`);
    await callApi(api.deps, { ...token('owner'), id: 7, name: 'alice' }, 'GET', `/projects/${id}`);
    await api.call('DELETE', `/projects/${id}`, { token: 'gf_somebody-unknown-to-us' });
    const calls = api.logLines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'api_call');
    expect(calls.map(({ call, status, by, token: number, project }) => [call, status, by, number, project])).toEqual([
      ['PUT /projects/{id}', 200, 'alice', 7, id],
      ['DELETE /projects/{id}', 403, 'ci', 8, id],
      ['DELETE /projects/{id}', 401, undefined, undefined, id],
    ]);
  });
});
