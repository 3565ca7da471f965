import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { providers } from '../../../lib/model/hook.ts';
import { hookSecret, parseHookToken } from '../../../lib/model/hook-secret.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

describe('incoming hooks', () => {
  it.each(providers)('are made for %s with an address and a secret that are shown once', async (provider) => {
    const { id: project } = await api.newProject();
    const base = `/projects/${project}/incoming_hooks`;
    const made = await api.call('POST', base, { body: { provider } });
    expect(made).toMatchObject({ status: 201, body: { provider, project_id: project, last_delivery_at: null, silent_since: null } });
    const token = parseHookToken(made.body.url.replace('https://ferry.example.org/hooks/', ''));
    expect(token?.projectId).toBe(project);
    const [hook] = await api.deps.records.hooks.ofProject(project);
    expect(hook?.tokenHash).toBe(token?.tokenHash);
    expect(made.body.secret).toBe(hookSecret(await api.deps.secrets.signingKey(), hook!));
    for (const answer of [await api.call('GET', `${base}/${made.body.id}`), await api.call('GET', base)]) {
      expect(answer.text).not.toContain(made.body.secret);
      expect([answer.body].flat()[0]).toMatchObject({ id: made.body.id, url: 'https://ferry.example.org/hooks/*****' });
    }
    expect(api.logLines.join('')).not.toContain(made.body.secret);
  });

  it('get a new secret, and the old one stays valid for a day', async () => {
    const { id: project } = await api.newProject();
    const base = `/projects/${project}/incoming_hooks`;
    const made = await api.call('POST', base, { body: { provider: 'github' } });
    const rotated = await api.call('PUT', `${base}/${made.body.id}`, { body: {} });
    expect(rotated).toMatchObject({ status: 200, body: { id: made.body.id, secret: expect.stringMatching(/^[\w-]{43}$/) } });
    expect(rotated.body.secret).not.toBe(made.body.secret);
    const [hook] = await api.deps.records.hooks.ofProject(project);
    const signingKey = await api.deps.secrets.signingKey();
    expect([rotated.body.secret, made.body.secret]).toEqual([
      hookSecret(signingKey, hook!),
      hookSecret(signingKey, { ...hook!, generation: hook!.generation - 1 }),
    ]);
    const day = 24 * 3600_000;
    expect(Math.abs(Date.parse(rotated.body.previous_secret_valid_until) - Date.now() - day)).toBeLessThan(60_000);
  });

  it('say whether their deliveries still come', async () => {
    const { id: project } = await api.newProject();
    const made = await api.call('POST', `/projects/${project}/incoming_hooks`, { body: { provider: 'gitlab' } });
    const [hook] = await api.deps.records.hooks.ofProject(project);
    const now = Date.now();
    await api.deps.records.hooks.noteDelivery(hook!, { now, of: 'upstream' });
    const [delivered] = await api.deps.records.hooks.ofProject(project);
    await api.deps.records.hooks.noteSilent(delivered!, now + 1000);
    expect((await api.call('GET', `/projects/${project}/incoming_hooks/${made.body.id}`)).body).toMatchObject({
      last_delivery_at: new Date(now).toISOString(),
      last_delivery_of: 'upstream',
      silent_since: new Date(now + 1000).toISOString(),
    });
  });

  it('show reporters no address', async () => {
    const { id: project } = await api.newProject();
    await api.call('POST', `/projects/${project}/incoming_hooks`, { body: { provider: 'generic' } });
    const answer = await api.call('GET', `/projects/${project}/incoming_hooks`, { token: await api.newToken('reporter') });
    expect([answer.status, answer.body.length, answer.text.includes('/hooks/')]).toEqual([200, 1, false]);
  });

  it.each([
    [{}, 'provider is missing'],
    [{ provider: 'sourceforge' }, 'provider does not have a valid value'],
    [{ provider: null }, 'provider does not have a valid value'],
    [{ provider: 'github', url: 'https://x' }, 'url is unknown'],
  ])('are not made of %j', async (body, error) => {
    const { id } = await api.newProject();
    expect(await api.call('POST', `/projects/${id}/incoming_hooks`, { body })).toMatchObject({ status: 400, body: { error } });
  });

  it('go, and are not found afterwards', async () => {
    const { id: project } = await api.newProject();
    const made = await api.call('POST', `/projects/${project}/incoming_hooks`, { body: { provider: 'gitea' } });
    const path = `/projects/${project}/incoming_hooks/${made.body.id}`;
    expect((await api.call('DELETE', path)).status).toBe(204);
    for (const method of ['GET', 'PUT', 'DELETE']) expect((await api.call(method, path)).status).toBe(404);
    const other = await api.newProject();
    expect((await api.call('GET', `/projects/${other.id}/incoming_hooks/${made.body.id}`)).status).toBe(404);
  });
});
