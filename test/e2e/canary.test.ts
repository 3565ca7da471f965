import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import type { Exchange, GitHttpServerOptions } from '../support/git-http-server.ts';
import { startGitferry } from '../support/running-command.ts';
import { line, scenario, started } from '../support/scenario.ts';

interface Secret {
  readonly name: string;
  readonly userInfo: string;
  readonly env?: string;
  /** What must never be seen, as it is. */
  readonly secret: string;
  readonly username: string;
  readonly password: string;
}

const secrets: readonly Secret[] = [
  {
    name: 'a password in the URL',
    userInfo: 'mirror:canaryPlain42',
    secret: 'canaryPlain42',
    username: 'mirror',
    password: 'canaryPlain42',
  },
  {
    name: 'a percent-encoded password in the URL',
    userInfo: 'mirror:canary%40%2f%3A%25%26%22%3C%20x',
    secret: 'canary@/:%&"< x',
    username: 'mirror',
    password: 'canary@/:%&"< x',
  },
  {
    name: 'a password in the environment',
    userInfo: 'mirror',
    env: 'canaryEnv+/=&x',
    secret: 'canaryEnv+/=&x',
    username: 'mirror',
    password: 'canaryEnv+/=&x',
  },
  {
    name: 'a token in the user-name position',
    userInfo: 'canary_token_0123456789',
    secret: 'canary_token_0123456789',
    username: 'canary_token_0123456789',
    password: '',
  },
];

/** Everything that a careless server could repeat. */
function echoes({ username, password, secret }: Secret, authorization: string): string[] {
  const percent = encodeURIComponent(secret);
  return [
    `Authorization: ${authorization}`,
    `${username}:${password}`,
    secret,
    percent,
    percent.replace(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase()),
    `http://${encodeURIComponent(username)}:${encodeURIComponent(password)}@127.0.0.1/repo.git`,
    `https://${percent}@host/x`,
    Buffer.from(secret).toString('base64'),
    JSON.stringify({ secret }),
  ];
}

function forbidden({ username, password, secret }: Secret): string[] {
  const percent = encodeURIComponent(secret);
  return [
    secret,
    percent,
    percent.replace(/%[0-9A-F]{2}/g, (octet) => octet.toLowerCase()),
    Buffer.from(secret).toString('base64'),
    Buffer.from(`${username}:${password}`).toString('base64'),
    JSON.stringify(secret).slice(1, -1),
  ];
}

type Echo = (exchange: Exchange, text: string) => boolean;

const send = (
  { request, response }: Exchange,
  status: number,
  type: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): true => {
  request.resume();
  response.writeHead(status, { 'content-type': type, ...headers }).end(body);
  return true;
};
const band = (number: number, text: string): Buffer => encodePkt(Buffer.concat([Buffer.from([number]), Buffer.from(text)]));
const isPush = ({ service, isRpc }: Exchange): boolean => isRpc && service === 'git-receive-pack';
const advertisement = ({ service }: Exchange): string => `application/x-${service}-advertisement`;
const result = ({ service }: Exchange): string => `application/x-${service}-result`;
const report = (text: string): Buffer =>
  Buffer.concat([encodePkt('unpack ok\n'), encodePkt(`ng refs/heads/main ${text}\n`), encodePkt(`ng refs/heads/n ${text}\n`), flushPkt]);

