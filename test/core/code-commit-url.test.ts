import { describe, expect, it } from 'vitest';
import { codeCommitRepositoryOf } from '../../lib/core/code-commit-url.ts';

describe('the CodeCommit repository of a URL', () => {
  it.each([
    ['https://git-codecommit.us-east-1.amazonaws.com/v1/repos/My.Repo-1_x', 'us-east-1', 'My.Repo-1_x'],
    ['ssh://APKA123@git-codecommit.eu-central-1.amazonaws.com/v1/repos/r', 'eu-central-1', 'r'],
    ['ssh://APKA123@GIT-CodeCommit.EU-central-1.amazonaws.com:22/v1/repos/r/', 'eu-central-1', 'r'],
    ['https://git-codecommit-fips.us-gov-west-1.amazonaws.com/v1/repos/r', 'us-gov-west-1', 'r'],
    ['https://git-codecommit.cn-north-1.amazonaws.com.cn/v1/repos/r', 'cn-north-1', 'r'],
  ])('%s is %s %s', (url, region, repository) => {
    expect(codeCommitRepositoryOf(url)).toEqual({ region, repository });
  });

  it.each([
    'https://git-codecommit.us-east-1.amazonaws.com/v1/repos/',
    'https://git-codecommit.us-east-1.amazonaws.com/v1/repos/a/b',
    'https://git-codecommit.us-east-1.amazonaws.com/v2/repos/a',
    'https://git-codecommit.us-east-1.amazonaws.com.evil.example/v1/repos/a',
    'https://x.git-codecommit.us-east-1.amazonaws.com/v1/repos/a',
    'https://codecommit.us-east-1.amazonaws.com/v1/repos/a',
    'https://git.example/v1/repos/a',
    'no URL',
    '',
  ])('%j is none', (url) => {
    expect(codeCommitRepositoryOf(url)).toBeUndefined();
  });
});
