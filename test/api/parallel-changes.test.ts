/** Two changes at the same time: rules that say something about two fields hold all the same, and nothing is lost without a word. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CredentialReference } from '../../lib/credentials/shared-credential.ts';
import type { Project } from '../../lib/model/project.ts';
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

interface Settings {
  readonly url?: string;
  readonly credential?: CredentialReference;
  readonly hostKeys?: readonly string[];
}

const groups: readonly (readonly [string, (text: string) => Settings])[] = [
  ['URLs', (text) => ({ url: `https://${text}.example.org/a` })],
  ['credentials', (text) => ({ credential: { kind: 'own', secretName: `secret-${text}` } })],
  ['host keys', (text) => ({ hostKeys: [`h.example.org ssh-ed25519 ${text}`] })],
];

describe.each(groups)('Of changes of %s that were made from the same record at the same time', (_, settings) => {
  const changes = ['one', 'two', 'three'].map((text) => settings(text));

  it('exactly one is stored, in a mirror', async () => {
    const { id } = await api.newProject();
    const made = await api.call('POST', `/projects/${id}/remote_mirrors`, { body: { url: 'https://m.example.org/a' } });
    const key = { projectId: id, mirror: made.body.id };
    for (let round = 0; round < 10; round++) {
      await api.deps.records.mirrors.update(key, settings(`round-${round}`), { resetStatus: true });
      const basis = await api.deps.records.mirrors.get(key);
      if (basis === undefined) throw new Error('it is gone');
      const outcomes = await Promise.all(
        changes.map((change) => api.deps.records.mirrors.update(key, change, { resetStatus: true, basis })),
      );
      expect(outcomes.filter((outcome) => outcome === 'changed')).toHaveLength(changes.length - 1);
    }
  });

  it('exactly one is stored, in a project', async () => {
    const { id } = await api.newProject();
    const update = ({ url, ...rest }: Settings, basis: Project) =>
      api.deps.records.projects.update(id, { repositoryUrl: url ?? basis.repositoryUrl, ...rest }, basis);
    const stored = async () => {
      const project = await api.deps.records.projects.get(id);
      if (project === undefined) throw new Error('it is gone');
      return project;
    };
    for (let round = 0; round < 10; round++) {
      await update(settings(`round-${round}`), await stored());
      const basis = await stored();
      const outcomes = await Promise.all(changes.map((change) => update(change, basis)));
      expect(outcomes.filter((outcome) => outcome === 'changed')).toHaveLength(changes.length - 1);
    }
  });
});
