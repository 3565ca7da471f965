import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../../lib/api/endpoints.ts';
import { callApi } from '../../../lib/api/http/answer-call.ts';
import { isAudited, targetTypeOf } from '../../../lib/api/http/audit-trail.ts';
import { projectEndpoints } from '../../../lib/api/routes/projects.ts';
import { settingsEndpoints } from '../../../lib/api/routes/settings.ts';
import type { Json } from '../../support/api.ts';
import { type Browser, startTestConsole, type TestConsole } from '../../support/console.ts';

let site: TestConsole;
beforeAll(async () => {
  site = await startTestConsole();
});
afterAll(() => site.close());

const changing = endpoints.filter(({ method }) => method !== 'GET');

async function trail(query = ''): Promise<Json[]> {
  const answer = await site.api.call('GET', `/audit_events?per_page=100&sort=asc${query}`);
  expect(answer.status).toBe(200);
  return answer.body;
}

describe('the audit trail', () => {
  it.each(changing.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))('knows %s', async (name, endpoint) => {
    expect(isAudited(endpoint)).toBe(true);
    expect(targetTypeOf(endpoint.path)).toBeDefined();
    // The way into every call: that it begins with a record, and ends it, whatever it then says. Nothing is there: 404, or 400 for what it lacks.
    const { id } = await site.api.newProject();
    let begun = 0;
    const { audit } = site.deps.records;
    const counting = {
      ...audit,
      add: async (event: Parameters<typeof audit.add>[0]) => {
        begun++;
        return audit.add(event);
      },
    };
    let handled = false;
    const call = {
      ...{ deps: site.deps, project: undefined, input: {}, path: '', query: new URLSearchParams() },
      token: { id: 1, name: 'x', tokenHash: '', role: 'owner' as const, projectIds: null, expiresAt: null, createdAt: 0 },
      pathParameter: () => '999',
      pathId: () => 999_999,
      begin: async () => {
        handled = true;
        throw new Error('not begun');
      },
    };
    const project = (await site.deps.records.projects.get(id))!;
    // Before a call does anything it asks for its record: where that fails, it is not made.
    await endpoint.handle({ ...call, project }).catch(() => {});
    const needsInput = Object.values(endpoint.input.shape).some((field) => !field.safeParse(undefined).success);
    expect([name, handled]).toEqual([name, !needsInput]);
    const deps = { ...site.deps, records: { ...site.deps.records, audit: counting } };
    await callApi(deps, call.token, endpoint, {
      id,
      mirror_id: 1,
      hook_id: 1,
      channel_id: 1,
      credential_id: 1,
      token_id: 999_999,
      name: 'x',
    } as never);
    expect([name, begun]).toEqual([name, needsInput ? 0 : 1]);
  });

  it('is written before a change: none is made where it cannot be', async () => {
    const { id } = await site.api.newProject();
    const audit = { ...site.deps.records.audit, add: async () => Promise.reject(new Error('the table is away')) };
    const deps = { ...site.deps, records: { ...site.deps.records, audit } };
    const token = (await site.deps.records.tokens.list({ page: 1, perPage: 1 })).items[0]!;
    expect((await callApi(deps, token, projectEndpoints.remove, { id })).status).toBeGreaterThanOrEqual(500);
    expect(await site.deps.records.projects.get(id)).toBeDefined();
  });

  it('keeps the beginning of a change whose process died', async () => {
    const audit = { ...site.deps.records.audit, finish: async () => Promise.reject(new Error('killed')) };
    const deps = { ...site.deps, records: { ...site.deps.records, audit } };
    const token = (await site.deps.records.tokens.list({ page: 1, perPage: 1 })).items[0]!;
    await callApi(deps, { ...token, name: 'dies' }, settingsEndpoints.change, {}, { push_min_interval: 7 });
    const [left] = await trail('&author_name=dies');
    expect(left).toMatchObject({ event_name: 'PUT /application/settings', details: { status: null, author_name: 'dies', changes: [] } });
  });

  it('bounds what refused tokens write, and says how many there were', async () => {
    const before = (await trail()).filter(({ event_name: name }) => name === 'sign_in_refused').length;
    for (let tries = 0; tries < 60; tries++) {
      const headers = { 'x-forwarded-for': `203.0.113.${tries}`, 'private-token': `gf_wrong-token-number-${tries}` };
      expect((await site.fetch(new Request(`${site.origin}/api/v4/version`, { headers }))).status).toBe(401);
    }
    const all = (await trail('&author_name=')).filter(({ event_name: name }) => name === 'sign_in_refused');
    expect(all.length - before).toBeLessThanOrEqual(20);
    expect(all.at(-1).details).toMatchObject({ status: 401, author_class: 'unknown' });
    expect(JSON.stringify(all)).not.toContain('wrong-token');
  });
});

