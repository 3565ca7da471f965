import { describe, expect, it } from 'vitest';
import { errorCatalogue } from '../../lib/core/error-catalogue.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import { refineHint } from '../../lib/core/provider-messages.ts';

/** Whole messages as hosts are known to send them, with made-up names. */
const said: readonly (readonly [string, string, RegExp])[] = [
  // GitHub
  [
    'GitHub, private e-mail address',
    'remote: error: GH007: Your push would publish a private email address.\nremote: You can make your email public or disable this protection by visiting:\nremote: http://github.com/settings/emails',
    /e-mail/,
  ],
  ['a client of GitHub', 'error: RPC failed; HTTP/2 stream was reset: RST_STREAM', /e-mail/],
  [
    'GitHub, push protection',
    'remote: error: GH013: Repository rule violations found for refs/heads/main.\nremote:\nremote: - GITHUB PUSH PROTECTION\nremote:   —————\nremote:     Resolve the following violations before pushing again\nremote:\nremote:     - Push cannot contain secrets\nremote:\nremote:      (?) Learn how to resolve a blocked push\nremote:      https://docs.github.com/code-security/secret-scanning/pushing-a-branch-blocked-by-push-protection\nremote:\nremote:       —— GitHub Personal Access Token ————\nremote:        locations:\nremote:          - commit: 5477a7dd26384ed3c8b3814ee677f755ad27a597\nremote:            path: src/api/github.ts:34\nremote:\nremote:        (?) To push, remove secret from commit(s) or follow this URL to allow the secret.',
    /password or token in the commits/,
  ],
  [
    'GitHub, a ruleset',
    'remote: error: GH013: Repository rule violations found for refs/heads/main.\nremote: Review all repository rules at https://github.com/acme/anvil/rules?ref=refs%2Fheads%2Fmain\nremote:\nremote: - Changes must be made through a pull request.\nremote:',
    /ruleset/,
  ],
  ['GitHub, a protected branch', 'remote: error: GH006: Protected branch update failed for refs/heads/main.', /protects this branch/],
  [
    'GitHub, workflows',
    'refusing to allow an OAuth App to create or update workflow `.github/workflows/x.yml` without `workflow` scope',
    /Workflows permission/,
  ],
  [
    'GitHub, a large file',
    "remote: error: Trace: 0e1f2a\nremote: error: See https://gh.io/lfs for more information.\nremote: error: File big.bin is 123.00 MB; this exceeds GitHub's file size limit of 100.00 MB\nremote: error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.",
    /Git LFS/,
  ],
  [
    'GitHub, a large push',
    'remote: fatal: pack exceeds maximum allowed size (2.00 GiB)\nerror: remote unpack failed: index-pack failed',
    /2 GiB/,
  ],
  [
    'GitHub, many refs',
    'error: remote unpack failed: maximum ref updates exceeded: 803 commands sent but max allowed is 50',
    /fewer branches and tags/,
  ],
  ['GitHub, archived', 'remote: This repository was archived so it is read-only.', /archived or read-only/],
  [
    'GitHub, moved',
    'remote: This repository moved. Please use the new location:\nremote:   https://github.com/acme/hammer.git',
    /new address/,
  ],
  [
    'GitHub, single sign-on',
    "remote: The 'acme' organization has enabled or enforced SAML SSO.\nremote: To access this repository, visit https://github.com/orgs/acme/sso?authorization_request=AAAA and try your request again.",
    /Configure SSO/,
  ],
  [
    'GitHub, IP allow list',
    'Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and 203.0.113.7 is not permitted to access this resource.',
    /IP allow list/,
  ],
  [
    'GitHub, LFS budget',
    'This repository exceeded its LFS budget. The account responsible for the budget should increase it to restore access.',
    /LFS budget/,
  ],
  [
    'GitHub, LFS quota of before',
    'This repository is over its data quota. Account responsible for LFS bandwidth should purchase more data packs to restore access.',
    /LFS budget/,
  ],
  ['GitHub, a deploy key', 'ERROR: The key you are authenticating with has been marked as read only.', /write access/],
  ['GitHub, password', 'remote: Support for password authentication was removed on August 13, 2021.', /oauth2/],
  // GitLab
  ['GitLab, LFS', 'remote: GitLab: LFS objects are missing. Ensure LFS is properly set up', /LFS objects it does not have/],
  [
    'GitLab, secrets',
    'remote: GitLab:\nremote: PUSH BLOCKED: Secrets detected in code changes\nremote: Secret push protection found the following secrets in commit: 37e54de5',
    /password or token in the commits/,
  ],
  ['GitLab, protected', 'remote: GitLab: You are not allowed to push code to protected branches on this project.', /protects this branch/],
  [
    'GitLab, force',
    'remote: GitLab: You are not allowed to force push code to a protected branch on this project.',
    /protects this branch/,
  ],
  ['GitLab, push rule', "remote: GitLab: Committer's email 'a@example.org' does not follow the pattern '@acme.example$'", /push rule/],
  [
    'GitLab, file size',
    'remote: GitLab: File "big.bin" is larger than the allowed size of 10 MiB. Use Git LFS to manage this file.',
    /Git LFS/,
  ],
  [
    'GitLab, quota',
    'Your push has been rejected, because this repository has exceeded its size limit of 100 MB by 160 MB. Please contact your GitLab administrator for more information.',
    /storage .{0,60} used up/,
  ],
  [
    'GitLab, storage',
    'Your push to this repository cannot be completed because this repository has exceeded the allocated storage for your project.',
    /storage .{0,60} used up/,
  ],
  ['GitLab, maintenance', "remote: You can't push code to a read-only GitLab instance.", /read-only/],
  ['GitLab, moving', 'remote: The repository is temporarily read-only. Please try again later.', /read-only/],
  [
    'GitLab, moved',
    "remote: Project 'acme/anvil' was moved to 'tools/anvil'.\nremote:\nremote: Please update your Git remote:\nremote:\nremote:   git remote set-url origin https://gitlab.example/tools/anvil.git",
    /new address/,
  ],
  ['GitLab, a deploy key', 'remote: This deploy key does not have write access to this project.', /write access/],
  ['GitLab, expired', 'remote: HTTP Basic: Access denied. The token has expired.', /expired/],
  ['GitLab, 2FA', 'Access denied: you must use a personal access token: 2FA is enabled', /oauth2/],
  // Bitbucket
  ['Bitbucket, large push', 'remote: fatal: pack exceeds maximum allowed size', /3\.5 GB/],
  [
    'Bitbucket, users',
    "remote: [ALERT] Your push failed because the account 'acme' has exceeded its\nremote: [ALERT] user limit and this repository is restricted to read-only access.",
    /read-only/,
  ],
  ['Bitbucket, restriction', 'remote: Permission denied to update branch main.', /protects this branch/],
  [
    'Bitbucket, allowlist',
    'remote: To access this repository, your IP address must be allowlisted. Your IP address 203.0.113.7 is not whitelisted',
    /IP allow list/,
  ],
  ["a client of Bitbucket's", "fatal: could not read Username for 'https://bitbucket.org'", /x-bitbucket-api-token-auth/],
  // Azure DevOps
  [
    'Azure DevOps, large push',
    'error: remote unpack failed: error TF402462: The push was rejected because its size is greater than the 5120 MB limit for pushes in this repository.',
    /5 GB/,
  ],
  [
    'Azure DevOps, policy',
    'TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.',
    /protects this branch/,
  ],
  ['Azure DevOps, secrets', 'VS403654: The push was rejected because it contains one or more secrets.', /password or token in the commits/],
  [
    'Azure DevOps, permission',
    "TF401027: You need the Git 'GenericContribute' permission to perform this action. Details: identity 'x', scope 'repository'.",
    /Contribute/,
  ],
  [
    'Azure DevOps, deleted',
    'TF401019: The Git repository with name or identifier anvil does not exist or you do not have permissions for the operation you are attempting.',
    /disabled, deleted/,
  ],
  // Gitea, Forgejo, Gogs
  ['Gitea, archived', 'This repo is archived. You can view files and clone it, but cannot push or open issues/pull-requests.', /archived/],
  ['Gitea, mirror', 'mirror repository is read-only', /read-only/],
  ['Gitea, protected', 'remote: Gitea: Not allowed to push to protected branch main', /protects this branch/],
  ['Gitea, force', 'remote: Gitea: branch main is protected from force push', /protects this branch/],
  ['Gitea, deploy key', 'Gitea: Deploy Key: 1:mirror is not authorized to write to acme/anvil.', /write access/],
  ['Forgejo, quota', 'remote: Forgejo: Quota exceeded', /used up/],
  ['Gogs, read-only deploy key', 'Gogs: Key permission denied', /write access/],
  ['Gogs, key of another repository', 'Gogs: Key access denied', /write access/],
  ['Gogs, repository', 'Gogs: Repository does not exist or you do not have access', /Check the path/],
  [
    'Gogs, 2FA',
    'User with two-factor authentication enabled cannot perform HTTP/HTTPS operations via plain username and password',
    /as the user name/,
  ],
  // Others
  ['SSH servers', 'The server only allows public key authentication', /SSH key/],
  ['a full disk', 'error: file write error: No space left on device', /disk is full/],
];

