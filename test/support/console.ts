/** The console for a test file: the real app on the real stores, and a browser's part of the conversation (cookies, origin, redirects not followed). */
import type { ApiDeps } from '../../lib/api/api-deps.ts';
import { createSite } from '../../lib/console/create-site.ts';
import { startTestApi, type TestApi } from './api.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly location: string | null;
}

export interface RequestOptions {
  readonly form?: Readonly<Record<string, string | readonly string[]>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One person's browser. */
export interface Browser {
  readonly cookies: Map<string, string>;
  get(path: string, options?: RequestOptions): Promise<Answered>;
  /** As a form of the console's own page sends it. */
  post(path: string, form?: RequestOptions['form'], options?: Omit<RequestOptions, 'form'>): Promise<Answered>;
  request(method: string, path: string, options?: RequestOptions): Promise<Answered>;
}

export interface TestConsole {
  readonly api: TestApi;
  readonly deps: ApiDeps;
  /** The app's origin as people see it. */
  readonly origin: string;
  fetch(request: Request): Promise<Response>;
  /** Nobody is signed in. */
  browser(): Browser;
  /** Signed in with a token; the owner's unless another is given. */
  signedIn(token?: string): Promise<Browser>;
  close(): Promise<void>;
}

/** `change` replaces parts of what the app works with, such as the clock. */
export async function startTestConsole(change: (deps: ApiDeps) => ApiDeps = (deps) => deps): Promise<TestConsole> {
  const api = await startTestApi();
  const deps = change(api.deps);
  const origin = deps.publicUrl;
  const site = createSite(deps);
  const fetch = async (request: Request): Promise<Response> => site.fetch(request);

  function browser(): Browser {
    const cookies = new Map<string, string>();
    const request: Browser['request'] = async (method, path, { form, headers = {} } = {}) => {
      const all = new Headers({ host: new URL(origin).host, ...headers });
      if (cookies.size > 0) all.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
      const body = form === undefined ? undefined : encoded(form);
      if (body !== undefined) all.set('content-type', 'application/x-www-form-urlencoded');
      const response = await fetch(new Request(origin + path, { method, headers: all, ...(body === undefined ? {} : { body }) }));
      for (const line of response.headers.getSetCookie()) keepCookie(cookies, line);
      return {
        status: response.status,
        headers: response.headers,
        text: await response.text(),
        location: response.headers.get('location'),
      };
    };
    return {
      cookies,
      request,
      get: (path, options) => request('GET', path, options),
      post: (path, form = {}, options = {}) => request('POST', path, { form, ...options, headers: { origin, ...options.headers } }),
    };
  }

  return {
    api,
    deps,
    origin,
    fetch,
    browser,
    async signedIn(token = api.ownerToken) {
      const person = browser();
      const answer = await person.post('/sign-in', { token });
      if (answer.status !== 303) throw new Error(`not signed in: ${answer.status}`);
      return person;
    },
    close: () => api.close(),
  };
}

/** The number that a form with `once` carries. */
export function nonceOf({ text }: Answered): string {
  return /name="form_nonce" value="([^"]+)"/.exec(text)?.[1] ?? '';
}

function encoded(form: NonNullable<RequestOptions['form']>): string {
  const pairs = Object.entries(form).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one as string]));
  return new URLSearchParams(pairs).toString();
}

function keepCookie(cookies: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  if (/;\s*max-age=0\b/i.test(line)) cookies.delete(name);
  else cookies.set(name, value);
}

/** What the fields of a page hold: texts, what is checked, what is selected (the first option where none says so). */
export function chosenIn(html: string): Readonly<Record<string, string>> {
  const chosen: Record<string, string> = {};
  const attribute = (tag: string, name: string): string | undefined => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  for (const [tag] of html.matchAll(/<input\s[^>]*>/g)) {
    const [name, type] = [attribute(tag, 'name'), attribute(tag, 'type')];
    const isOff = (type === 'radio' || type === 'checkbox') && !/\schecked/.test(tag);
    if (name !== undefined && !isOff) chosen[name] = attribute(tag, 'value') ?? '';
  }
  for (const [, select = '', options = ''] of html.matchAll(/<select([^>]*)>(.*?)<\/select>/gs)) {
    const all = [...options.matchAll(/<option[^>]*>/g)].map(([option]) => option);
    const option = all.find((tag) => /\sselected/.test(tag)) ?? all[0] ?? '';
    chosen[attribute(select, 'name') ?? ''] = attribute(option, 'value') ?? '';
  }
  return chosen;
}
