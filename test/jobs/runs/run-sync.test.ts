import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeadline } from '../../../lib/core/deadline.ts';
import { GitferryError } from '../../../lib/core/errors.ts';
import { limits } from '../../../lib/core/limits.ts';
import type { CredentialReference } from '../../../lib/credentials/shared-credential.ts';
import { ListMemory } from '../../../lib/git/client/list-memory.ts';
import { listSource } from '../../../lib/jobs/list-source.ts';
import { type RunSyncDeps, type RunSyncInput, rulesOf, runSync, type SyncedRun } from '../../../lib/jobs/runs/run-sync.ts';
import type { Mirror } from '../../../lib/model/mirror.ts';
import type { Project } from '../../../lib/model/project.ts';
import { type JobBench, openJobBench } from '../../support/job-bench.ts';
import { noon, plainMirror, plainProject } from '../../support/mirrors.ts';
import { line, resultsOf, type Scenario, type ScenarioSpec, scenario } from '../../support/scenario.ts';

let bench: JobBench;
beforeAll(async () => {
  bench = await openJobBench();
});
afterAll(() => bench.close());

interface Changes extends Partial<Omit<RunSyncInput, 'mirror' | 'project'>> {
  readonly mirror?: Partial<Mirror>;
  readonly project?: Partial<Project>;
  readonly deps?: Partial<RunSyncDeps>;
}

async function run({ mirror, project, deps, ...input }: Changes): Promise<SyncedRun> {
  const deadline = createDeadline(60_000);
  try {
    return await runSync(
      {
        mirror: { ...plainMirror, ...mirror },
        project: { ...plainProject, ...project },
        dryRun: false,
        confirmDeletions: false,
        maxDeletionsPercent: 50,
        ...input,
      },
      {
        deadline,
        secrets: bench.secrets,
        credentials: bench.records.credentials,
        connect: bench.connect,
        connectLfs: bench.connectLfs,
        signIn: bench.signIn,
        ...deps,
      },
    );
  } finally {
    deadline.clear();
  }
}

const own = async (password: string, username = 'ada'): Promise<CredentialReference & { readonly kind: 'own' }> => ({
  kind: 'own',
  secretName: await bench.secrets.create('credential', { username, password }),
});
const guarded = (password: string) => ({ basic: { username: 'ada', password } });
const small: Pick<ScenarioSpec, 'parents' | 'source' | 'target'> = {
  parents: line,
  source: { 'heads/main': 'c2' },
  target: { 'heads/main': 'c1' },
};
const pushing = ({ sourceUrl, targetUrl }: Scenario): Changes => ({ project: { repositoryUrl: sourceUrl }, mirror: { url: targetUrl } });

describe('both ends', () => {
  it('a push mirror goes from the project to its URL, with a credential for each', async () => {
    const world = await scenario({ ...small, sourceServer: guarded('source-secret'), targetServer: guarded('target-secret') });
    const { id } = await bench.records.credentials.create({
      name: 'shared',
      secretName: (await own('target-secret')).secretName,
      createdAt: noon,
      updatedAt: noon,
    });
    const { outcome, defaultBranch } = await run({
      project: { repositoryUrl: world.sourceUrl, credential: await own('source-secret') },
      mirror: { url: world.targetUrl, credential: { kind: 'shared', credentialId: id } },
    });
    expect(resultsOf(outcome)).toEqual(['updated heads/main']);
    expect(defaultBranch).toBe('main');
    expect(await world.refs()).toEqual({ 'heads/main': 'c2' });
  });

  it('a shared credential goes nowhere but to the places of its owner', async () => {
    const world = await scenario({ ...small, targetServer: guarded('target-secret') });
    const { origin } = new URL(world.targetUrl);
    const common = { name: 'shared', secretName: (await own('target-secret')).secretName, createdAt: noon, updatedAt: noon };
    const runWith = async (allowedUrls: readonly string[] | null) => {
      const { id } = await bench.records.credentials.create({ ...common, allowedUrls });
      const mirror = { url: world.targetUrl, credential: { kind: 'shared', credentialId: id } } as const;
      return (await run({ project: { repositoryUrl: world.sourceUrl }, mirror })).outcome;
    };
    for (const elsewhere of ['https://elsewhere.example.org/', `${origin}/other/`, 'http://127.0.0.1:1/'])
      expect(await runWith([elsewhere])).toMatchObject({ outcome: 'failed', error: { code: 'credential_not_allowed' } });
    expect(await world.refs()).toEqual({ 'heads/main': 'c1' });
    expect(await runWith([`${origin}/`])).toMatchObject({ outcome: 'success' });
  });

  it('a pull mirror goes from its URL to the project', async () => {
    const world = await scenario({ ...small, targetHead: 'heads/other', target: { 'heads/main': 'c1', 'heads/other': 'c3' } });
    const changes = { project: { repositoryUrl: world.targetUrl }, mirror: { url: world.sourceUrl, direction: 'pull' } } as const;
    const { outcome, defaultBranch } = await run(changes);
    expect(resultsOf(outcome)).toEqual(['updated heads/main']);
    expect(defaultBranch).toBe('other');
    // Known already, it costs no request.
    const again = await run({ ...changes, project: { ...changes.project, defaultBranch: 'other' } });
    expect(again).toMatchObject({ outcome: { outcome: 'success', refs: [] }, defaultBranch: null });
  });

  it('a dry run writes nothing', async () => {
    const world = await scenario(small);
    const { outcome } = await run({ ...pushing(world), dryRun: true });
    expect(outcome.dry_run).toBe(true);
    expect(resultsOf(outcome)).toEqual(['updated heads/main']);
    expect(await world.refs()).toEqual({ 'heads/main': 'c1' });
  });
});

