import { describe, expect, it } from 'vitest';
import { withEncodedPath } from '../../lib/api/lambda-event.ts';

describe('withEncodedPath', () => {
  it.each([
    ['/api/v4/projects/7/protected_branches/what?', '/api/v4/projects/7/protected_branches/what%3F'],
    ['/api/v4/projects/7/protected_branches/fix#12', '/api/v4/projects/7/protected_branches/fix%2312'],
    ['/api/v4/projects/7/protected_branches/100%', '/api/v4/projects/7/protected_branches/100%25'],
    ['/api/v4/projects/a%2Fb', '/api/v4/projects/a%2Fb'],
    ['/api/v4/projects/a/b', '/api/v4/projects/a/b'],
  ])('makes %s fit for a URL', (rawPath, encoded) => {
    expect(withEncodedPath({ rawPath })).toEqual({ rawPath: encoded });
  });
});
