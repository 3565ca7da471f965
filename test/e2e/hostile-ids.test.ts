import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../lib/api/endpoints.ts';
import { createConsole } from '../../lib/console/create-console.tsx';
import { roles } from '../../lib/model/access-token.ts';
import { newHookToken } from '../../lib/model/hook-secret.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { type Browser, startTestConsole, type TestConsole } from '../support/console.ts';
import { sampleMirror, sampleRun } from '../support/sample-records.ts';

// Every route there is, of the API and the console, by every method and for everybody: what is another's must look like what was never there.

type Ids = Readonly<Record<string, string>>;
interface Person {
  readonly name: string;
  readonly surface: 'api' | 'console';
  ask(method: string, path: string): Promise<Seen>;
}
interface Seen {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly text: string;
  /** How often the table was asked: what takes longer can be told apart by a clock. */
  readonly tableCalls: number;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'];
/** Texts that some parser somewhere takes for a number that is an id. */
const junk = [
  ...['undefined', 'null', 'NaN', '0', '-1', '+1', '1e3', '01', '1.0', '0x1', '1e30', '9007199254740993', '9'.repeat(400)],
  ...['%252e%252e', '..%2f1', '1%00', '%31%20', '1%0d%0a', '١', '１', '__proto__', 'constructor', '*', "1'or'1", '1;2', '%F0%9F%98%80'],
];

let site: TestConsole;
let people: readonly Person[];
let own: Ids;
let foreign: Ids;
/** Nothing has these. */
const unknown: Ids = { ...ids('987654'), id: '987654', run_id: '1-x', run: '1-x', name: 'none' };

function ids(id: string): Ids {
  return {
    mirror_id: id,
    mirror: id,
    hook_id: id,
    hook: id,
    credential_id: id,
    credential: id,
    token_id: id,
    token: id,
    channel_id: id,
    channel: id,
  };
}

/** A project with one of everything. */
async function everything(): Promise<Ids> {
  const { id } = await site.api.newProject();
  const { records } = site.deps;
  const now = Date.now();
  const mirror = await records.mirrors.create(id, 'push', sampleMirror(), { now, dueAt: now });
  await records.mirrors.create(id, 'pull', sampleMirror({ url: 'https://upstream.example/a/b.git' }), { now, dueAt: now });
  if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
  const run = sampleRun();
  await records.runs.put(mirror.id, run);
  const hook = await records.hooks.create(id, { provider: 'github', tokenHash: hashToken(newHookToken(id)) }, now);
  await records.projects.protectBranch(id, 'main');
  const credential = await site.api.call('POST', '/credentials', {
    body: { name: `c${id}`, username: 'u', password: 'secret-99', allowed_urls: ['https://m.example.org/'] },
  });
  const channel = await site.api.call('POST', `/projects/${id}/notification_channels`, {
    body: { name: 'c', kind: 'slack', url: 'https://hooks.example.org/x' },
  });
  const token = await records.tokens.find(hashToken(await site.api.newToken('reporter', { projectIds: [id] })));
  const [mirrorId, hookId, credentialId, tokenId] = [mirror.id, hook?.id, credential.body.id, token?.id].map(String);
  return {
    ...{ id: String(id), mirror_id: mirrorId ?? '', mirror: mirrorId ?? '', hook_id: hookId ?? '', hook: hookId ?? '' },
    ...{ credential_id: credentialId ?? '', credential: credentialId ?? '', token_id: tokenId ?? '', token: tokenId ?? '' },
    ...{ channel_id: String(channel.body.id), channel: String(channel.body.id) },
    ...{ run_id: run.id, run: run.id, name: 'main' },
  };
}

beforeAll(async () => {
  site = await startTestConsole();
  [own, foreign] = [await everything(), await everything()];
  const projectIds = [Number(own['id'])];
  const caller = (name: string, token: string): Person => ({
    name: `${name} of the API`,
    surface: 'api',
    ask: (method, path) =>
      seen(path, () => site.fetch(new Request(site.origin + path, { method, headers: token === '' ? {} : { 'private-token': token } }))),
  });
  const visitor = (name: string, { cookies }: Browser): Person => ({
    name: `${name} in the console`,
    surface: 'console',
    ask: (method, path) => {
      const cookie = [...cookies].map(([key, value]) => `${key}=${value}`).join('; ');
      return seen(path, () => site.fetch(new Request(site.origin + path, { method, headers: { origin: site.origin, cookie } })));
    },
  });
  const tokens = await Promise.all(roles.map((role) => site.api.newToken(role, { projectIds })));
  people = [
    caller('nobody', ''),
    caller('a token that has expired', await site.api.newToken('owner', { projectIds, expiresAt: Date.now() - 1 })),
    ...tokens.map((token, index) => caller(roles[index] ?? '', token)),
    visitor('nobody', site.browser()),
    ...(await Promise.all(tokens.map(async (token, index) => visitor(roles[index] ?? '', await site.signedIn(token))))),
  ];
});
afterAll(() => site.close());

async function seen(path: string, send: () => Promise<Response>): Promise<Seen> {
  const { result, calls } = await site.api.countTableCalls(async () => {
    const response = await send();
    return { response, text: await response.text() };
  });
  const { response, text } = result;
  const headers = [...response.headers].map(([name, value]) => [name, withoutPath(value, path)] as const);
  return { status: response.status, headers, text: withoutPath(text, path), tableCalls: calls };
}

/** An answer may repeat the path that was asked for, which whoever asked knows. */
function withoutPath(text: string, path: string): string {
  return [path, encodeURIComponent(path)].reduce((rest, form) => rest.replaceAll(form, 'PATH'), text);
}

/** As the two apps themselves say what they answer. */
function routes(): readonly { readonly surface: Person['surface']; readonly methods: readonly string[]; readonly path: string }[] {
  const api = endpoints.map(({ method, path }) => ({ surface: 'api' as const, method: method as string, path: `/api/v4${path}` }));
  const pages = createConsole(site.deps).routes.map(({ method, path }) => ({
    ...{ surface: 'console' as const, method },
    path: path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}'),
  }));
  const all = [...api, ...pages].filter(({ path }) => path.includes('{') && !path.startsWith('/assets'));
  const paths = [...new Set(all.map(({ path }) => path))];
  return paths.map((path) => {
    const of = all.filter((route) => route.path === path);
    return { surface: of[0]?.surface ?? 'api', path, methods: [...new Set(of.map(({ method }) => method))] };
  });
}

