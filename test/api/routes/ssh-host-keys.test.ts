import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('POST /ssh_host_keys/detect', () => {
  it('says that SSH is not there yet, once the call is a good one', async () => {
    const detect = (body: object, role: 'maintainer' | 'reporter') => async () =>
      api.call('POST', '/ssh_host_keys/detect', { body, token: await api.newToken(role) });
    expect(await detect({ url: 'ssh://h.example.org' }, 'maintainer')()).toMatchObject({ status: 501, body: { code: 'ssh_unavailable' } });
    expect((await detect({}, 'maintainer')()).status).toBe(400);
    expect((await detect({ url: 'ssh://h.example.org' }, 'reporter')()).status).toBe(403);
  });
});
