import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('protected branches', () => {
  it.each(['main', 'release/1.0', 'release/*', '*', 'feature#12', '100%', 'what&that=1', 'ümlaut/日本', 'mirror/pull', 'a%2Fb'])(
    'has %s, reached by its encoded and by its decoded name',
    async (name) => {
      const { id, path } = await api.newProject();
      const base = `/projects/${id}/protected_branches`;
      const made = await api.call('POST', base, { body: { name } });
      expect(made).toMatchObject({ status: 201, body: { id: expect.any(Number), name, push_access_levels: [], allow_force_push: false } });
      expect(await api.call('GET', `${base}/${encodeURIComponent(name)}`)).toMatchObject({ status: 200, body: made.body });
      if (name !== 'a%2Fb')
        expect(await api.lambda('GET', `/projects/${path}/protected_branches/${name}`)).toMatchObject({ status: 200, body: { name } });
      expect((await api.call('GET', base)).body).toEqual([made.body]);
      const removed = await api.call('DELETE', `${base}/${encodeURIComponent(name)}`, { body: {} });
      expect([removed.status, removed.text, removed.headers.get('content-type')]).toEqual([204, '', null]);
      expect(await api.call('GET', `${base}/${encodeURIComponent(name)}`)).toMatchObject({
        status: 404,
        body: { message: '404 Not Found' },
      });
      expect((await api.call('DELETE', `${base}/${encodeURIComponent(name)}`)).status).toBe(404);
    },
  );

  it('says so when a branch is protected already', async () => {
    const { id } = await api.newProject();
    await api.call('POST', `/projects/${id}/protected_branches`, { body: { name: 'main' } });
    const again = await api.call('POST', `/projects/${id}/protected_branches?name=main`, { body: { push_access_level: 40 } });
    expect(again).toMatchObject({ status: 409, body: { message: "Protected branch 'main' already exists" } });
  });

  it.each(['a..b', 'a b', '-\u0000', 'a~1', 'a//b', '/a', 'a/', 'a.lock', '.a', 'a^', '[a]', '\ud800'])('refuses %j', async (name) => {
    const { id } = await api.newProject();
    expect((await api.call('POST', `/projects/${id}/protected_branches`, { body: { name } })).status).toBe(400);
  });

  it('pages and searches', async () => {
    const { id } = await api.newProject();
    for (const name of ['a', 'b', 'ab']) await api.call('POST', `/projects/${id}/protected_branches`, { body: { name } });
    const page = await api.call('GET', `/projects/${id}/protected_branches?search=a&per_page=1&page=2`);
    expect([page.body.map(({ name }: { name: string }) => name), page.headers.get('x-total')]).toEqual([['ab'], '2']);
  });
});
