import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DryRunInput } from '../../../lib/api/api-deps.ts';
import { emptyOutcome, startTestApi, type TestApi } from '../../support/api.ts';

let api: TestApi;
let id: number;
let asked: DryRunInput[] = [];
beforeAll(async () => {
  api = await startTestApi();
  ({ id } = await api.newProject());
  api.listSource = async (input) => {
    asked.push(input);
    return { branches: ['main', 'release/1', 'topic'], tags: ['v1', 'v2'] };
  };
  api.plan = async (input) => {
    asked.push(input);
    return emptyOutcome;
  };
});
afterAll(() => api.close());

const url = 'https://mirror.example/a/b.git';

function preview(body: object, options: { readonly token?: string } = {}) {
  asked = [];
  return api.call('POST', `/projects/${id}/mirror/preview`, { body, ...options });
}

function plan(body: object, options: { readonly token?: string } = {}) {
  asked = [];
  return api.call('POST', `/projects/${id}/mirror/plan`, { body, ...options });
}

describe('a preview', () => {
  it.each([
    [{}, 3, 2],
    [{ mirror_branch_regex: '^(main|release/)' }, 2, 2],
    [{ only_protected_branches: true }, 0, 2],
    [{ mirror_tags: 'none' }, 3, 0],
    [{ mirror_tags: '2$' }, 3, 1],
  ])('with %j matches %i branches and %i tags', async (rules, branches, tags) => {
    const { status, body } = await preview({ direction: 'push', ...rules });
    expect(status).toBe(200);
    expect(body).toMatchObject({ branches: { total: 3, matched: branches }, tags: { total: 2, matched: tags } });
    expect(body.branches.names.filter(({ matched }: { matched: boolean }) => matched)).toHaveLength(branches);
  });

  it('of a pull mirror asks its upstream, with what was typed', async () => {
    await preview({ direction: 'pull', url, username: 'me', password: 'pw' });
    expect(asked).toMatchObject([{ mirror: { url, direction: 'pull' }, credential: { username: 'me', password: 'pw' } }]);
    expect((await preview({ direction: 'pull' })).status).toBe(400);
  });

  it('tells by code why the source cannot be listed, and when its time is up', async () => {
    const list = api.listSource;
    for (const [code, status] of [
      ['credentials_refused', 400],
      ['deadline_exceeded', 504],
    ] as const) {
      api.listSource = async () => ({ error: { code, message: 'no', hint: 'do' } });
      const answer = await preview({ direction: 'push' });
      expect([answer.status, answer.body]).toEqual([status, { message: 'no', code, hint: 'do' }]);
    }
    api.listSource = list;
  });
});

describe('a plan', () => {
  it('is made of settings that nobody has saved, and saves none', async () => {
    expect((await plan({ direction: 'push', url, username: 'me', password: 'pw', keep_divergent_refs: true })).status).toBe(200);
    expect(asked).toMatchObject([{ mirror: { url, keepDivergentRefs: true }, credential: { password: 'pw' } }]);
    expect(await api.deps.records.mirrors.ofProject(id)).toEqual([]);
  });

  it('takes from a stored mirror what is not given, its secret on the same host only', async () => {
    const stored = await api.call('POST', `/projects/${id}/remote_mirrors`, {
      body: { url: 'https://u:stored@kept.example/a.git', enabled: false },
    });
    const mirror_id = stored.body.id;
    await plan({ direction: 'push', mirror_id, mirror_tags: 'none' });
    expect(asked).toMatchObject([{ mirror: { url: 'https://kept.example/a.git', mirrorTags: 'none', credential: { kind: 'own' } } }]);
    await plan({ direction: 'push', mirror_id, url: 'https://other.example/a.git' });
    expect(asked).toMatchObject([{ mirror: { url: 'https://other.example/a.git', credential: null } }]);
  });

  it.each([
    ['a private address', { url: 'https://10.1.2.3/a.git' }, 'address_blocked'],
    ['the project itself', { url: 'https://git.example.org/group/project-1.git' }, undefined],
    ['no URL', {}, undefined],
    [
      'a key that the host cannot know',
      {
        url: 'ssh://git@h.example/a',
        auth_method: 'ssh_public_key',
        host_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl'],
      },
      undefined,
    ],
  ])('refuses %s before anybody is contacted', async (_, body, code) => {
    const answer = await plan({ direction: 'push', ...body });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe(code);
    expect(asked).toEqual([]);
  });

  it('is for maintainers, and contacts nobody in silent mode', async () => {
    const token = await api.newToken('reporter');
    for (const call of [preview, plan]) expect((await call({ direction: 'push', url }, { token })).status).toBe(403);
    await api.deps.records.settings.update({ silentModeEnabled: true });
    for (const call of [preview, plan]) expect((await call({ direction: 'push', url })).status).toBe(409);
    await api.deps.records.settings.update({ silentModeEnabled: false });
    expect(asked).toEqual([]);
  });
});
