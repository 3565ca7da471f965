import { describe, expect, it } from 'vitest';
import { credentialFault } from '../../lib/credentials/credential-fault.ts';

describe('a user name or password', () => {
  it.each([
    ['me', 'token\n', 'password', /line break/],
    ['me', '\r\ntoken', 'password', /line break/],
    ['me', ' token', 'password', /space/],
    ['me', 'token\u00a0', 'password', /space/],
    ['me ', 'token', 'username', /space/],
    ['me\n', 'token', 'username', /line break/],
    ['me', 'to\nken', 'password', /holds a line break/],
    ['me', 'to\u0007ken', 'password', /control character/],
    ['me:you', 'token', 'username', /colon/],
  ])('cannot be sent: %j, %j', (username, password, of, fault) => {
    expect(credentialFault({ username, password })).toEqual({ of, fault: expect.stringMatching(fault) });
  });

  it.each([
    ['', ''],
    ['me@example.org', 'p:a/s%40s wörd'],
  ])('can be sent: %j, %j', (username, password) => {
    expect(credentialFault({ username, password })).toBeUndefined();
  });
});
