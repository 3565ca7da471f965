/** Where a repository is, in a form in which the addresses that one host gives of it (HTTPS, SSH, web page) are the same. */

import { parseRepositoryUrl, type RepositoryUrl, sshFormOfScp } from '../git/transport/repository-url.ts';
import { defaultPorts } from '../git/transport/same-host.ts';

export interface RepositoryPlace {
  /** undefined = not known: any host. */
  readonly host: string | undefined;
  readonly scheme: RepositoryUrl['scheme'] | undefined;
  readonly port: number | undefined;
  /** Without slashes at its ends and `.git`, percent-decoded, in lower case: hosts differ in whether case matters, and a run too many does no harm. */
  readonly path: string;
}

/** Hosts that serve the repositories of another under a name of their own, mostly SSH on port 443. */
const aliases: Readonly<Record<string, string>> = {
  'www.github.com': 'github.com',
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
  'altssh.bitbucket.org': 'bitbucket.org',
};

/** Takes any URL of a repository, its SCP-style form, or a path (`/scm/KEY/slug`) where the host is not known. undefined for anything else. Never throws. */
export function repositoryPlace(text: string): RepositoryPlace | undefined {
  if (text.startsWith('/')) return { host: undefined, scheme: undefined, port: undefined, path: normalisePath(text) };
  const url = parse(text.trim().replaceAll(' ', '%20'));
  if (url === undefined) return undefined;
  const host = url.host.toLowerCase().replace(/\.$/, '');
  const alias = aliases[host];
  const place = { scheme: url.scheme, path: normalisePath(url.path) };
  if (alias !== undefined) return { ...place, host: alias, port: defaultPorts[url.scheme] };
  return azurePlace(host, place.path) ?? { ...place, host, port: url.port ?? defaultPorts[url.scheme] };
}

/** Whether two places are one repository, as far as can be told. Ports are compared only within one scheme: SSH has its own. */
export function isSamePlace(one: RepositoryPlace, other: RepositoryPlace): boolean {
  if (one.host !== undefined && other.host !== undefined) {
    if (one.host !== other.host) return false;
    if (one.scheme === other.scheme && one.port !== other.port) return false;
  }
  return one.path === other.path || isDataCenterPair(one, other) || isDataCenterPair(other, one);
}

/** Whether both are known in whole, and nothing differs. */
export function isExactlyPlace(one: RepositoryPlace, other: RepositoryPlace): boolean {
  return (
    one.host !== undefined && one.scheme === other.scheme && one.host === other.host && one.port === other.port && one.path === other.path
  );
}

/** For people: host and path, never user info. */
export function describePlace({ host, path }: RepositoryPlace): string {
  return host === undefined ? path : `${host}/${path}`;
}

function parse(text: string): RepositoryUrl | undefined {
  try {
    return parseRepositoryUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : (sshFormOfScp(text) ?? text), 'repository').url;
  } catch {
    return undefined;
  }
}

function normalisePath(path: string): string {
  const trimmed = decode(path)
    .replace(/\/{2,}/g, '/')
    .replace(/^\/|\/$/g, '');
  return trimmed.replace(/\.git$/i, '').toLowerCase();
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Bitbucket Data Center: `/CONTEXT/scm/KEY/slug` over HTTP is `/KEY/slug` over SSH. */
function isDataCenterPair(http: RepositoryPlace, ssh: RepositoryPlace): boolean {
  if (http.scheme === 'ssh' || (ssh.scheme !== 'ssh' && ssh.scheme !== undefined)) return false;
  const short = /(?:^|\/)scm\/([^/]+\/[^/]+)$/.exec(http.path)?.[1];
  if (short === undefined) return false;
  return ssh.path === short || (ssh.scheme === undefined && ssh.path === `scm/${short}`);
}

/** Azure DevOps has three hosts and four ways to write one repository; all become `dev.azure.com/ORG/PROJECT/REPOSITORY`. */
function azurePlace(host: string, path: string): RepositoryPlace | undefined {
  const names = azureNames(host, path);
  // Its SSH addresses are SCP-style, hence literal, and have their spaces percent-encoded all the same.
  return names === undefined ? undefined : { host: 'dev.azure.com', scheme: 'https', port: 443, path: decode(names.join('/')) };
}

function azureNames(host: string, path: string): readonly string[] | undefined {
  if (host === 'ssh.dev.azure.com' || host === 'vs-ssh.visualstudio.com') {
    const [version, ...names] = path.split('/');
    return version === 'v3' && names.length === 3 ? names : undefined;
  }
  const old = /^([^.]+)\.visualstudio\.com$/.exec(host)?.[1];
  if (old === undefined && host !== 'dev.azure.com') return undefined;
  const whole = old === undefined ? path : `${old}/${path.replace(/^defaultcollection\//, '')}`;
  const [, organisation, project, repository] = /^([^/]+)\/(?:([^/]+)\/)?_git\/(?:_full\/|_optimized\/)?([^/]+)$/.exec(whole) ?? [];
  if (organisation === undefined || repository === undefined) return undefined;
  // A project's first repository has its name, and the project is left out.
  return [organisation, project ?? repository, repository];
}