const failures: readonly (readonly [string, Echo])[] = [
  ['401 with a body', (exchange, text) => send(exchange, 401, 'text/plain', text, { 'www-authenticate': 'Basic realm="x"' })],
  ['403 with JSON', (exchange, text) => send(exchange, 403, 'application/json', JSON.stringify({ message: text }))],
  ['404', (exchange, text) => send(exchange, 404, 'text/plain', text)],
  ['500', (exchange, text) => send(exchange, 500, 'text/plain', text)],
  ['a web page', (exchange, text) => send(exchange, 200, 'text/html', `<p>${text}</p>`)],
  ['a content type that holds it', (exchange, text) => send(exchange, 200, `text/${text.replace(/[^\x20-\x7e]|\n/g, ' ')}`, text)],
  ['an ERR line', (exchange, text) => send(exchange, 200, advertisement(exchange), Buffer.concat([encodePkt(`ERR ${text}`), flushPkt]))],
  ['nonsense for an advertisement', (exchange, text) => send(exchange, 200, advertisement(exchange), encodePkt(`${text}\n`))],
  ['nonsense for a pkt-line', (exchange, text) => send(exchange, 200, advertisement(exchange), text)],
  [
    'a redirect with user info',
    (exchange, text) =>
      send(exchange, 302, 'text/plain', text, {
        location: `http://${encodeURIComponent(text.split('\n')[2] ?? '')}:x@other.invalid/info/refs?service=${exchange.service}`,
      }),
  ],
  [
    'a redirect to a path that holds it',
    (exchange, text) =>
      send(exchange, 302, 'text/plain', text, { location: `/${encodeURI(text.split('\n')[2] ?? '').replaceAll('#', '')}` }),
  ],
  [
    'words and a fatal error on a push',
    (exchange, text) => isPush(exchange) && send(exchange, 200, result(exchange), Buffer.concat([band(2, `${text}\n`), band(3, text)])),
  ],
  [
    'words and a refusal of each ref',
    (exchange, text) => {
      const flat = text.replaceAll('\n', ' ');
      return (
        isPush(exchange) &&
        send(exchange, 200, result(exchange), Buffer.concat([band(2, `${text}\n`), band(1, report(flat).toString('latin1')), flushPkt]))
      );
    },
  ],
  [
    'an unpack error',
    (exchange, text) =>
      isPush(exchange) &&
      send(
        exchange,
        200,
        result(exchange),
        Buffer.concat([
          band(1, Buffer.concat([encodePkt(`unpack ${text.replaceAll('\n', ' ')}\n`), flushPkt]).toString('latin1')),
          flushPkt,
        ]),
      ),
  ],
  [
    'an unexpected line in the report',
    (exchange, text) =>
      isPush(exchange) &&
      send(exchange, 200, result(exchange), Buffer.concat([band(1, encodePkt(`${text}\n`).toString('latin1')), flushPkt])),
  ],
  [
    'an error on listing refs',
    (exchange, text) =>
      exchange.isRpc &&
      exchange.service === 'git-upload-pack' &&
      send(exchange, 200, result(exchange), Buffer.concat([encodePkt(`ERR ${text}`), flushPkt])),
  ],
  [
    'a dropped connection',
    (exchange) => {
      exchange.response.destroy();
      return true;
    },
  ],
];

const spec = { parents: line, source: { 'heads/main': 'c3', 'heads/n': 'y' }, target: { 'heads/main': 'c1' } } as const;

/** Answers whoever is authorised (or not, does not matter) by the failure, repeating what it was given. */
function echoing(secret: Secret, failure: Echo): Omit<GitHttpServerOptions, 'root'> {
  return {
    intercept: (exchange) => failure(exchange, echoes(secret, exchange.request.headers.authorization ?? '').join('\n')),
  };
}

async function expectSilence(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  watched: readonly Secret[],
  wanted = '',
): Promise<number | null> {
  const { ended } = await startGitferry(['--allow-address', '127.0.0.0/8', '--timeout', '30', ...args], env);
  const { status, stdout, stderr, filesLeft } = await ended;
  const said = stdout + stderr;
  expect(said).not.toBe('');
  expect(said).toContain(wanted);
  for (const secret of watched) for (const form of forbidden(secret)) expect(said).not.toContain(form);
  // No stack traces either.
  expect(said).not.toMatch(/^\s+at /m);
  expect(filesLeft).toEqual([]);
  return status;
}

const outputs = [[], ['--json']] as const;

