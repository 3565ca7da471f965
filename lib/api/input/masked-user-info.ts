/** A URL as we show it, sent back: `*****` in front of the host stands for what is stored. */

const shown = '*****';

export interface Unmasked {
  /** Without what was masked. */
  readonly text: string;
  readonly username: boolean;
  readonly password: boolean;
}

/** Percent-encoded asterisks as well. */
export function unmasked(typed: string): Unmasked {
  const [, scheme = '', userInfo = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*)@([^@]*)$/is.exec(typed) ?? [];
  const colon = userInfo.indexOf(':');
  const [user, password] = colon < 0 ? [userInfo, undefined] : [userInfo.slice(0, colon), userInfo.slice(colon + 1)];
  const masked = { username: isMasked(user), password: password !== undefined && isMasked(password) };
  if (scheme === '' || (!masked.username && !masked.password)) return { text: typed, username: false, password: false };
  const left = `${masked.username ? '' : user}${masked.password || password === undefined ? '' : `:${password}`}`;
  return { text: `${scheme}${left === '' ? '' : `${left}@`}${rest}`, ...masked };
}

function isMasked(text: string): boolean {
  return text.replace(/%2a/gi, '*') === shown;
}