describe('the memory for ref lists that runs share', () => {
  const kibibyte = 1024;
  /** More than any run is left, so that nothing may be missing from it. */
  const memoryBytes = 2 * limits.listKeptBytes;
  const allBytes = (memory: ListMemory): void =>
    memory.open().share().begin()((memoryBytes - limits.listBytesPerRef) / limits.listBytesPerByte);

  it('is counted by runs and by previews', async () => {
    const world = await scenario(small);
    const deps = { listMemory: new ListMemory(kibibyte) };
    expect((await run({ ...pushing(world), deps })).outcome.error?.code).toBe('advertisement_too_large');
    expect(await preview(world, deps.listMemory)).toMatchObject({ error: { code: 'advertisement_too_large' } });
  });

  it('is free again after runs that went well, that failed, and previews', async () => {
    const world = await scenario(small);
    const listMemory = new ListMemory(memoryBytes);
    const failing = { ...pushing(world), mirror: { url: `${world.targetUrl}/none` }, deps: { listMemory } };
    expect((await run({ ...pushing(world), deps: { listMemory } })).outcome.outcome).toBe('success');
    expect((await run(failing)).outcome.outcome).toBe('failed');
    expect(await preview(world, listMemory)).toEqual({ branches: ['main'], tags: [] });
    expect(() => allBytes(listMemory)).not.toThrow();
  });

  async function preview({ sourceUrl }: Scenario, listMemory: ListMemory) {
    const deadline = createDeadline(60_000);
    const deps = {
      deadline,
      secrets: bench.secrets,
      credentials: bench.records.credentials,
      signIn: bench.signIn,
      connect: bench.connect,
      listMemory,
    };
    try {
      return await listSource({ mirror: plainMirror, project: { ...plainProject, repositoryUrl: sourceUrl } }, deps);
    } finally {
      deadline.clear();
    }
  }
});

const hostKey = 'h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID46anbqQPsVQ6AlAySRFvytXAZKZRxCSawLvLWJq7DG';

describe('what cannot be run', () => {
  it.each<[string, Changes, string]>([
    [
      'ssh:// without a host key',
      { project: { repositoryUrl: 'ssh://example.org/r.git' }, mirror: { url: 'ssh://example.org/m.git' } },
      'host_key_unknown',
    ],
    [
      'ssh:// at a blocked address',
      {
        project: { repositoryUrl: 'ssh://169.254.169.254/r.git', hostKeys: [hostKey] },
        mirror: { url: 'ssh://10.1.2.3/m.git', hostKeys: [hostKey] },
      },
      'address_blocked',
    ],
    ['the same repository by HTTPS and SSH', { mirror: { url: plainProject.repositoryUrl.replace('https:', 'ssh:') } }, 'same_repository'],
    ['a URL that is none', { mirror: { url: 'nonsense' } }, 'unsupported_scheme'],
    ['a mirror of itself', { mirror: { url: plainProject.repositoryUrl } }, 'same_repository'],
    ['both filters', { mirror: { onlyProtectedBranches: true, mirrorBranchRegex: 'x' } }, 'filters_exclusive'],
    ['a regex that is none', { mirror: { mirrorBranchRegex: '(?=x)' } }, 'invalid_regex'],
    ['a tag regex that is none', { mirror: { mirrorTags: '(' } }, 'invalid_regex'],
    ['an LFS URL that is none', { mirror: { lfsUrl: 'ssh://git@example.org/lfs' } }, 'unsupported_scheme'],
    ['a secret that is gone', { mirror: { credential: { kind: 'own', secretName: 'gitferry/test/gone' } } }, 'secret_missing'],
    ['a shared credential that is gone', { project: { credential: { kind: 'shared', credentialId: 999_999 } } }, 'secret_missing'],
    ['a blocked address', { project: { repositoryUrl: 'http://169.254.169.254/r.git' } }, 'address_blocked'],
    [
      'a secret store out of reach',
      {
        mirror: { credential: { kind: 'own', secretName: 'x' } },
        deps: { secrets: { read: () => Promise.reject(new GitferryError('secrets_unavailable')) } },
      },
      'secrets_unavailable',
    ],
    [
      'a secret that is no credential',
      { mirror: { credential: { kind: 'own', secretName: 'x' } }, deps: { secrets: { read: async () => ({ password: 1 }) } } },
      'secret_missing',
    ],
    [
      'a defect',
      {
        deps: {
          connect: () => {
            throw new TypeError('oops');
          },
        },
      },
      'internal_error',
    ],
  ])('is a failed outcome with a code: %s', async (_, changes, code) => {
    const { outcome } = await run(changes);
    expect(outcome).toMatchObject({ outcome: 'failed', error: { code }, refs: [] });
  });
});

