import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commit, version } from '../../../lib/core/version.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('what clients ask first', () => {
  it('is who they are', async () => {
    expect((await api.call('GET', '/user')).body).toMatchObject({
      username: 'root',
      name: 'root',
      state: 'active',
      is_admin: true,
      role: 'owner',
    });
  });

  it('is which GitLab this is compatible with', async () => {
    expect((await api.call('GET', '/version')).body).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+-gitferry$/),
      revision: commit,
      enterprise: false,
      gitferry: version,
    });
  });
});
