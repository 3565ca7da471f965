/** What is worth knowing about well-known hosts while one types an address: where they publish their host keys, and what they want for signing in. */

export interface HostNote {
  /** Where the host publishes the fingerprints of its SSH keys. */
  readonly fingerprints?: { readonly label: string; readonly url: string };
  /** What people stumble over there. */
  readonly notes: readonly string[];
}

interface KnownHost {
  readonly matches: RegExp;
  readonly fingerprints?: HostNote['fingerprints'];
  note?(url: URL): string | undefined;
}

const known: readonly KnownHost[] = [
  {
    matches: /^(ssh\.)?github\.com$/,
    fingerprints: {
      label: 'GitHub’s SSH key fingerprints',
      url: 'https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints',
    },
    note: (url) =>
      url.protocol === 'ssh:'
        ? 'GitHub: add the public key as a deploy key with write access, or to a machine user.'
        : 'GitHub takes a personal access token as password; it needs “Contents: write”, and “Workflows: write” for files in .github/workflows.',
  },
  {
    matches: /^(altssh\.)?gitlab\.com$/,
    fingerprints: {
      label: 'GitLab.com’s SSH host key fingerprints',
      url: 'https://docs.gitlab.com/user/gitlab_com/#ssh-host-keys-fingerprints',
    },
    note: (url) =>
      url.protocol === 'ssh:' ? undefined : 'GitLab: user name oauth2 and a project access token with write_repository as password.',
  },
  {
    matches: /^(altssh\.)?bitbucket\.org$/,
    fingerprints: {
      label: 'Bitbucket’s SSH key fingerprints',
      url: 'https://support.atlassian.com/bitbucket-cloud/docs/configure-ssh-and-two-step-verification/',
    },
    note: (url) =>
      url.protocol === 'ssh:'
        ? undefined
        : 'Bitbucket: user name x-bitbucket-api-token-auth with an API token (ATATT…), x-token-auth with an access token (ATCTT…). Left empty, gitferry takes the one that the token wants; with another one Bitbucket answers as to a stranger.',
  },
  {
    matches: /^ssh\.dev\.azure\.com$|^vs-ssh\.visualstudio\.com$/,
    fingerprints: {
      label: 'Azure DevOps’ SSH fingerprints',
      url: 'https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate',
    },
  },
  {
    matches: /^codeberg\.org$/,
    fingerprints: { label: 'Codeberg’s SSH fingerprints', url: 'https://docs.codeberg.org/security/ssh-fingerprint/' },
  },
  {
    matches: /^git-codecommit(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/,
    fingerprints: {
      label: 'CodeCommit’s server fingerprints',
      url: 'https://docs.aws.amazon.com/codecommit/latest/userguide/regions.html#regions-fingerprints',
    },
    note: (url) =>
      url.protocol === 'ssh:'
        ? 'CodeCommit: the user name is the id of the SSH key that IAM shows after the upload (APKA…); RSA keys only.'
        : 'CodeCommit: make “HTTPS Git credentials for AWS CodeCommit” for an IAM user; access keys do not work.',
  },
];

/** For what is typed, finished or not. Nothing is looked up. */
export function hostNote(typed: string): HostNote {
  const url = URL.canParse(typed) ? new URL(typed) : undefined;
  const host = url?.hostname.toLowerCase() ?? '';
  const found = known.find(({ matches }) => matches.test(host));
  if (url === undefined || found === undefined) return { notes: [] };
  const note = found.note?.(url);
  return { notes: note === undefined ? [] : [note], ...(found.fingerprints === undefined ? {} : { fingerprints: found.fingerprints }) };
}
