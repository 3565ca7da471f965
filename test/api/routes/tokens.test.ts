import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashToken } from '../../../lib/model/token-hash.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const make = (body: object) => api.call('POST', '/personal_access_tokens', { body });

describe('/personal_access_tokens', () => {
  it('makes a token that works, shows it once and keeps its hash only', async () => {
    const project = await api.newProject();
    const made = await make({ name: 'ci', role: 'maintainer', projects: [project.id], expires_at: '2999-01-31', scopes: ['api'] });
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: 'ci',
        role: 'maintainer',
        projects: [project.id],
        active: true,
        revoked: false,
        expires_at: '2999-01-31T00:00:00.000Z',
      },
    });
    const { token, id } = made.body;
    expect(token).toMatch(/^gf_[\w-]{43}$/);
    expect((await api.call('GET', '/user', { token })).body).toMatchObject({
      id,
      username: 'ci',
      role: 'maintainer',
      projects: [project.id],
      is_admin: false,
    });
    expect((await api.call('GET', '/projects', { token })).body.map(({ id: seen }: { id: number }) => seen)).toEqual([project.id]);
    for (const path of ['/personal_access_tokens', `/personal_access_tokens/${id}`]) {
      const { text } = await api.call('GET', path);
      expect([text.includes('"ci"'), text.includes(token), text.includes(hashToken(token))]).toEqual([true, false, false]);
    }
    expect((await api.call('DELETE', `/personal_access_tokens/${id}`)).status).toBe(204);
    expect((await api.call('GET', '/user', { token })).status).toBe(401);
    expect((await api.call('GET', `/personal_access_tokens/${id}`)).status).toBe(404);
  });

  it.each([
    [{ role: 'owner' }, { error: 'name is missing' }],
    [{ name: 'x' }, { error: 'role is missing' }],
    [{ name: 'x', role: 'admin' }, { error: 'role does not have a valid value' }],
    [{ name: 'x', role: 'owner', projects: ['a'] }, { error: 'projects is invalid' }],
    [{ name: 'x', role: 'owner', projects: [] }, { error: 'projects must be at least 1' }],
    [{ name: 'x', role: 'owner', projects: [4711] }, { message: { projects: ['4711 does not exist'] } }],
    [{ name: 'x', role: 'owner', expires_at: 'tomorrow' }, { error: 'expires_at is invalid' }],
    [{ name: 'x', role: 'owner', expires_at: '2999-02-30' }, { error: 'expires_at is invalid' }],
    [{ name: 'x', role: 'owner', expires_at: '2999-13-01T00:00:00Z' }, { error: 'expires_at is invalid' }],
    [{ name: 'x', role: 'owner', expires_at: '2020-01-01' }, { message: { expires_at: ['must be in the future'] } }],
    [{ name: 'x', role: 'owner', expires_at: 5 }, { error: 'expires_at is invalid' }],
    [{ name: 'x\ny', role: 'owner' }, { error: 'name holds a line break or control character' }],
  ])('refuses %j', async (body, error) => {
    expect(await make(body)).toMatchObject({ status: 400, body: error });
  });

  it('takes a time with an offset, and a form', async () => {
    const made = await make(new URLSearchParams({ name: 'form', role: 'reporter', expires_at: '2999-01-31T12:00:00+02:00' }));
    expect(made).toMatchObject({ status: 201, body: { projects: null, expires_at: '2999-01-31T10:00:00.000Z' } });
  });

  it('lets a token look at itself and give itself up', async () => {
    const token = await api.newToken('reporter', { name: 'leaver' });
    expect((await api.call('GET', '/personal_access_tokens/self', { token })).body).toMatchObject({ name: 'leaver', role: 'reporter' });
    expect((await api.call('DELETE', '/personal_access_tokens/self', { token, body: {} })).status).toBe(204);
    expect((await api.call('GET', '/personal_access_tokens/self', { token })).status).toBe(401);
  });

  it('never lets the last token of an owner go', async () => {
    const self = (await api.call('GET', '/personal_access_tokens/self')).body.id;
    const expired = await api.newToken('owner', { expiresAt: Date.now() - 1 });
    const limited = await api.newToken('owner', { projectIds: [1] });
    expect((await api.call('DELETE', '/personal_access_tokens/self')).status).toBe(409);
    expect((await api.call('DELETE', `/personal_access_tokens/${self}`)).status).toBe(409);
    expect((await api.call('DELETE', '/personal_access_tokens/self', { token: limited })).status).toBe(204);
    expect((await api.call('GET', '/user', { token: expired })).status).toBe(401);
    const other = await api.newToken('owner', { name: 'successor' });
    expect((await api.call('DELETE', `/personal_access_tokens/${self}`, { token: other })).status).toBe(204);
    expect((await api.call('GET', '/user')).status).toBe(401);
  });
});
