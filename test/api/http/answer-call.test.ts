import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../../../lib/api/http/answer-call.ts';
import type { Endpoint } from '../../../lib/api/http/endpoint.ts';
import { projectEndpoints } from '../../../lib/api/routes/projects.ts';
import { settingsEndpoints } from '../../../lib/api/routes/settings.ts';
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
    for (const name of [id, path])
      expect(await callApi(api.deps, token('owner'), projectEndpoints.show, { id: name })).toMatchObject({
        status: 200,
        body: byHttp.body,
      });
    const list = await callApi(api.deps, token('owner'), projectEndpoints.list, {}, { per_page: 1 });
    expect(list.headers).toMatchObject({ 'x-per-page': '1' });
  });

  it.each([
    ['too low a role', 'reporter', null, projectEndpoints.remove, {}, 403, {}],
    ['a project of others', 'owner', [999_999], projectEndpoints.show, {}, 404, {}],
    ['an instance call by somebody limited to projects', 'owner', [1], settingsEndpoints.show, {}, 403, {}],
    [
      'unknown fields',
      'owner',
      null,
      projectEndpoints.change,
      { nonsense: 1 },
      400,
      { faults: [{ field: 'nonsense', why: 'is unknown' }] },
    ],
  ] as const)('refuses %s with an answer, not an exception', async (_, role, projectIds, endpoint: Endpoint, input, status, refusal) => {
    const { id } = await api.newProject();
    const answer = await callApi(api.deps, token(role, projectIds), endpoint, { id }, input);
    expect(answer).toMatchObject({ status, refusal });
    expect(await api.deps.records.projects.get(id)).toBeDefined();
  });
});

describe('the log', () => {
  it('names who changed what, and who tried to', async () => {
    const { id } = await api.newProject();
    api.logLines.length = 0;
    await callApi(api.deps, { ...token('owner'), id: 7, name: 'alice' }, projectEndpoints.change, { id }, { path: 'team/renamed' });
    await callApi(api.deps, { ...token('reporter'), id: 8, name: 'ci' }, projectEndpoints.remove, { id });
    await callApi(api.deps, { ...token('owner'), id: 7, name: 'alice' }, projectEndpoints.show, { id });
    await api.call('DELETE', `/projects/${id}`, { token: 'gf_somebody-unknown-to-us' });
    const calls = api.logLines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'api_call');
    expect(calls.map(({ call, status, by, token: number, project }) => [call, status, by, number, project])).toEqual([
      ['PUT /projects/{id}', 200, 'alice', 7, id],
      ['DELETE /projects/{id}', 403, 'ci', 8, id],
      ['DELETE /projects/{id}', 401, undefined, undefined, id],
    ]);
  });
});
