import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageOf, returnPath, signInPath } from '../../lib/console/return-path.ts';

describe('returnPath', () => {
  it.each(['/', '/projects/3', '/?state=failing&q=a%20b', '/settings/tokens?page=2'])('leads back to %s', (path) => {
    expect(returnPath(path)).toBe(path);
  });

  it.each([
    ...[
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      'javascript:alert(1)',
      'evil',
      '',
      '\\\\evil.example',
    ],
    ...[
      '/sign-in',
      '/sign-in?return=/sign-in',
      '/sign-out',
      '/api/v4/projects',
      '/hooks/x',
      '/assets/x',
      '/a/..//evil.example',
      '/./\\evil',
    ],
    `/${'x'.repeat(600)}`,
  ])('leads to the overview instead of %s', (path) => {
    expect(returnPath(path)).toBe('/');
  });

  it('never leads to another host', () => {
    const parts = fc.constantFrom('/', '\\', '.', '..', '@', ':', 'evil.example', '%2f', '%5c', '\t', '\n', '?', '#', 'http', ' ');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(parts, { maxLength: 8 }).map((all) => `/${all.join('')}`),
        ),
        (given) => {
          const path = returnPath(given);
          expect(new URL(path, 'https://here.example').origin).toBe('https://here.example');
          expect(returnPath(path)).toBe(path);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is told by the browser for forms, if the page is one of ours', () => {
    const from = (referer: string) => pageOf(new Request('https://here.example/x', { headers: { host: 'here.example', referer } }));
    expect(from('https://here.example/projects/new?x=1')).toBe('/projects/new?x=1');
    expect(from('https://evil.example/projects/new')).toBeUndefined();
    expect(from('nonsense')).toBeUndefined();
    expect(signInPath('/projects/3?x=1&y=2')).toBe('/sign-in?return=%2Fprojects%2F3%3Fx%3D1%26y%3D2');
  });
});
