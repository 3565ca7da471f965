/** A password in a URL that cannot be read is repeated nowhere: not by the API, the console, the command line or the log. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../lib/api/http/create-api.ts';
import { parseArguments } from '../../lib/cli/parse-arguments.ts';
import { printUsageError } from '../../lib/cli/sync-command.ts';
import { toGitferryError } from '../../lib/core/errors.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { type Browser, nonceOf, startTestConsole, type TestConsole } from '../support/console.ts';

const secret = 'hunter2hunter2';

const typed = [
  `user:${secret}@host.example/r`,
  `user:${secret}@host.example:r`,
  `user:${secret}`,
  `${secret}@host.example:group/r`,
  `${secret}@host.example`,
  `${secret}:r`,
  secret,
  `//user:${secret}@host.example/r`,
  `https:/user:${secret}@host.example/r`,
  `https:user:${secret}@host.example/r`,
  `https//user:${secret}@host.example/r`,
  `https://user:${secret}@`,
  `https://user:${secret}@host.example:port/r`,
  `https://user:${secret}/x@host.example/r`,
  `https://user:12/${secret}@host.example/r`,
  `https://user:${secret}#x@host.example/r`,
  `https://user:${secret}%@host.example/r`,
  `https://user:${secret}@ho st.example/r`,
  `https://user:${secret}@[::1/r`,
  `https://host.example/r?private_token=${secret}`,
  `git@host.example:r?private_token=${secret}`,
  `https:/host.example/r?private_token=${secret}`,
  `ssh://git:${secret}@-host.example/r`,
  `ftp://user:${secret}@host.example/r`,
  `${secret}://host.example/r`,
  `file://user:${secret}@host.example/r`,
];

let site: TestConsole;
let person: Browser;
let project: number;
let credential: number;
beforeAll(async () => {
  site = await startTestConsole();
  person = await site.signedIn();
  project = (await site.api.newProject()).id;
  const body = { name: 'shared', auth_method: 'password', username: 'a', password: 'b', allowed_urls: ['https://host.example/'] };
  credential = (await site.api.call('POST', '/credentials', { body })).body.id;
});
afterAll(() => site.close());

function expectSilence(said: string): void {
  expect(said).not.toBe('');
  expect(
    decodeURIComponent(said.replace(/%(?![\da-f]{2})/gi, '%25'))
      .replaceAll(site.origin, '')
      .toLowerCase(),
  ).not.toContain(secret);
}

describe.each(typed)('%j', (url) => {
  it('is refused by the API', async () => {
    const calls = [
      ['POST', '/projects', { path: 'typed/a', repository_url: url }],
      ['PUT', `/projects/${project}`, { repository_url: url }],
      ['POST', `/projects/${project}/remote_mirrors`, { url }],
      ['POST', `/projects/${project}/remote_mirrors`, { url: 'https://host.example/x', lfs_url: url }],
      ['PUT', `/projects/${project}/mirror/pull`, { url }],
      ['POST', `/projects/${project}/mirror/preview`, { direction: 'pull', url }],
      ['POST', `/projects/${project}/mirror/plan`, { direction: 'push', url }],
      ['POST', '/ssh_host_keys/detect', { url }],
      ['PUT', `/credentials/${credential}`, { allowed_urls: [url] }],
      ['POST', `/credentials/${credential}/transfer`, { to: credential, host: url }],
    ] as const;
    for (const [method, path, body] of calls) {
      const { status, text } = await site.api.call(method, path, { body });
      expect([path, status]).toEqual([path, 400]);
      expectSilence(text);
    }
  });

  it('is not put into a page, a cookie or an address', async () => {
    const mirrorForm = `/projects/${project}/mirrors/new`;
    const detecting = ['check', 'plan', 'detect', 'save'].map((step) => [mirrorForm, { url, step }] as const);
    const sent: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      ...detecting,
      [mirrorForm, { url: 'https://host.example/x', lfs_url: url, lfs: 'on', step: 'save' }],
      [mirrorForm, { url: 'https://host.example/x', lfs_url: url, step: 'check' }],
      ['/projects/new', { repository_url: url, path: 'typed/b' }],
      [`/projects/${project}/edit`, { repository_url: url }],
      [`/projects/${project}/edit`, { repository_url: url, step: 'detect' }],
      ['/settings/credentials', { name: 'c', auth_method: 'password', password: 'x', allowed_urls: url }],
      [`/settings/credentials/${credential}`, { allowed_urls: url }],
      [`/settings/credentials/${credential}/transfer`, { to: String(credential), host: url }],
    ];
    for (const [path, form] of sent) {
      const once = /new$|credentials$/.test(path) ? { form_nonce: nonceOf(await person.get(path)) } : {};
      const { text, headers, status } = await person.post(path, { ...form, ...once });
      expect([path, [200, 400].includes(status) || status]).toEqual([path, true]);
      expectSilence(`${text} ${[...headers].join()}`);
    }
  });

  it.each([
    [(text: string) => ['sync', text, 'https://host.example/r']],
    [(text: string) => ['sync', 'https://host.example/r', text]],
    [(text: string) => ['sync', 'https://host.example/r', 'https://host.example/s', '--source-lfs-url', text]],
    [(text: string) => ['sync', 'https://host.example/r', 'https://host.example/s', '--allow-address', text]],
    [(text: string) => ['sync', 'https://host.example/r', 'https://host.example/s', '--known-hosts', text]],
    [(text: string) => ['sync', 'https://host.example/r', 'https://host.example/s', '--direction', text]],
    [(text: string) => ['sync', 'https://host.example/r', 'https://host.example/s', text]],
    [(text: string) => ['sync', 'https://host.example/r', 'https://host.example/s', `--${text}`]],
    [(text: string) => ['sync', 'https://host.example/r', 'https://host.example/s', `-${text}`]],
    [(text: string) => [text]],
    [(text: string) => ['host-keys', text, 'x']],
  ])('is not repeated by the command line (%#)', async (args) => {
    const said: string[] = [];
    const stream = { write: (words: string) => said.push(words) };
    const error = await parseArguments(args(url), { sourcePassword: undefined, targetPassword: undefined }).then(
      () => undefined,
      toGitferryError,
    );
    // A path of a file that is not there, and the like, are mistakes everywhere.
    expect(error?.code).not.toBe('internal_error');
    if (error === undefined) return;
    for (const json of [true, false]) printUsageError(error, createRedactor([]), { json }, { stdout: stream, stderr: stream });
    expectSilence(said.join(''));
  });
});

it.each([
  { url: 'https://host.example/r', username: 'me', password: secret },
  { url: 'https://host.example/r', auth_user: 'me', auth_password: secret },
  { url: `https://me:${secret}@host.example/r` },
  { url: `https://me:${secret.replaceAll('h', '%68')}@host.example/r` },
  { url: `https://${secret}@host.example/r` },
])('A call that fails with %j in it is logged without it', async (input) => {
  const error = new TypeError(`could not save ${secret} of ${Object.values(input).join(' and ')}`);
  const mirrors = { ...site.deps.records.mirrors, create: () => Promise.reject(error) };
  const failing = createApi({ ...site.deps, records: { ...site.deps.records, mirrors } });
  const before = site.api.logLines.length;
  const response = await failing.request(`/api/v4/projects/${project}/remote_mirrors`, {
    method: 'POST',
    headers: { 'private-token': site.api.ownerToken, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  expect(response.status).toBe(500);
  const lines = site.api.logLines.slice(before).join('');
  expect(lines).toContain('api_call_failed');
  expectSilence(lines + (await response.text()));
});

it('The log of all these calls holds nothing of it', () => expectSilence(site.api.logLines.join('')));
