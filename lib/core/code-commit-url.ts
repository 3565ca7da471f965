/** Which CodeCommit repository a URL names: its events come by region and name, without a URL. */

export interface CodeCommitRepository {
  readonly region: string;
  readonly repository: string;
}

const host = /^git-codecommit(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;
const path = /^\/v1\/repos\/([^/]+)\/?$/;

/** undefined if the URL (https or ssh) is not one of CodeCommit's. */
export function codeCommitRepositoryOf(url: string): CodeCommitRepository | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, pathname } = new URL(url);
  const region = host.exec(hostname.toLowerCase())?.[1];
  const name = path.exec(pathname)?.[1];
  return region === undefined || name === undefined ? undefined : { region, repository: name };
}
