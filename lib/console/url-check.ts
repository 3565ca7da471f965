/** What can be said about a URL while it is typed: whether it can be used, its ssh:// form, and what its host wants. Contacts nobody. */
import { toGitferryError } from '../core/errors.ts';
import { parseRepositoryUrl, shownSshForm } from '../git/transport/repository-url.ts';
import type { AddressGuard } from '../net/address-guard.ts';
import { type HostNote, hostNote } from './host-notes.ts';

export interface UrlCheck {
  readonly state: 'empty' | 'good' | 'bad';
  /** In words; never repeats what was typed, but for an ssh:// form without a secret. */
  readonly message: string;
  readonly hint?: string;
  /** What to use instead. */
  readonly instead?: string;
  readonly note?: HostNote;
}

export function checkUrl(typed: string, guard: Pick<AddressGuard, 'checkLiteral'>): UrlCheck {
  if (typed === '') return { state: 'empty', message: '' };
  const instead = typed.includes('://') ? undefined : shownSshForm(typed);
  try {
    const { url, userInfo } = parseRepositoryUrl(typed, 'URL');
    guard.checkLiteral(url.host);
    const note = hostNote(userInfo === undefined ? url.href : url.href.replace('://', '://user@'));
    const hasSecret = userInfo !== undefined && (userInfo.password !== '' || url.scheme !== 'ssh');
    const message = hasSecret
      ? 'This URL can be used. What stands in front of its @ is kept apart from it, as the credential.'
      : url.scheme === 'http'
        ? 'This URL can be used, but http:// sends everything in the clear, passwords too. Use https:// where the host has it.'
        : 'This URL can be used.';
    return { state: 'good', message, note };
  } catch (thrown) {
    const { code, message, hint } = toGitferryError(thrown);
    if (code === 'internal_error') throw thrown;
    return { state: 'bad', message, hint, ...(instead === undefined ? {} : { instead }) };
  }
}