describe('no secret is ever printed', () => {
  it.each(failures)('when a server answers with %s', async (name, failure) => {
    const made = await scenario(spec);
    // The host's words are shown, so that something had to be removed from them.
    const wanted = name === '403 with JSON' ? '*****' : '';
    const number = failures.findIndex(([known]) => known === name);
    for (const [index, secret] of secrets.entries()) {
      // Every secret meets every failure, by turns at either end, and in text and JSON: four failures see all of a secret's combinations.
      const side = (index + number) % 2 === 0 ? 'source' : 'target';
      const server = await started(join(made.folder, side === 'source' ? 's' : 't'), echoing(secret, failure));
      const url = { source: made.sourceUrl, target: made.targetUrl };
      url[side] = server.url(side === 'source' ? 'repo.git' : 'mirror.git', secret.userInfo);
      const env = secret.env === undefined ? {} : { [`GITFERRY_${side.toUpperCase()}_PASSWORD`]: secret.env };
      const output = outputs[(index + (number >> 1)) % 2] ?? [];
      const status = await expectSilence(['sync', url.source, url.target, ...output], env, [secret], wanted);
      // A push that fails at a source does not happen.
      expect([0, 1, 3]).toContain(status);
    }
  });

  describe.each(secrets)('$name', (secret) => {
    it.each(['text', '--json'])('when it is wrong (%s)', async (output) => {
      const basic = { username: 'other', password: 'other' };
      const made = await scenario({ ...spec, sourceServer: { basic }, targetServer: { basic } });
      const env = secret.env === undefined ? {} : { GITFERRY_SOURCE_PASSWORD: secret.env, GITFERRY_TARGET_PASSWORD: secret.env };
      const [source = '', target = ''] = [made.sourceUrl, made.targetUrl].map((url) => url.replace('://', `://${secret.userInfo}@`));
      expect(await expectSilence(['sync', source, target, ...(output === 'text' ? [] : [output])], env, [secret])).toBe(1);
    });

    it.each(['text', '--json'])('when the host does not speak TLS (%s)', async (output) => {
      const made = await scenario(spec);
      const url = made.sourceUrl.replace('http://', `https://${secret.userInfo}@`);
      const env = secret.env === undefined ? {} : { GITFERRY_SOURCE_PASSWORD: secret.env };
      expect(await expectSilence(['sync', url, made.targetUrl, ...(output === 'text' ? [] : [output])], env, [secret])).toBe(1);
    });
  });

  const [plain] = secrets as readonly [Secret];
  it.each([
    'https://u:SECRET@host:99999/x.git',
    'https://u:SECRET@/x.git',
    'https:u:SECRET@host/x.git',
    'http//u:SECRET@host/x.git',
    'u:SECRET@host/x.git',
    'u:SECRET@host:x.git',
    'git@host:SECRET@x',
    'ftp://u:SECRET@host/x.git',
    'ssh://u:SECRET@host/x.git',
    'file://u:SECRET@host/x.git',
    'https://u:SECRET@ho st/x.git',
    'https://u:SECRET@host/x.git\nx',
    'https://u:SECRET%zz@host/x.git',
    'https://u:SECRET@host/x.git?y',
    'https://u:SECRET@[::1/x.git',
    'https://u:SECRET@-host/x.git',
    'https://u:SECRET\\@host/x.git',
    '/SECRET@host',
  ])('when the URL is %j', async (form) => {
    const url = form.replace('SECRET', plain.secret);
    for (const args of [
      [url, 'http://127.0.0.1:1/x'],
      ['http://127.0.0.1:1/x', url],
    ]) {
      expect([1, 2]).toContain(await expectSilence(['sync', ...args], {}, [plain]));
    }
  });

  it.each([
    [['sync', 'https://u:SECRET@host/x']],
    [['sync', 'https://u:SECRET@host/x', 'http://h/y', 'https://u:SECRET@host/z']],
    [['https://u:SECRET@host/x', 'http://h/y']],
    [['sync', 'http://h/x', 'http://h/y', '--password=SECRET']],
    [['sync', 'http://h/x', 'http://h/y', '--password', 'SECRET']],
    [['sync', 'http://h/x', 'http://h/y', '--timeout', 'SECRET']],
    [['sync', 'http://h/x', 'http://h/y', '--direction', 'SECRET']],
    [['sync', 'http://h/x', 'http://h/y', '--dry-run=SECRET']],
    [['sync', 'https://u:SECRET@host/x', 'https://u:SECRET@host/x.git']],
    [['sync', 'https://u:SECRET@host/x', 'http://h/y', '--branch-regex', '(?=a)']],
    [['sync', 'https://u:SECRET@host/x', 'http://h/y', '--allow-address', 'https://u:SECRET@host/']],
  ])('when the arguments are %j', async (form) => {
    expect(
      await expectSilence(
        form.map((word) => word.replace('SECRET', plain.secret)),
        {},
        [plain],
      ),
    ).toBe(2);
  });

  it('when the URL and the environment disagree', async () => {
    const env = { GITFERRY_SOURCE_PASSWORD: 'canaryEnv+/=&x' };
    expect(await expectSilence(['sync', `https://u:${plain.secret}@h/x`, 'http://h/y'], env, secrets)).toBe(2);
  });

  it('when all goes well', async () => {
    const basic = { username: plain.username, password: plain.password };
    const made = await scenario({ ...spec, sourceServer: { basic }, targetServer: { basic } });
    const [source, target] = [made.sourceUrl, made.targetUrl].map((url) => url.replace('://', `://${plain.userInfo}@`));
    expect(await expectSilence(['sync', source ?? '', target ?? ''], {}, [plain])).toBe(0);
  });
});
