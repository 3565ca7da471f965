import { describe, expect, it } from 'vitest';
import { authorization } from '../../../../lib/git/transport/http/authorization.ts';

const decoded = (header: string): string => Buffer.from(header.replace(/^Basic /, ''), 'base64').toString();

describe('a password without a user name', () => {
  it.each([
    ['bitbucket.org', 'ATATT3xFfGF0abc', 'x-bitbucket-api-token-auth'],
    ['bitbucket.org', 'ATCTT3xFfGN0abc', 'x-token-auth'],
    ['BITBUCKET.org', 'ATCTT3xFfGN0abc', 'x-token-auth'],
    ['bitbucket.org', 'something else', 'git'],
    ['bitbucket.org.evil.example', 'ATATT3xFfGF0abc', 'git'],
    ['git.example', 'ATCTT3xFfGN0abc', 'git'],
  ])('on %s, %s goes with %s', (host, password, name) => {
    expect(decoded(authorization('basic', { username: '', password }, host))).toBe(`${name}:${password}`);
  });
});

describe('a user name that is given', () => {
  it.each([
    ['owner', 'ATATT3xFfGF0abc'],
    ['gogs-token', ''],
  ])('%s stays', (username, password) => {
    expect(decoded(authorization('basic', { username, password }, 'bitbucket.org'))).toBe(`${username}:${password}`);
  });
});

describe('a bearer token', () => {
  it.each([[{ username: 'anybody', password: 'token' }], [{ username: '', password: 'token' }], [{ username: 'token', password: '' }]])(
    'is the password, or the user name where there is none: %j',
    (credential) => {
      expect(authorization('bearer', credential, 'h.example')).toBe('Bearer token');
    },
  );
});