describe('what a host says', () => {
  it.each(said)('%s refines the hint', (_, words, hint) => {
    expect(refineHint({ code: 'remote_error', words })).toMatch(hint);
    expect(new GitferryError('remote_error', { words }).hint).toMatch(hint);
  });

  it.each([
    '',
    'non-fast-forward',
    'pre-receive hook declined',
    'refs/heads/feature/2fast',
    'failed to update ref',
    'hook declined: read the rules',
  ])('%j says nothing special', (words) => {
    expect(refineHint({ code: 'remote_error', words })).toBeUndefined();
  });

  it('never changes the code, and a hint that is given stays', () => {
    const error = new GitferryError('remote_error', { words: 'GH007', hint: 'mine' });
    expect([error.code, error.hint]).toEqual(['remote_error', 'mine']);
  });
});

describe('what a host only repeats', () => {
  it.each([
    ['its URL', "repository 'https://git.example/team/codecommit-tools.git' not found"],
    ['its path', 'repository /team/two-factor.git not found'],
    ['its name', "The project 'two-factor-app' could not be found."],
    ['its name with .git', 'two-factor-app.git: no such repository'],
    ['a full name of a ref', 'cannot lock refs/heads/GH001-fixes'],
    ['a short name of a ref', "branch 'gh013' was declined, so was GH006"],
    ['an address', 'see https://git.example/help/2FA'],
  ])('chooses no hint: %s', (_, words) => {
    const about = {
      code: 'repository_not_found',
      href: 'https://git.example/team/two-factor-app.git',
      refs: ['refs/heads/gh013', 'refs/heads/GH006'],
    } as const;
    expect(refineHint({ ...about, words })).toBeUndefined();
  });

  it('is not taken for its words because they hold it', () => {
    expect(
      refineHint({ code: 'refs_rejected', words: 'GH006: Protected branch main', refs: ['refs/heads/ma', 'refs/heads/H006'] }),
    ).toMatch(/protects/);
  });
});

