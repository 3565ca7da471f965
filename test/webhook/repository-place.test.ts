import { describe, expect, it } from 'vitest';
import { describePlace, isSamePlace, repositoryPlace } from '../../lib/webhook/repository-place.ts';

const same = (one: string, other: string): boolean => {
  const [first, second] = [repositoryPlace(one), repositoryPlace(other)];
  if (first === undefined || second === undefined) throw new Error('no place');
  expect(isSamePlace(second, first)).toBe(isSamePlace(first, second));
  return isSamePlace(first, second);
};

describe('isSamePlace', () => {
  it.each([
    ['with and without .git', 'https://h.example.com/a/b', 'https://h.example.com/a/b.git'],
    ['a slash at the end', 'https://h.example.com/a/b/', 'https://h.example.com/a/b.git'],
    ['user info', 'https://ada@h.example.com/a/b', 'https://h.example.com/a/b'],
    ['the default port', 'https://h.example.com:443/a/b', 'https://h.example.com/a/b'],
    ['host in upper case', 'https://H.Example.COM/a/b', 'https://h.example.com/a/b'],
    ['host with its final dot', 'https://h.example.com./a/b', 'https://h.example.com/a/b'],
    ['path in another case', 'https://h.example.com/A/B', 'https://h.example.com/a/b'],
    ['percent-encoding', 'https://h.example.com/a/b%2Dc', 'https://h.example.com/a/b-c'],
    ['http and https', 'http://h.example.com/a/b', 'https://h.example.com/a/b.git'],
    ['http and https on ports of their own', 'http://h.example.com:8080/a/b', 'https://h.example.com:8443/a/b.git'],
    ['https and ssh', 'https://h.example.com/a/b', 'ssh://git@h.example.com/a/b.git'],
    ['https and ssh on a port of its own', 'https://h.example.com:3000/a/b', 'ssh://git@h.example.com:2222/a/b.git'],
    ['https and SCP style', 'https://h.example.com/a/b', 'git@h.example.com:a/b.git'],
    ['SCP style with and without user', 'h.example.com:a/b', 'git@h.example.com:/a/b.git'],
    ['IPv6', 'https://[2001:db8::1]/a/b', 'ssh://git@[2001:db8::1]:22/a/b.git'],
    ['GitHub over SSH on port 443', 'https://github.com/a/b', 'ssh://git@ssh.github.com:443/a/b.git'],
    ['GitLab over SSH on port 443', 'git@gitlab.com:a/b.git', 'ssh://git@altssh.gitlab.com:443/a/b.git'],
    ['Bitbucket Data Center', 'https://h.example.com/scm/key/slug.git', 'ssh://git@h.example.com:7999/key/slug.git'],
    [
      'Bitbucket Data Center with a context path',
      'https://h.example.com/ctx/scm/~ada/slug.git',
      'ssh://git@h.example.com:7999/~ada/slug.git',
    ],
    ['Bitbucket Data Center without host, HTTP', '/scm/KEY/slug', 'https://h.example.com/ctx/scm/key/slug.git'],
    ['Bitbucket Data Center without host, SSH', '/scm/KEY/slug', 'ssh://git@h.example.com:7999/key/slug.git'],
    [
      'Azure: organisation as user',
      'https://org@dev.azure.com/org/My%20Project/_git/repo',
      'https://dev.azure.com/org/My Project/_git/repo',
    ],
    ['Azure: SSH', 'https://dev.azure.com/org/project/_git/repo', 'git@ssh.dev.azure.com:v3/org/project/repo'],
    [
      'Azure: SSH with a space in the name',
      'https://dev.azure.com/org/My%20Project/_git/repo',
      'git@ssh.dev.azure.com:v3/org/My%20Project/repo',
    ],
    ['Azure: the old host', 'https://dev.azure.com/org/project/_git/repo', 'https://org.visualstudio.com/project/_git/repo'],
    [
      'Azure: the old host with collection',
      'https://dev.azure.com/org/project/_git/repo',
      'https://org.visualstudio.com/DefaultCollection/project/_git/repo',
    ],
    ['Azure: the old host over SSH', 'https://org.visualstudio.com/project/_git/repo', 'org@vs-ssh.visualstudio.com:v3/org/project/repo'],
    ["Azure: a project's first repository", 'https://dev.azure.com/org/_git/repo', 'https://dev.azure.com/org/repo/_git/repo'],
    [
      'CodeCommit',
      'https://git-codecommit.us-east-2.amazonaws.com/v1/repos/x',
      'ssh://APKA@git-codecommit.us-east-2.amazonaws.com/v1/repos/x',
    ],
  ])('one repository: %s', (_, one, other) => {
    expect(same(one, other)).toBe(true);
  });

  it.each([
    ['another path', 'https://h.example.com/a/b', 'https://h.example.com/a/c'],
    ['a path that begins alike', 'https://h.example.com/a/b', 'https://h.example.com/a/b/c'],
    ['another host', 'https://h.example.com/a/b', 'https://g.example.com/a/b'],
    ['a host that ends alike', 'https://h.example.com/a/b', 'https://evil-h.example.com/a/b'],
    ['another port of the same scheme', 'http://127.0.0.1:3000/a/b', 'http://127.0.0.1:3001/a/b'],
    ['another SSH port', 'ssh://git@h.example.com:22/a/b', 'ssh://git@h.example.com:2222/a/b'],
    ['a group called scm', 'https://h.example.com/scm/group/repo', 'https://h.example.com/group/repo'],
    ['another Azure project', 'https://dev.azure.com/org/one/_git/repo', 'https://dev.azure.com/org/two/_git/repo'],
    ['another slug without host', '/scm/KEY/other', 'https://h.example.com/scm/key/slug.git'],
  ])('not one repository: %s', (_, one, other) => {
    expect(same(one, other)).toBe(false);
  });
});

describe('repositoryPlace', () => {
  it.each([
    '',
    'hello',
    'file:///srv/git/a.git',
    'git://h.example.com/a',
    'https://',
    'https:///a',
    'https://h.example.com:99999/a',
    '../a',
  ])('knows no place for "%s"', (text) => {
    expect(repositoryPlace(text)).toBeUndefined();
  });

  it('keeps a broken percent sign as it is', () => {
    expect(same('https://h.example.com/a/100%25', 'https://h.example.com/a/100%25.git')).toBe(true);
    expect(repositoryPlace('https://h.example.com/a/%zz')?.path).toBe('a/%zz');
  });

  it('is described without user info', () => {
    const place = repositoryPlace('https://ada:s3cret@h.example.com/a/b.git');
    expect(place && describePlace(place)).toBe('h.example.com/a/b');
  });
});
