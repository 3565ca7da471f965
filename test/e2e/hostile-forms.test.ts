import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../lib/api/endpoints.ts';
import { createConsole } from '../../lib/console/create-console.tsx';
import { newHookToken } from '../../lib/model/hook-secret.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { type Browser, startTestConsole, type TestConsole } from '../support/console.ts';
import { sampleMirror, sampleProject, sampleRun } from '../support/sample-records.ts';

// What other sites, other people and their hosts can put in front of somebody who is signed in: by every form and on every page there is.

let site: TestConsole;
let owner: Browser;
let plain: Ids;
/** What pages are made of as long as nobody has written anything evil. */
const known = new Set<string>();
beforeAll(async () => {
  site = await startTestConsole();
  owner = await site.signedIn();
  plain = await everything('main');
  for (const path of pages()) for (const tag of skeleton((await owner.get(fill(path, plain))).text)) known.add(tag);
});
afterAll(() => site.close());

type Ids = Readonly<Record<string, string>>;

/** One of everything, with `words` wherever somebody else may have written something. */
async function everything(words: string): Promise<Ids> {
  const { records, jobs } = site.deps;
  const now = Date.now();
  const encoded = encodeURIComponent(words);
  const project = await records.projects.create(
    sampleProject({ path: `g${now}${Math.random()}/${words}`, repositoryUrl: `https://git.example/${encoded}.git` }),
    now,
  );
  if (project === undefined) throw new Error('no project');
  const { id } = project;
  await records.projects.noteDefaultBranch(id, words);
  await records.projects.protectBranch(id, words);
  const settings = { url: `https://mirror.example/${encoded}.git`, mirrorBranchRegex: words, mirrorTags: words, lfs: 'on' as const };
  const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
  const more = { lfsUrl: `https://mirror.example/${encoded}`, publicKey: `ssh-ed25519 ${key} ${words}`, hostKeys: [`ssh-ed25519 ${key}`] };
  const mirror = await records.mirrors.create(id, 'push', sampleMirror({ ...settings, ...more, authMethod: 'ssh_public_key' }), {
    now,
    dueAt: now,
  });
  if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
  const trigger = { kind: 'manual', who: words } as const;
  const error = { code: 'refs_rejected', message: words, hint: words } as const;
  const run = sampleRun({
    ...{ id: '1-evil', outcome: 'partial', trigger, error, notes: [words], counts: { rejected: 1 } },
    refs: [{ ref: `refs/heads/${words}`, result: 'rejected', old: null, new: 'a'.repeat(40), reason: words }],
    lfs: { moved: 0, skipped: 0, failed: 1, bytes: 0 },
    lfsFailures: [{ oid: 'b'.repeat(64), size: 1, code: 'lfs_object_missing', reason: words, path: words }],
  });
  await records.runs.put(mirror.id, run);
  const event = { at: now, mirrorId: mirror.id, direction: 'push', runId: run.id, result: 'created', old: null, new: null } as const;
  await records.activity.add(id, run.id, [{ ...event, ref: `refs/heads/${words}` }]);
  await jobs.request(mirror, { trigger, now, startAt: now, confirmDeletions: false, resume: false });
  await jobs.acquire(mirror, { token: 'mine', now });
  await jobs.begin(mirror, 'mine', now);
  const { refs: _, ...lastRun } = run;
  const status = { updateStatus: 'failed' as const, lastError: error, lastRun, heldBackDeletions: 12 };
  await jobs.release(mirror, 'mine', { status, now, nextDueAt: null, followUpAt: now });
  const hook = await records.hooks.create(id, { provider: 'github', tokenHash: hashToken(newHookToken(id)) }, now);
  const value = { username: 'u', password: 'secret-0199' };
  const credential = await records.credentials.create({
    ...{ name: words, authMethod: 'password', publicKey: null, secretName: await site.deps.secrets.create('credential', value) },
    ...{ createdAt: now, updatedAt: now },
  });
  await site.api.newToken('reporter', { name: words });
  const token = (await records.tokens.list({ page: 1, perPage: 1, sort: 'desc' })).items[0];
  const [hookId, credentialId, tokenId, mirrorId] = [hook?.id, credential.id, token?.id, mirror.id].map(String);
  return {
    ...{ id: String(id), mirror: mirrorId ?? '', run: run.id, hook: hookId ?? '' },
    ...{ credential: credentialId ?? '', token: tokenId ?? '' },
  };
}

