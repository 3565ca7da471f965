/** Takes user name and password out of the URL that somebody typed into a form, so that no page shows them again. */
import { unmasked } from '../api/masked-user-info.ts';
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
  if (parsed === undefined) return { form: replaced(form, { [urlName]: withoutSecret(typed) }), note: undefined };
  const { url, userInfo } = parsed;
  // `*****` stands for what is stored: the API knows.
  const masked = unmasked(typed);
  if (masked.username || masked.password)
    return {
      form:
        masked.username && (masked.password || !userInfo?.password)
          ? form
          : replaced(form, { [urlName]: url.href.replace('://', '://*****:*****@') }),
      note: undefined,
    };
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

/** A URL that cannot be read is put into the page again only if no part of it can be a password: no @, no query, no : but in front of a port. SCP-style (`git@host:path`) has none. */
function withoutSecret(typed: string): string {
  const isPlain = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[a-z0-9.-]+(?::\d{1,5})?(?:\/[^?#@:&=]*)?$/i.test(typed) && !/%40|%3a/i.test(typed);
  const isScpStyle = /^[a-z0-9_-]{1,7}@[a-z0-9.-]+:[^?#@:&=]*$/i.test(typed);
  return isPlain || isScpStyle ? typed : '';
}

function replaced(form: Form, values: Readonly<Record<string, string>>): Form {
  const given = new Map(Object.entries(values));
  return {
    ...form,
    text: (name) => given.get(name)?.trim() ?? form.text(name),
    exact: (name) => given.get(name) ?? form.exact(name),
  };
}
