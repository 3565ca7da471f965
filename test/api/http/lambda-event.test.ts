import { describe, expect, it } from 'vitest';
import { requestEvent } from '../../../lib/api/http/lambda-event.ts';

const eventOf = (rawPath: string, method = 'GET', body?: string) => ({
  rawPath,
  requestContext: { http: { method } },
  ...(body === undefined ? {} : { body }),
});

describe('requestEvent', () => {
  it.each([
    ['/api/v4/projects/7/protected_branches/what?', '/api/v4/projects/7/protected_branches/what%3F'],
    ['/api/v4/projects/7/protected_branches/fix#12', '/api/v4/projects/7/protected_branches/fix%2312'],
    ['/api/v4/projects/7/protected_branches/100%', '/api/v4/projects/7/protected_branches/100%25'],
    ['/api/v4/projects/a%2Fb', '/api/v4/projects/a%2Fb'],
    ['/api/v4/projects/a/b', '/api/v4/projects/a/b'],
  ])('makes %s fit for a URL', (rawPath, encoded) => {
    expect(requestEvent(eventOf(rawPath))).toEqual(eventOf(encoded));
  });

  it.each(['GET', 'HEAD'])('leaves out the body of %s', (method) => {
    expect(requestEvent(eventOf('/x', method, '{}'))).toEqual(eventOf('/x', method));
  });

  it.each(['POST', 'DELETE'])('keeps the body of %s', (method) => {
    expect(requestEvent(eventOf('/x', method, '{}'))).toEqual(eventOf('/x', method, '{}'));
  });
});