const fill = (path: string, values: Ids): string => path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
const namesIn = (path: string): readonly string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
const contents = async ({ id }: Ids): Promise<unknown> => site.deps.records.projects.contents(Number(id));

describe('ids that are not one’s own', () => {
  it('look like ids that nothing has: by every route, method and role, in status, headers, text and work', async () => {
    const before = await contents(foreign);
    let asked = 0;
    for (const { surface, path, methods: known } of routes()) {
      for (const person of people.filter((each) => each.surface === surface)) {
        // A role does not matter to what no route answers.
        const isOne = person.name.startsWith('nobody') || person.name.startsWith('owner');
        for (const method of isOne ? methods : methods.filter((each) => known.includes(each) || each === 'HEAD')) {
          const [theirs, none] = [await person.ask(method, fill(path, foreign)), await person.ask(method, fill(path, unknown))];
          asked += 2;
          expect({ person: person.name, method, path, ...theirs }).toEqual({ person: person.name, method, path, ...none });
          if (known.includes(method)) expect([401, 403, 404, 303]).toContain(theirs.status);
          expect(theirs.headers.some(([name, value]) => name === 'cache-control' && value === 'no-store')).toBe(true);
        }
      }
    }
    expect(asked).toBeGreaterThan(2_000);
    expect(await contents(foreign)).toEqual(before);
  });

  it('look so too below a project of one’s own, and by the path of a project', async () => {
    const before = await Promise.all([contents(own), contents(foreign)]);
    for (const { surface, path, methods: known } of routes().filter((route) => namesIn(route.path).some((name) => name !== 'id'))) {
      if (!path.includes('{id}')) continue;
      const below = (values: Ids): string => fill(path, { ...values, name: 'none', id: own['id'] ?? '' });
      for (const person of people.filter((each) => each.surface === surface)) {
        for (const method of known) {
          const [theirs, none] = [await person.ask(method, below(foreign)), await person.ask(method, below(unknown))];
          expect({ person: person.name, method, path, ...theirs }).toEqual({ person: person.name, method, path, ...none });
        }
      }
    }
    const theirPath = (await site.deps.records.projects.get(Number(foreign['id'])))?.path ?? '';
    for (const person of people.filter(({ surface }) => surface === 'api')) {
      for (const path of [theirPath, theirPath.toUpperCase(), encodeURIComponent(theirPath)]) {
        const [theirs, none] = [await person.ask('GET', `/api/v4/projects/${path}`), await person.ask('GET', '/api/v4/projects/no/such')];
        expect({ person: person.name, ...theirs }).toEqual({ person: person.name, ...none });
      }
    }
    expect(await Promise.all([contents(own), contents(foreign)])).toEqual(before);
  });
});

describe('texts that are no ids', () => {
  it('are refused alike wherever an id stands', async () => {
    const before = await Promise.all([contents(own), contents(foreign)]);
    const owners = [
      { surface: 'api', token: site.api.ownerToken, cookies: new Map<string, string>() },
      { surface: 'console', token: '', cookies: (await site.signedIn()).cookies },
    ];
    const tried = new Set<string>();
    for (const { surface, path, methods: known } of routes()) {
      const owner = owners.find((each) => each.surface === surface);
      const cookie = [...(owner?.cookies ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { origin: site.origin, cookie, ...(owner?.token ? { 'private-token': owner.token } : {}) };
      for (const name of namesIn(path).filter((each) => !['name', 'run_id', 'run', 'provider'].includes(each))) {
        for (const method of known) {
          // All of them once for each name; everywhere else those that were taken once, and those that mean another id.
          const texts = tried.has(`${surface} ${name}`) ? ['undefined', '01', '-1'] : junk;
          tried.add(`${surface} ${name}`);
          for (const text of texts) {
            const at = fill(path, { ...own, [name]: text });
            const { status, text: body } = await seen(at, () => site.fetch(new Request(site.origin + at, { method, headers })));
            const expected = surface === 'api' && name !== 'id' ? 400 : 404;
            expect([method, path, text, status]).toEqual([method, path, text, expected]);
            if (surface === 'api') expect(body.length).toBeLessThan(200);
          }
        }
      }
    }
    expect(await Promise.all([contents(own), contents(foreign)])).toEqual(before);
  });
});
