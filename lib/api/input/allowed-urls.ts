/** Where a shared credential may be used: given by its owner, checked whenever a mirror or project is to use it. */
import { GitferryError } from '../../core/errors.ts';
import type { SharedCredential } from '../../credentials/shared-credential.ts';
import { isAllowed, parseAllowedUrl } from '../../git/transport/allowed-urls.ts';
import type { ApiDeps } from '../api-deps.ts';
import { invalidField, invalidFieldOf } from '../http/api-error.ts';
import { apiLimits } from '../http/api-limits.ts';

/** As they are stored. Refuses with 400. */
export function checkAllowedUrls(given: readonly string[]): readonly string[] {
  if (given.length === 0) throw invalidField('allowed_urls', 'is empty: name the hosts, or the groups on them, where it may be used');
  if (given.length > apiLimits.allowedUrls) throw invalidField('allowed_urls', `has more than ${apiLimits.allowedUrls} entries`);
  try {
    return [...new Set(given.map((url) => parseAllowedUrl(url, 'allowed_urls')))];
  } catch (error) {
    throw invalidFieldOf('allowed_urls', error);
  }
}

/** Refuses with 400 and `credential_not_allowed`. `stored` = the URL at which it is used already. */
export async function checkUse(
  credential: SharedCredential,
  url: string,
  { records }: Pick<ApiDeps, 'records'>,
  stored?: string,
): Promise<void> {
  if (isAllowed(url, await allowedUrlsOf(credential, records, stored))) return;
  throw invalidFieldOf('credential_id', new GitferryError('credential_not_allowed'));
}

/**
 * Of a credential that was made before there were allowed URLs: the hosts of the mirrors and projects that use it now. They are stored when they are first
 * asked for, which is before anything else can come to use it.
 */
export async function allowedUrlsOf(
  credential: SharedCredential,
  { credentials, mirrors }: Pick<ApiDeps['records'], 'credentials' | 'mirrors'>,
  stored?: string,
): Promise<readonly string[]> {
  if (credential.allowedUrls !== null) return credential.allowedUrls;
  const urls = [...(await mirrors.urlsOfCredential(credential.id)), ...(stored === undefined ? [] : [stored])];
  const hosts = [...new Set(urls.map(hostOf))];
  return (await credentials.noteAllowedUrls(credential.id, hosts))?.allowedUrls ?? hosts;
}

function hostOf(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}/`;
}
