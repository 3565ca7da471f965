/** Two changes at the same time: rules that say something about two fields hold all the same, and nothing is lost without a word. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../support/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const rounds = 40;

describe.each(['remote_mirrors', 'mirror/pull'])('two changes of one of %s at once', (kind) => {
  async function newMirror(): Promise<{ path: string; record: () => Promise<Record<string, unknown>> }> {
    const { id } = await api.newProject();
    const url = 'https://m.example.org/a';
    const isPush = kind === 'remote_mirrors';
    const made = await api.call(isPush ? 'POST' : 'PUT', `/projects/${id}/${kind}`, { body: { url } });
    const key = { projectId: id, mirror: isPush ? made.body.id : ('pull' as const) };
    const path = isPush ? `/projects/${id}/${kind}/${made.body.id}` : `/projects/${id}/${kind}`;
    return { path, record: async () => ({ ...(await api.deps.records.mirrors.get(key)) }) };
  }

  it('never store both branch filters', async () => {
    const { path, record } = await newMirror();
    const outcomes = new Set<string>();
    for (let round = 0; round < rounds; round++) {
      expect((await api.call('PUT', path, { body: { only_protected_branches: false, mirror_branch_regex: null } })).status).toBe(200);
      const bodies = [{ only_protected_branches: true }, { mirror_branch_regex: '^main$' }];
      const answers = await Promise.all(bodies.map((body) => api.call('PUT', path, { body })));
      const { onlyProtectedBranches, mirrorBranchRegex } = await record();
      expect(onlyProtectedBranches === true && mirrorBranchRegex !== null).toBe(false);
      const statuses = answers.map(({ status }) => status).sort((one, other) => one - other);
      expect(statuses[0]).toBe(200);
      outcomes.add(statuses.join(' '));
    }
    // One after the other, or at the same time.
    for (const outcome of outcomes) expect(['200 400', '200 409']).toContain(outcome);
  });

  it('lose no URL and send no password to another host', async () => {
    const { path, record } = await newMirror();
    for (let round = 0; round < rounds; round++) {
      const before = `https://h${round}.example.org/a`;
      await api.call('PUT', path, { body: { url: before } });
      const url = `https://moved${round}.example.org/a`;
      const [moved, signedIn] = await Promise.all([
        api.call('PUT', path, { body: { url } }),
        api.call('PUT', path, { body: { username: 'ada', password: `of-${before}` } }),
      ]);
      const after = await record();
      if (moved.status === 200) expect(after['url']).toBe(url);
      expect([200, 409]).toContain(moved.status);
      expect([200, 409]).toContain(signedIn.status);
      const credential = after['credential'] as { secretName: string } | null;
      const isBoth = moved.status === 200 && signedIn.status === 200;
      // Both went through only one after the other.
      if (after['url'] === before) expect(credential).not.toBeNull();
      else if (!isBoth) expect(credential).toBeNull();
    }
  });
});

it('Two changes of a project at once lose no URL', async () => {
  const { id } = await api.newProject();
  for (let round = 0; round < rounds; round++) {
    const url = `https://moved${round}.example.org/a`;
    const [moved, signedIn] = await Promise.all([
      api.call('PUT', `/projects/${id}`, { body: { repository_url: url } }),
      api.call('PUT', `/projects/${id}`, { body: { username: 'ada', password: `round-${round}` } }),
    ]);
    expect([moved.status, signedIn.status]).toContain(200);
    for (const { status } of [moved, signedIn]) expect([200, 409]).toContain(status);
    if (moved.status === 200) expect((await api.deps.records.projects.get(id))?.repositoryUrl).toBe(url);
  }
});