describe('a host that refuses', () => {
  it('is asked once more with a secret that was changed meanwhile', async () => {
    const credential = await own('old-secret');
    // In the cache.
    await bench.secrets.read(credential.secretName);
    const world = await scenario({ ...small, targetServer: guarded('new-secret') });
    const store = { read: bench.secrets.read };
    const behindTheCache: RunSyncDeps['secrets'] = {
      read: (name, options) => (options?.fresh === true ? Promise.resolve({ username: 'ada', password: 'new-secret' }) : store.read(name)),
    };
    const { outcome, redactor } = await run({
      ...pushing(world),
      mirror: { url: world.targetUrl, credential },
      deps: { secrets: behindTheCache },
    });
    expect(outcome.outcome).toBe('success');
    expect(redactor.redact('old-secret and new-secret')).toBe('***** and *****');
  });

  it('is not asked again with the same secret', async () => {
    const world = await scenario({ ...small, targetServer: guarded('another-secret') });
    const { outcome } = await run({ ...pushing(world), mirror: { url: world.targetUrl, credential: await own('wrong-secret') } });
    expect(outcome.error?.code).toBe('credentials_refused');
    expect(world.targetServer.log).toHaveLength(1);
    expect(JSON.stringify(outcome)).not.toContain('wrong-secret');
  });

  it('says what it said, where the secret cannot be read a second time', async () => {
    const world = await scenario({ ...small, targetServer: guarded('another-secret') });
    const secrets: RunSyncDeps['secrets'] = {
      read: async (_, options) => {
        if (options?.fresh === true) throw new GitferryError('secrets_unavailable');
        return { username: 'ada', password: 'wrong-secret' };
      },
    };
    const { outcome } = await run({
      ...pushing(world),
      mirror: { url: world.targetUrl, credential: { kind: 'own', secretName: 'x' } },
      deps: { secrets },
    });
    expect(outcome.error?.code).toBe('credentials_refused');
  });

  it('passes on how long it asks to wait', async () => {
    const intercept = ({ response }: { readonly response: import('node:http').ServerResponse }): boolean => {
      response.writeHead(429, { 'retry-after': '77' }).end();
      return true;
    };
    const world = await scenario({ ...small, targetServer: { intercept } });
    const { outcome } = await run(pushing(world));
    expect(outcome.error).toMatchObject({ code: 'rate_limited', retry_after_seconds: 77 });
  });
});

describe('rules', () => {
  it('come from the mirror and from the project’s protected branches', () => {
    const protectedBranches = [
      { id: 1, name: 'main' },
      { id: 2, name: 'release/*' },
    ];
    const mirror: Mirror = {
      ...plainMirror,
      onlyProtectedBranches: true,
      keepDivergentRefs: true,
      deleteAmbiguousRefs: true,
      mirrorOverwritesDivergedBranches: true,
      mirrorTags: '^v',
    };
    const input = { mirror, project: { ...plainProject, protectedBranches }, confirmDeletions: true, maxDeletionsPercent: 7 };
    expect(rulesOf(input)).toEqual({
      onlyProtectedBranches: true,
      protectedBranches: ['main', 'release/*'],
      tags: { regex: '^v' },
      keepDivergentRefs: true,
      overwriteDivergedBranches: true,
      deletions: true,
      deleteAmbiguousRefs: true,
      confirmDeletions: true,
      maxDeletionsPercent: 7,
    });
    expect(rulesOf({ ...input, mirror: { ...plainMirror, mirrorBranchRegex: '^x', mirrorTags: 'none' } })).toMatchObject({
      branchRegex: '^x',
      tags: 'none',
    });
  });

  it('are obeyed', async () => {
    const world = await scenario({
      parents: line,
      source: { 'heads/main': 'c2', 'heads/wip': 'x', 'tags/v1': 'c1', 'tags/x1': 'c1' },
      target: {},
    });
    await run({ ...pushing(world), mirror: { url: world.targetUrl, mirrorBranchRegex: '^main$', mirrorTags: '^v' } });
    expect(await world.refs()).toEqual({ 'heads/main': 'c2', 'tags/v1': 'c1' });
  });
});