function routesOf(method: string): readonly string[] {
  const all = createConsole(site.deps).routes.filter((route) => route.method === method && !route.path.startsWith('/assets'));
  return [...new Set(all.map(({ path }) => path.replace(/\{[^}]*\}/g, '')))].filter((path) => !path.includes('*'));
}
/** A download is a file, not a page. */
const pages = (): readonly string[] => routesOf('GET').filter((path) => path !== '/sign-in' && !path.endsWith('.jsonl'));
const fill = (path: string, ids: Ids): string => path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? '');

describe('a form of another site', () => {
  const forged: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['says nothing', {}],
    ['is cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['is cross-site and lies about its origin', { 'sec-fetch-site': 'cross-site', origin: 'https://ferry.example.org' }],
    ['is of a sibling', { 'sec-fetch-site': 'same-site', origin: 'https://ferry.example.org' }],
    ['was typed by nobody', { 'sec-fetch-site': 'none' }],
    ['has no origin', { origin: 'null' }],
    ['has another origin', { origin: 'https://evil.example' }],
    ['has another port', { origin: 'https://ferry.example.org:8443' }],
    ['is of a host that begins alike', { origin: 'https://ferry.example.org.evil.example' }],
    ['has the right referrer alone', { referer: 'https://ferry.example.org/' }],
  ];

  it.each(forged)('that %s is refused by every form before anybody is looked up', async (_, headers) => {
    const paths = routesOf('POST');
    expect(paths.length).toBeGreaterThan(20);
    for (const path of [...paths, '/nowhere']) {
      const { result, calls } = await site.api.countTableCalls(() => owner.request('POST', fill(path, plain), { form: {}, headers }));
      expect([path, result.status, calls]).toEqual([path, 403, 0]);
      expect(result.headers.getSetCookie()).toEqual([]);
    }
    expect((await owner.get('/')).status).toBe(200);
  });
});

