/** What well-known hosts say when they refuse something, and what to do about it. These texts refine hints only; no decision is made by them. */

interface ProviderMessage {
  readonly pattern: RegExp;
  readonly hint: string;
}

const providerMessages: readonly ProviderMessage[] = [
  {
    pattern: /GH007|RST_STREAM|private email address/i,
    hint: 'GitHub blocks commits that show a private e-mail address. In the e-mail settings of the GitHub account that owns the token, switch off "Block command line pushes that expose my email", or rewrite the commits.',
  },
  {
    pattern: /workflows?\W+(scope|permission)|create or update workflow/i,
    hint: 'The token may not change .github/workflows. Give the GitHub token the Workflows permission (read and write), or the workflow scope of a classic token.',
  },
  {
    pattern: /GH001|file size limit|larger than .{0,40}(MB|MiB|GB)|exceeds .{0,60}(file|blob).{0,20}limit/i,
    hint: "A file is over the target host's size limit. Move it to Git LFS on the source, or raise the limit on the target.",
  },
  {
    pattern: /GH008|LFS objects? (are|is) missing|missing LFS objects?/i,
    hint: 'The target refuses commits whose LFS objects it does not have. Copy the objects first (git lfs push --all), or switch LFS off on the target.',
  },
  {
    pattern: /could not read Username/i,
    hint: 'On Bitbucket the owner must be in the URL: https://OWNER@bitbucket.org/ACCOUNT/REPO.git, or https://OWNER@HOST/scm/PROJECT/REPO.git for Bitbucket Data Center.',
  },
  {
    pattern: /only allows? public key|server only supports public key/i,
    hint: 'The server takes no passwords. Use an SSH key instead; a firewall that inspects SSH can also cause this.',
  },
  {
    pattern: /token .{0,30}expired|expired .{0,30}token/i,
    hint: 'The token has expired. Create a new one on the host and store it as the password.',
  },
  {
    pattern: /\b2FA\b|two-factor|password authentication (was removed|is not supported)/i,
    hint: 'Accounts with two-factor authentication need a token as the password (GitLab: username oauth2, password = a token with write_repository).',
  },
  {
    pattern: /%40/,
    hint: 'The username or password holds %40 where @ is meant. Type @ itself, or percent-encode it exactly once in a URL.',
  },
  {
    pattern: /codecommit/i,
    hint: 'CodeCommit wants the HTTPS Git credentials of the IAM user (Security credentials tab), not the AWS access keys; over SSH the username is the SSH key id.',
  },
  {
    pattern: /protected branch|GH006|GH013|not allowed to (force )?push/i,
    hint: 'A rule of the target protects this branch. Allow the account that mirrors to push (and force push) to it, or leave the branch out of the mirror.',
  },
];

/** A hint that fits what a host said, or undefined if its words are not known. */
export function refineHint(text: string): string | undefined {
  return providerMessages.find(({ pattern }) => pattern.test(text))?.hint;
}