describe('twenty actions by three people and two tokens', () => {
  it('are read back: who, where from, what, before and after', async () => {
    const { api } = site;
    const start = new Date().toISOString();
    const people = new Map<string, Browser>();
    for (const name of ['ada', 'bob', 'cyd']) people.set(name, await site.signedIn(await api.newToken('owner', { name })));
    const [ci, deploy] = [await api.newToken('maintainer', { name: 'ci' }), await api.newToken('owner', { name: 'deploy' })];
    const secret = 'canary-password-in-the-trail';
    const as = (token: string) => (method: string, path: string, body?: object) =>
      api.call(method, path, { token, headers: { 'x-forwarded-for': '198.51.100.7' }, ...(body === undefined ? {} : { body }) });
    const [byCi, byDeploy] = [as(ci), as(deploy)];

    const project = (
      await byDeploy('POST', '/projects', { path: 'audit/app', repository_url: `https://u:${secret}@git.example.org/app.git` })
    ).body;
    const base = `/projects/${project.id}`;
    const mirror = (await byCi('POST', `${base}/remote_mirrors`, { url: `https://u:${secret}@git.example.com/app.git`, enabled: true }))
      .body;
    await byCi('PUT', `${base}/remote_mirrors/${mirror.id}`, { only_protected_branches: true });
    await byCi('PUT', `${base}/remote_mirrors/${mirror.id}`, { url: `https://u:${secret}2@git.example.com/app.git` });
    await byCi('POST', `${base}/remote_mirrors/${mirror.id}/sync`);
    await byCi('POST', `${base}/protected_branches`, { name: 'release/*' });
    await byCi('DELETE', `${base}/protected_branches/release%2F*`);
    const hook = (await byCi('POST', `${base}/incoming_hooks`, { provider: 'github' })).body;
    await byCi('DELETE', base);
    await byDeploy('PUT', base, { path: 'audit/renamed' });
    const credential = (
      await byDeploy('POST', '/credentials', {
        name: 'shared',
        username: 'u',
        password: secret,
        allowed_urls: ['https://git.example.org/'],
      })
    ).body;
    await byDeploy('PUT', `/credentials/${credential.id}`, { password: `${secret}3` });
    await byDeploy('DELETE', `/credentials/${credential.id}`);
    const token = (await byDeploy('POST', '/personal_access_tokens', { name: 'new', role: 'reporter' })).body;
    await byDeploy('DELETE', `/personal_access_tokens/${token.id}`);
    await people.get('ada')!.post(`/projects/${project.id}/mirrors/${mirror.id}/update`, {});
    await people.get('bob')!.post('/sign-out');

    const all = (await trail(`&created_after=${start}`)).filter(({ details }) =>
      ['ada', 'bob', 'cyd', 'ci', 'deploy'].includes(details.author_name),
    );
    const mirrorPath = '/projects/{id}/remote_mirrors/{mirror_id}';
    expect(all.map(({ event_name: name, details }) => [details.author_name, name, details.status])).toEqual([
      ['ada', 'sign_in', 200],
      ['bob', 'sign_in', 200],
      ['cyd', 'sign_in', 200],
      ['deploy', 'POST /projects', 201],
      ['ci', 'POST /projects/{id}/remote_mirrors', 201],
      ['ci', `PUT ${mirrorPath}`, 200],
      ['ci', `PUT ${mirrorPath}`, 200],
      ['ci', `POST ${mirrorPath}/sync`, 204],
      ['ci', 'POST /projects/{id}/protected_branches', 201],
      ['ci', 'DELETE /projects/{id}/protected_branches/{name}', 204],
      ['ci', 'POST /projects/{id}/incoming_hooks', 201],
      ['ci', 'DELETE /projects/{id}', 403],
      ['deploy', 'PUT /projects/{id}', 200],
      ['deploy', 'POST /credentials', 201],
      ['deploy', 'PUT /credentials/{credential_id}', 200],
      ['deploy', 'DELETE /credentials/{credential_id}', 204],
      ['deploy', 'POST /personal_access_tokens', 201],
      ['deploy', 'DELETE /personal_access_tokens/{token_id}', 204],
      ['ada', `POST ${mirrorPath}/sync`, 204],
      ['bob', 'sign_out', 200],
    ]);
    expect(all[3]).toMatchObject({
      entity_type: 'Project',
      entity_id: project.id,
      details: { target_type: 'Project', target_id: String(project.id) },
    });
    expect(all[4].details).toMatchObject({
      target_type: 'RemoteMirror',
      target_id: String(mirror.id),
      ip_address: '198.51.100.7',
      session: null,
    });
    expect(all[5].details.changes).toContainEqual({ field: 'only_protected_branches', from: 'false', to: 'true' });
    expect(all[6].details.changes).toContainEqual({ field: 'url', from: '*****', to: '*****' });
    expect(all[9].details).toMatchObject({ target_id: 'release/*' });
    expect(all[12].details.changes).toContainEqual({ field: 'path_with_namespace', from: 'audit/app', to: 'audit/renamed' });
    expect(all[14].details.changes).toContainEqual({ field: 'password', from: '*****', to: '*****' });
    expect(all[18].details.session).toMatch(/^[0-9a-f]{12}$/);
    const text = JSON.stringify(all) + api.logLines.filter((line) => line.includes('api_call')).join('');
    for (const hidden of [secret, token.token, hook.secret, hook.url.split('/').at(-1)]) expect(text).not.toContain(hidden);

    const ofProject = (await api.call('GET', `${base}/audit_events?per_page=100`)).body;
    expect(new Set(ofProject.map((event: Json) => event.entity_id))).toEqual(new Set([project.id]));
    expect((await api.call('GET', `/audit_events?entity_type=Project&entity_id=${project.id}&per_page=100`)).body).toEqual(ofProject);
    expect((await api.call('GET', `/audit_events/${all[5].id}`)).body).toEqual(all[5]);
    const [firstPage, secondPage] = [
      await api.call('GET', `${base}/audit_events?pagination=keyset&per_page=3`),
      await api.call('GET', `${base}/audit_events?page=2&per_page=3`),
    ];
    const next = /<([^>]+)>; rel="next"/.exec(firstPage.headers.get('link') ?? '')![1]!;
    expect((await api.call('GET', next.slice(next.indexOf('/api/v4')))).body).toEqual(secondPage.body);
    expect((await api.call('GET', `${base}/audit_events`, { token: await api.newToken('reporter') })).status).toBe(403);
    expect((await api.call('GET', '/audit_events', { token: ci })).status).toBe(403);
  });
});