/** Tags with the names of their attributes: what a browser makes of a page, whatever its text is. */
function skeleton(html: string): readonly string[] {
  return [...html.matchAll(/<([a-z!][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/gi)].map(([, tag = '', attributes = '']) => {
    const names = [...attributes.matchAll(/([^\s=/"']+)(?:=(?:"[^"]*"|'[^']*'|[^\s>]+))?/g)].map(([, name]) => name);
    return `${tag} ${names.sort().join(' ')}`;
  });
}
const links = (html: string): readonly string[] =>
  [...html.matchAll(/\s(?:href|src|action|formaction|hx-get|hx-post)="([^"]*)"/g)].map(([, to]) => to ?? '');

describe('what others wrote', () => {
  const payloads = [
    `"><script>alert(1)</script><img src=x onerror=alert(1)>`,
    `' onmouseover='alert(1)' autofocus onfocus=alert(1) x='`,
    `</title></textarea></script></style></code><svg/onload=alert(1)><!--`,
    `javascript:alert(1)//\`\${alert(1)}{{7*7}}`,
    `&lt;script&gt;alert(1)&lt;/script&gt;&#60;img src=x&#62;`,
    `\u202e\u2028]]><math><a xlink:href=javascript:alert(1)>`,
    `x" hx-get="/sign-out" hx-trigger="load" style="position:fixed`,
    `\r\nset-cookie: a=b\r\n\r\n<html>`,
  ];

  it.each(payloads)('is text on every page and in every header: %j', async (words) => {
    const evil = await everything(words);
    expect(pages().length).toBeGreaterThan(15);
    for (const path of pages()) {
      const [one, other] = [await owner.get(fill(path, plain)), await owner.get(fill(path, evil))];
      expect([path, other.status]).toEqual([path, one.status]);
      expect([path, skeleton(other.text).filter((tag) => !known.has(tag))]).toEqual([path, []]);
      expect(links(other.text).filter((to) => !/^(\/(?!\/)|#|\?|https:\/\/github\.com\/)/.test(to))).toEqual([]);
      for (const page of [one, other]) {
        expect([path, page.headers.get('cache-control')]).toEqual([path, 'no-store']);
        expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
        expect(page.headers.get('set-cookie') ?? '').not.toContain('a=b');
      }
    }
  });

  // A branch may be called all of this: git refuses only ASCII controls.
  it('hides nothing, and turns nothing around that stands beside it', async () => {
    const unseen = ['\u202e', '\u2066', '\u200b', '\u00ad', '\u009b', '\u{e0041}', '\ufeff', '\u3164', '\u2028', '\ufe0f', '\u061c'];
    const evil = await everything(`a${unseen.join('g')}z`);
    let shown = 0;
    for (const path of pages()) {
      // What a form sends back is exact.
      const text = (await owner.get(fill(path, evil))).text.replace(/ value="[^"]*"/g, '').replace(/<textarea[^>]*>[^<]*/g, '');
      expect([path, unseen.filter((character) => text.includes(character))]).toEqual([path, []]);
      const alone = text.replace(/<(bdi|title|option)\b[^>]*>[^<]*<\/\1>/g, '').replace(/<[^>]*>/g, '');
      expect([path, alone.match(/.{0,60}⟨U\+.{0,20}/g)]).toEqual([path, null]);
      shown += text.match(/<bdi>[^<]*⟨U\+202E⟩/g)?.length ?? 0;
    }
    expect(shown).toBeGreaterThan(30);
  });

  it('would be seen if it were more than text', () => {
    expect(skeleton('<p class="a>b">x</p><img src=x onerror=alert(1)>')).toEqual(['p class', 'img onerror src']);
  });
});

describe('a string that breaks out of its line or folder', () => {
  const texts = [
    'a\r\nx-evil: 1',
    'a\nx-evil: 1',
    'a\0b',
    '../../etc/passwd',
    '%2e%2e%2f%2e%2e%2f',
    '..\\..\\',
    '/etc/passwd',
    '-oProxyCommand=x',
  ];

  it('is refused or kept as text by every field of the API', async () => {
    const calls = endpoints.filter(({ method, path }) => /^(POST|PUT)$/.test(method) && path !== '/ssh_host_keys/detect');
    let tried = 0;
    for (const { method, path, input } of calls) {
      const at = path.replace(/\{(\w+)\}/g, (_, name: string) => plain[name.replace(/_id$/, '')] ?? 'main');
      for (const name of Object.keys(input.shape)) {
        // Each text meets each kind of field, though not in each call.
        const text = texts[tried++ % texts.length];
        const answer = await site.api.call(method, at, { body: { [name]: text } });
        expect([method, path, name, text, answer.status < 500]).toEqual([method, path, name, text, true]);
        expect(answer.headers.has('x-evil')).toBe(false);
        expect([...answer.headers.values()].join('\n')).not.toContain('etc/passwd');
      }
    }
    expect(tried).toBeGreaterThan(60);
  });

  it.each(texts)('leads nowhere as the page to return to, and stays out of headers: %j', async (text) => {
    const person = site.browser();
    const answer = await person.post('/sign-in', { token: site.api.ownerToken, return: text });
    expect([answer.status, answer.headers.has('x-evil')]).toEqual([303, false]);
    expect(new URL(answer.location ?? '', site.origin).origin).toBe(site.origin);
    for (const headers of [{ 'hx-request': 'true', 'hx-current-url': `${site.origin}/${encodeURIComponent(text)}` }]) {
      const { status, headers: answered } = await site.browser().get('/', { headers });
      expect([status, answered.get('hx-redirect')?.startsWith('/sign-in')]).toEqual([401, true]);
    }
  });
});

describe('a session that somebody else chose', () => {
  const name = '__Host-gitferry-session';

  it('is never taken over by a sign-in: it has a value of its own', async () => {
    const stranger = await site.signedIn(await site.api.newToken('reporter'));
    for (const planted of [stranger.cookies.get(name) ?? '', 'A'.repeat(43)]) {
      const person = site.browser();
      person.cookies.set(name, planted);
      expect((await person.post('/sign-in', { token: site.api.ownerToken })).status).toBe(303);
      expect(person.cookies.get(name)).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(person.cookies.get(name)).not.toBe(planted);
      expect((await person.get('/settings')).status).toBe(200);
    }
    // What the stranger planted is worth what it was.
    expect((await stranger.get('/settings')).status).toBe(403);
  });
});
