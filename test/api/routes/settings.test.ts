import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const put = (body: object) => api.call('PUT', '/application/settings', { body });

describe('/application/settings', () => {
  it('shows the defaults, and what was changed', async () => {
    const defaults = {
      silent_mode_enabled: false,
      push_min_interval: 10,
      pull_interval: 1800,
      pull_min_interval: 300,
      reconcile_interval: 21_600,
      max_runs_per_host: 8,
      max_deletions_percent: 50,
    };
    expect((await api.call('GET', '/application/settings')).body).toEqual(defaults);
    const changed = { pull_interval: 60, max_deletions_percent: '0' };
    expect(await put(changed)).toMatchObject({ status: 200, body: { ...defaults, pull_interval: 60, max_deletions_percent: 0 } });
    expect((await api.call('GET', '/application/settings')).body).toEqual({
      ...defaults,
      pull_interval: 60,
      max_deletions_percent: 0,
    });
    expect((await put({})).status).toBe(200);
  });

  it.each([
    [{ pull_interval: 59 }, 'pull_interval must be at least 60'],
    [{ pull_interval: 1e9 }, 'pull_interval must be at most 2592000'],
    [{ pull_interval: 60.5 }, 'pull_interval is invalid'],
    [{ max_runs_per_host: 0 }, 'max_runs_per_host must be at least 1'],
    [{ max_deletions_percent: 101 }, 'max_deletions_percent must be at most 100'],
    [{ silent_mode_enabled: 'loud' }, 'silent_mode_enabled is invalid'],
    [{ silent_mode_enabled: null }, 'silent_mode_enabled is invalid'],
    [{ signup_enabled: true }, 'signup_enabled is unknown'],
  ])('refuses %j', async (body, error) => {
    expect(await put(body)).toMatchObject({ status: 400, body: { error } });
  });

  it('sends what waited when silent mode is lifted', async () => {
    const { id: projectId } = await api.newProject();
    await put({ silent_mode_enabled: true });
    const { body } = await api.call('POST', `/projects/${projectId}/remote_mirrors`, { body: { url: 'https://m.example.org/a.git' } });
    await api.wakeUps();
    await put({ silent_mode_enabled: true });
    expect(await api.wakeUps()).toEqual([]);
    expect((await put({ silent_mode_enabled: false })).body.silent_mode_enabled).toBe(false);
    expect(await api.wakeUps()).toEqual([{ projectId, mirror: body.id }]);
  });
});
