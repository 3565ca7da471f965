import { describe, expect, it } from 'vitest';
import { endpoints } from '../../../lib/api/endpoints.ts';
import { reservedWords, routeSegments } from '../../../lib/api/http/route-path.ts';

describe('routeSegments', () => {
  it.each([
    ['/api/v4/projects', ['projects']],
    ['/api/v4/projects/', ['projects']],
    ['/api/v4//projects//7', ['projects', '7']],
    ['/api/v4/projects/7', ['projects', '7']],
    ['/api/v4/projects/group%2Fname', ['projects', 'group/name']],
    ['/api/v4/projects/group/name', ['projects', 'group/name']],
    ['/api/v4/projects/a/b/c/remote_mirrors/3/sync', ['projects', 'a/b/c', 'remote_mirrors', '3', 'sync']],
    ['/api/v4/projects/a%2fb/remote_mirrors/3/sync', ['projects', 'a/b', 'remote_mirrors', '3', 'sync']],
    ['/api/v4/projects/a/b/mirror/pull', ['projects', 'a/b', 'mirror', 'pull']],
    ['/api/v4/projects/7/protected_branches/release%2F1.0', ['projects', '7', 'protected_branches', 'release/1.0']],
    ['/api/v4/projects/a/b/protected_branches/release/1.0', ['projects', 'a/b', 'protected_branches', 'release/1.0']],
    ['/api/v4/projects/7/protected_branches/release/*', ['projects', '7', 'protected_branches', 'release/*']],
    ['/api/v4/projects/7/protected_branches/mirror/events', ['projects', '7', 'protected_branches', 'mirror/events']],
    ['/api/v4/projects/7/protected_branches/100%', ['projects', '7', 'protected_branches', '100%']],
    ['/api/v4/projects/7/protected_branches/100%25%2Fx%', ['projects', '7', 'protected_branches', '100%/x%']],
    ['/api/v4/projects/7/protected_branches/%C3%A4%FF', ['projects', '7', 'protected_branches', '%C3%A4%FF']],
    ['/api/v4/application/settings', ['application', 'settings']],
    ['/api/v4', []],
    ['/api/v40/projects', undefined],
    ['/', undefined],
  ])('takes %s apart', (path, segments) => {
    expect(routeSegments(path)).toEqual(segments);
  });

  it('reserves every word that a call below a project uses', () => {
    const words = endpoints.flatMap(({ path }) =>
      path.startsWith('/projects/{id}/') ? path.slice('/projects/{id}/'.length).split('/') : [],
    );
    const literal = new Set(words.filter((word) => !word.startsWith('{')));
    expect(literal.size).toBeGreaterThan(8);
    expect([...literal].sort()).toEqual([...reservedWords].sort());
  });
});
