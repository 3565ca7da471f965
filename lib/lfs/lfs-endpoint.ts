/** Where a repository's LFS server is, and which credentials go there: found as git-lfs finds it, but never by what stands in the repository itself (.lfsconfig). */
import type { RepositoryUrl } from '../git/transport/repository-url.ts';
import type { LfsOperation } from './batch-message.ts';

/** What `git-lfs-authenticate` says, asked over SSH (git-lfs docs/api/authentication.md). */
export interface SshAuthorization {
  /** undefined = the server is at the usual place. */
  readonly href: URL | undefined;
  readonly header: Readonly<Record<string, string>>;
  /** Milliseconds since 1970; undefined = does not expire. */
  readonly expiresAt: number | undefined;
}

/** Runs `git-lfs-authenticate` on the host of an ssh:// repository; undefined = the host has no such command. */
export type SshAuthenticate = (operation: LfsOperation) => Promise<SshAuthorization | undefined>;

/** `<url>/info/lfs` with `.git` in front of it (git-lfs docs/api/server-discovery.md); for ssh:// the same on https://, without its port. */
export function usualLfsUrl({ scheme, host, path, href }: RepositoryUrl): URL {
  const base = scheme === 'ssh' ? `https://${host.includes(':') ? `[${host}]` : host}${path.replace(/^\/~[^/]*/, '')}` : href;
  return new URL(`${base}${base.endsWith('.git') ? '' : '.git'}/info/lfs`);
}
