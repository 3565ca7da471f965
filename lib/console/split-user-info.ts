/** Takes user name and password out of the URL that somebody typed into a form, so that no page shows them again. */

import { unmasked } from '../api/input/masked-user-info.ts';
import { keyPairMethod, passwordMethod } from '../credentials/registry.ts';
import type { Form } from './read-form.ts';
import { readUrl } from './shown-url.ts';

export interface SplitForm {
  readonly form: Form;
  /** What was moved, to be told; undefined = nothing. */
  readonly note: string | undefined;
}

/** `ssh://git@host/` stays as it is: there the name is part of the address. A URL that cannot be read is left to the API, and pages show it as `shownUrl` does. */
export function splitUserInfo(form: Form, urlName: string): SplitForm {
  const typed = form.text(urlName);
  const parsed = readUrl(typed);
  if (parsed === undefined) return { form, note: undefined };
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
  if (way === keyPairMethod || way === 'shared')
    return {
      form: replaced(form, { [urlName]: url.href }),
      note: 'User name and password were taken out of the URL: this way to sign in has its own.',
    };
  const password = form.exact('password') || userInfo.password;
  const moved = { [urlName]: url.href, auth: passwordMethod, username: form.text('username') || userInfo.username, password };
  return {
    form: replaced(form, moved),
    note: 'User name and password were taken out of the URL: they are kept apart from it, and the password is never shown.',
  };
}

function replaced(form: Form, values: Readonly<Record<string, string>>): Form {
  const given = new Map(Object.entries(values));
  return {
    ...form,
    text: (name) => given.get(name)?.trim() ?? form.text(name),
    exact: (name) => given.get(name) ?? form.exact(name),
  };
}
