import { describe, expect, it } from 'vitest';
import { overviewRows } from '../../lib/console/overview-rows.ts';
import type { MirrorDigest, ProjectDigest } from '../../lib/model/overview.ts';

const owner = { role: 'owner', projectIds: null } as const;

function project(id: number, path: string, host = 'git.example.org'): ProjectDigest {
  return { id, path, repositoryUrl: `https://${host}/${path}.git` };
}

let nextId = 0;
function mirror(projectId: number, changes: Partial<MirrorDigest> = {}): MirrorDigest {
  const id = ++nextId;
  const common = {
    direction: 'push',
    enabled: true,
    paused: false,
    updateStatus: 'finished',
    lastUpdateAt: null,
    failingSince: null,
  } as const;
  return { projectId, mirror: id, id, url: `https://mirror.example/${id}.git`, ...common, ...changes };
}

function rowsOf(input: Partial<Parameters<typeof overviewRows>[0]>) {
  return overviewRows({ mirrors: [], projects: [], viewer: owner, search: '', group: undefined, ...input });
}

describe('the overview', () => {
  it('puts the worst first, and among those whoever fails longest', () => {
    const projects = [project(1, 'a/a'), project(2, 'a/b'), project(3, 'b/empty')];
    const mirrors = [
      mirror(1, { updateStatus: 'finished' }),
      mirror(1, { enabled: false }),
      mirror(1, { updateStatus: 'none' }),
      mirror(1, { updateStatus: 'started' }),
      mirror(1, { updateStatus: 'to_retry' }),
      mirror(1, { updateStatus: 'failed', failingSince: 2000 }),
      mirror(2, { updateStatus: 'failed', failingSince: 1000 }),
      mirror(2, { updateStatus: 'failed', paused: true }),
    ];
    const { rows, counts, total } = rowsOf({ projects, mirrors });
    expect(rows.map(({ state }) => state)).toEqual([
      ...['paused', 'failing', 'failing', 'retrying', 'running', 'waiting', 'healthy', 'disabled', 'no_mirror'],
    ]);
    expect(rows.slice(1, 3).map((row) => row.mirror?.failingSince)).toEqual([1000, 2000]);
    expect(counts).toEqual({ failing: 3, paused: 2, running: 1, healthy: 1, waiting: 2 });
    expect(total).toBe(9);
  });

  it.each([
    ['a path', 'TEAM/A', owner, ['team/app']],
    ['the host of a mirror', 'mirror.example', owner, ['other/lib', 'team/app']],
    ['the host of a repository', 'forge.example', owner, ['other/lib']],
    ['nothing that is there', 'zzz', owner, []],
    ['a host, for reporters who must not learn of hosts', 'mirror.example', { role: 'reporter', projectIds: null } as const, []],
    ['a path, within what the token may see', '/', { role: 'owner', projectIds: [1] } as const, ['team/app']],
  ])('is searched by %s', (_, search, viewer, paths) => {
    const projects = [project(1, 'team/app'), project(2, 'other/lib', 'forge.example')];
    const { rows, total } = rowsOf({ projects, mirrors: [mirror(1), mirror(2)], search, viewer });
    expect(rows.map((row) => row.project.path).sort()).toEqual(paths);
    expect(total).toBe(paths.length);
  });

  it('is filtered by health while the counts stay', () => {
    const mirrors = [mirror(1), mirror(1, { updateStatus: 'failed' }), mirror(1, { updateStatus: 'to_retry' })];
    const { rows, counts } = rowsOf({ projects: [project(1, 'a/a')], mirrors, group: 'failing' });
    expect(rows.map(({ state }) => state)).toEqual(['failing', 'retrying']);
    expect(counts.healthy).toBe(1);
  });

  it('leaves out a mirror whose project is gone', () => {
    expect(rowsOf({ mirrors: [mirror(7)] }).total).toBe(0);
  });
});
