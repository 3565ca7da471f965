/** The user name that goes with a token whose host takes no other, where none was given. */

interface TokenKind {
  readonly prefix: string;
  readonly username: string;
}

/** Atlassian's tokens say by their first characters what they are: an API token of an account, an access token of a repository, project or workspace. */
const bitbucketTokens: readonly TokenKind[] = [
  { prefix: 'ATATT3', username: 'x-bitbucket-api-token-auth' },
  { prefix: 'ATCTT3', username: 'x-token-auth' },
];
const bitbucketHost = /^(www\.)?bitbucket\.org$/i;

/** What Basic authentication sends as user name on this host where none was given; never the token itself. */
export function defaultUserName(hostname: string, password: string): string {
  const kind = bitbucketHost.test(hostname) ? bitbucketTokens.find(({ prefix }) => password.startsWith(prefix)) : undefined;
  return kind?.username ?? 'git';
}
