/** Takes user name and password out of the URL that somebody typed into a form, so that no page shows them again. */
import { GitferryError } from '../core/errors.ts';
import { type ParsedRepositoryUrl, parseRepositoryUrl } from '../git/transport/repository-url.ts';
import type { Form } from './read-form.ts';

export interface SplitForm {
  readonly form: Form;
  /** What was moved, to be told; undefined = nothing. */
  readonly note: string | undefined;
}

/** `ssh://git@host/` stays as it is: there the name is part of the address. A URL that cannot be read is left to the API, without what stands before its @. */
export function splitUserInfo(form: Form, urlName: string): SplitForm {
  const typed = form.text(urlName);
  const parsed = parsedOrNone(typed);
  if (parsed === undefined)
    return { form: typed.includes('@') ? replaced(form, { [urlName]: withoutSecret(typed) }) : form, note: undefined };
  const { url, userInfo } = parsed;
  if (userInfo === undefined || (url.scheme === 'ssh' && userInfo.password === '')) return { form, note: undefined };
  const way = form.text('auth');
  if (way === 'ssh_public_key' || way === 'shared')
    return {
      form: replaced(form, { [urlName]: url.href }),
      note: 'User name and password were taken out of the URL: this way to sign in has its own.',
    };
  const password = form.exact('password') || userInfo.password;
  const moved = { [urlName]: url.href, auth: 'password', username: form.text('username') || userInfo.username, password };
  return {
    form: replaced(form, moved),
    note: 'User name and password were taken out of the URL: they are kept apart from it, and the password is never shown.',
  };
}

function parsedOrNone(typed: string): ParsedRepositoryUrl | undefined {
  try {
    return parseRepositoryUrl(typed, 'url');
  } catch (error) {
    if (error instanceof GitferryError) return undefined;
    throw error;
  }
}

/** `https://me:secret word@host/r` → `https://host/r`; SCP-style (`git@host:path`) holds no password. */
function withoutSecret(typed: string): string {
  const at = typed.lastIndexOf('@');
  if (!typed.slice(0, at + 1).includes(':')) return typed;
  return `${/^[a-z][a-z0-9+.-]*:\/\//i.exec(typed)?.[0] ?? ''}${typed.slice(at + 1)}`;
}

function replaced(form: Form, values: Readonly<Record<string, string>>): Form {
  const given = new Map(Object.entries(values));
  return {
    ...form,
    text: (name) => given.get(name)?.trim() ?? form.text(name),
    exact: (name) => given.get(name) ?? form.exact(name),
  };
}