describe('our own words', () => {
  it('choose no hint', () => {
    const detail = 'https://git.example/team/codecommit-tools%40gh001-fixes.git answered 404.';
    expect(new GitferryError('repository_not_found', { detail }).hint).toBe(errorCatalogue.repository_not_found.hint);
    const about = { detail: 'https://git.example/2FA/archived.git answered 404', words: '', href: 'https://git.example/2FA/archived.git' };
    expect(new GitferryError('repository_not_found', about).hint).toBe(errorCatalogue.repository_not_found.hint);
  });

  it.each([
    'the target could not store the pack: index-pack abnormal exit',
    'pre-receive hook declined (refused together with others and not tried alone)',
    'not known, the target could not be listed again: The host did not answer in time.',
    'the target ended without a report',
    'the target reported no error but did not move the ref',
  ])('nor do they where they stand beside a ref with the words of the target: %s', (words) => {
    expect(refineHint({ code: 'refs_rejected', words })).toBeUndefined();
  });
});

describe('a host', () => {
  it.each([
    ['https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/x', 'credentials_refused', /HTTPS Git credentials/],
    ['ssh://APKA@git-codecommit.eu-west-1.amazonaws.com/v1/repos/x', 'credentials_refused', /SSH key id/],
    ['https://bitbucket.org/acme/anvil.git', 'credentials_missing', /x-token-auth/],
    ['https://bitbucket.org/acme/anvil.git', 'credentials_refused', /x-token-auth/],
  ] as const)('%s is known for %s', (href, code, hint) => {
    expect(refineHint({ code, words: '', href })).toMatch(hint);
  });

  it.each([
    ['https://git-codecommit.eu-west-1.amazonaws.com.evil.example/v1/repos/x', 'credentials_refused'],
    ['https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/x', 'server_error'],
    ['https://git.example/bitbucket.org', 'credentials_missing'],
    ['no URL', 'credentials_missing'],
  ] as const)('%s is not, for %s', (href, code) => {
    expect(refineHint({ code, words: '', href })).toBeUndefined();
  });
});

describe('a message', () => {
  it.each([
    [
      { detail: 'https://h/r answered 404', words: 'Not here.' },
      'There is no such repository on the host. https://h/r answered 404: Not here.',
    ],
    [{ detail: 'https://h/r answered 404', words: '' }, 'There is no such repository on the host. https://h/r answered 404.'],
    [{ words: 'Not here.' }, 'There is no such repository on the host. Not here.'],
    [{}, 'There is no such repository on the host.'],
  ])('of %j holds the peer behind our own words', (details, message) => {
    expect(new GitferryError('repository_not_found', details).message).toBe(message);
  });
});
