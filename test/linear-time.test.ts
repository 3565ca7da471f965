/** What strangers write is read in a time that grows with its length and no faster: every parser and regular expression that meets their text. */
import { beforeAll, describe, expect, it } from 'vitest';
import { apiLimits } from '../lib/api/http/api-limits.ts';
import { requestEvent } from '../lib/api/http/lambda-event.ts';
import { readParameters } from '../lib/api/http/read-parameters.ts';
import { routeSegments } from '../lib/api/http/route-path.ts';
import { checkSshUser } from '../lib/api/input/remote-credential.ts';
import { hiderFor } from '../lib/api/output/hide-addresses.ts';
import { answerAsset } from '../lib/console/assets.ts';
import { faultsOf } from '../lib/console/faults.ts';
import { parseFlash } from '../lib/console/flash.ts';
import { hostNote } from '../lib/console/host-notes.ts';
import { returnPath } from '../lib/console/return-path.ts';
import { shownUrl } from '../lib/console/shown-url.ts';
import { splitUserInfo } from '../lib/console/split-user-info.ts';
import { checkUrl } from '../lib/console/url-check.ts';
import { codeCommitRepositoryOf } from '../lib/core/code-commit-url.ts';
import { isWithinBounds } from '../lib/core/json-bounds.ts';
import { printable } from '../lib/core/printable.ts';
import { refineHint } from '../lib/core/provider-messages.ts';
import { createRedactor } from '../lib/core/redact.ts';
import { refusalNamed } from '../lib/core/refusal-code.ts';
import { RequestBodies } from '../lib/core/request-bodies.ts';
import { statedLimit } from '../lib/core/stated-limit.ts';
import { NamesInTheWay, refNameFault } from '../lib/git/ref-name.ts';
import { parseHostKeys, selectHostKeys } from '../lib/git/transport/host-keys/known-hosts.ts';
import { parseRepositoryUrl, shownSshForm, sshFormOfScp } from '../lib/git/transport/repository-url.ts';
import { parsePrivateKey } from '../lib/git/transport/ssh/ssh-key-pair.ts';
import { headerOf, httpUrlOf } from '../lib/lfs/batch-message.ts';
import { parsePointer } from '../lib/lfs/pointer.ts';
import { regexSize } from '../lib/mirror/regex-size.ts';
import { type CompiledRules, compileRules, defaultRules } from '../lib/mirror/rules.ts';
import { parseHookToken } from '../lib/model/hook-secret.ts';
import { parseId } from '../lib/model/parse-id.ts';
import { createAddressGuard } from '../lib/net/address-guard.ts';
import { parseRetryAfter } from '../lib/net/retry-after.ts';
import { parsePayload } from '../lib/webhook/payload.ts';
import { repositoryPlace } from '../lib/webhook/repository-place.ts';
import { isBasicPassword, isHexSignature } from '../lib/webhook/signature.ts';
import { isStandardSignature } from '../lib/webhook/standard-webhooks.ts';

const hiddenAt = (url: string) => hiderFor({ role: 'reporter' }, { url, lfsUrl: null }, { repositoryUrl: url });

/** What makes a careless expression try every way to part a text, in the language of each format that is read. */
const units = [
  ...[
    ' ',
    '\t',
    '\n',
    '\0',
    '/',
    '//',
    '.',
    ':',
    '::',
    '@',
    '%',
    '=',
    '-',
    '_',
    '[',
    ']',
    '*',
    ',',
    ';',
    '?',
    '0',
    '1',
    'a',
    'A',
    '\u00e9',
  ],
  ...[
    'a@',
    'a:',
    'a.',
    'a/',
    '1.',
    '1:',
    '::1',
    '.lock',
    '.loc',
    '@{',
    'a/.',
    '%41',
    '%4',
    '%25',
    'a=',
    'a&',
    'a[]=&',
    'a[b]=&',
    '[[',
    '{"a":',
    ' x',
  ],
  ...[
    '-----BEGIN PRIVATE KEY-----',
    '-----BEGIN PRIVATE KEY-----\n',
    '-----END A ',
    '-----',
    'a://a:',
    '://',
    'http://a@',
    'ssh://',
    'scm/',
    '_git/',
    '.git',
  ],
  ...[
    'authorization ',
    'authorization: bearer ',
    'private-token=',
    '&#',
    '&#0',
    '&#x0',
    '\x1b[',
    '\x1b[0',
    '\x1b[0 ',
    'Basic ',
    'v1,AAAA ',
    'sha256=',
  ],
  ...[
    'workflow ',
    'larger than ',
    'exceeds file ',
    'token ',
    'expired ',
    'missing LFS object',
    '|1|a|',
    '!a,',
    '*a',
    'ssh-ed25519 ',
    '@revoked ',
  ],
] as const;
/** In front of and behind them, so that the text begins as it should and ends as it should not. */
const frames: readonly (readonly [string, string])[] = [
  ['', ''],
  ['', '!'],
  ['https://h/', 'x'],
  ['https://', '@h/r'],
  ['https://dev.azure.com/', '\n'],
  ['-----BEGIN PRIVATE KEY-----', '!'],
  ['authorization:', '\n'],
  ['a@', ''],
  ['refs/heads/', 'x'],
  ['x', 'y'],
];

const redactor = createRedactor([{ username: 'bob', password: 'aaaaaaaaaaaaaaaaaaab' }, { password: '0 0 0 0 0 0 1' }]);
const guard = createAddressGuard([]);
const place = { host: 'h.example.org', port: undefined };
const delivery = (text: string) => ({ header: () => text.slice(0, 16_384), body: Buffer.alloc(0) });
const event = (rawPath: string) => ({
  rawPath,
  rawQueryString: '',
  headers: {},
  requestContext: { http: { method: 'GET', path: rawPath } },
});
const form = (value: string) => ({ text: () => value, exact: () => value, isOn: () => false, all: () => [] });
let rules: CompiledRules;
beforeAll(async () => {
  rules = await compileRules({ ...defaultRules, onlyProtectedBranches: true, protectedBranches: ['*a*a*a*a*a*b', '**********x'] });
});

const readers: readonly (readonly [string, (text: string) => unknown])[] = [
  ['the redactor', (text) => redactor.redact(text)],
  ['words for people', (text) => printable(text)],
  ['hints for what hosts say', (text) => refineHint({ code: 'remote_error', words: text, refs: [text.slice(0, 9)] })],
  ['limits that hosts state', statedLimit],
  ['refusals that hosts name', refusalNamed],
  ['repository URLs', (text) => parseRepositoryUrl(text, 'url')],
  ['SCP-style addresses', sshFormOfScp],
  ['places in webhooks', repositoryPlace],
  ['CodeCommit URLs', codeCommitRepositoryOf],
  ['addresses', (text) => guard.checkLiteral(text)],
  ['ref names', refNameFault],
  ['ref names beside each other', (text) => new NamesInTheWay([text, `${text}/a`]).of(`${text}/a/b`)],
  ['branch wildcards', (text) => rules.branchMatches(text)],
  ['sizes of regular expressions', (text) => regexSize(text, 1_000)],
  ['bounds of JSON', (text) => isWithinBounds(Buffer.from(text), { levels: 1e9, marks: 1e9 })],
  ['known_hosts files', (text) => selectHostKeys(text, place)],
  ['host keys', (text) => parseHostKeys([text], place)],
  ['private keys', parsePrivateKey],
  ['Retry-After', (text) => parseRetryAfter(text)],
  ['LFS pointers', (text) => parsePointer(Buffer.from(text).subarray(0, 1023))],
  ['LFS links', httpUrlOf],
  ['LFS headers', (text) => headerOf({ [text]: text })],
  ['webhook bodies', (text) => parsePayload(Buffer.from(text))],
  ['hook tokens', parseHookToken],
  ['hexadecimal signatures', (text) => isHexSignature(text, 'sha256=', Buffer.alloc(0), ['s'])],
  ['Basic credentials', (text) => isBasicPassword(delivery(text), ['s'])],
  ['Standard Webhooks', (text) => isStandardSignature(delivery(text), ['s'], 0)],
  ['paths of the API', routeSegments],
  ['paths of Lambda events', (text) => requestEvent(event(text))],
  ['ways back to the console', returnPath],
  ['messages of the console', parseFlash],
  ['what the API finds wrong with a form', (text) => faultsOf({ status: 400, body: { error: text } }, ['a', 'x'])],
  ['what is known of hosts', hostNote],
  ['checks of URLs', (text) => checkUrl(text, guard)],
  ['encodings that a browser takes', (text) => answerAsset('htmx.js', new Request('http://h/', { headers: { 'accept-encoding': text } }))],
  ['words without a URL', (text) => hiddenAt('https://h.example.org/a.git')(text)],
  ['words full of URLs', (text) => hiddenAt('https://h.example.org/abc')(text.replace(/a{10}/g, 'https://h.example.org/abc '))],
  ['URLs in words', (text) => hiddenAt(`https://h.example.org/${text}`)('a b c')],
  ['names of SSH users', checkSshUser],
  ['ids', parseId],
  ['URLs in forms', (text) => splitUserInfo(form(text), 'url')],
  ['URLs in pages', shownUrl],
  ['SCP-style addresses that are shown', shownSshForm],
];

const characters = 3_000;
const growth = 5;
/** Linear is 5, quadratic 25. */
const mostGrowth = 12;
/** Below this, what is measured is the machine; an expression that begins anew at each of 15,000 characters takes longer. */
const shortestMs = 8;

function textOf(unit: string, [before, behind]: readonly [string, string], length: number): string {
  return `${before}${unit.repeat(Math.ceil(length / unit.length))}${behind}`;
}

/** Of this process's CPU: other processes take time away, and not evenly. */
function millisecondsOf(read: (text: string) => unknown, text: string): number {
  const start = process.cpuUsage();
  try {
    read(text);
  } catch {
    // Refusing is an answer; how long it takes is asked here.
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Whether time grows faster than the text, several times in a row: a busy machine is slow once, an expression always. */
function growsTooFast(read: (text: string) => unknown, unit: string, frame: readonly [string, string]): boolean {
  const [short, long] = [textOf(unit, frame, characters), textOf(unit, frame, characters * growth)];
  for (let attempt = 0; attempt < 8; attempt++) {
    const longMs = Math.min(millisecondsOf(read, long), millisecondsOf(read, long));
    if (longMs < shortestMs) return false;
    const shortMs = Math.min(...Array.from({ length: 5 }, () => millisecondsOf(read, short)));
    if (longMs / shortMs < mostGrowth) return false;
  }
  return true;
}

describe('time grows with length alone', () => {
  it.each(readers)('for %s', (_, read) => {
    const slow: string[] = [];
    for (const unit of units)
      for (const frame of frames) if (growsTooFast(read, unit, frame)) slow.push(`${JSON.stringify(unit)} in ${JSON.stringify(frame)}`);
    expect(slow).toEqual([]);
  });

  it('for pointers of spaces, of which a repository can hold millions', () => {
    const spaces = Buffer.from(`x${' '.repeat(1020)}y`);
    const plain = Buffer.from(`x${'a'.repeat(1020)}y`);
    const timeOf = (blob: Buffer) => millisecondsOf(() => Array.from({ length: 2000 }, () => parsePointer(blob)), '');
    timeOf(plain);
    expect(timeOf(spaces) / timeOf(plain)).toBeLessThan(40);
  });

  it.each(['a[]=&', 'a[b]=&', 'a=&'])('for forms of nothing but %s', async (pair) => {
    const read = async (count: number): Promise<number> => {
      const names = Array.from({ length: count }, (_, index) => pair.replace('b', `b${index}`)).join('');
      const request = new Request('http://h/', {
        method: 'POST',
        body: names,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
      const start = performance.now();
      const bodies = new RequestBodies(apiLimits.bodies);
      await readParameters(request, { query: new URLSearchParams(), bodies, sender: 1, takesBody: true });
      return performance.now() - start;
    };
    await read(5_000);
    const [short, long] = [Math.min(await read(1_200), await read(1_200)), Math.min(await read(9_600), await read(9_600))];
    expect(long / short).toBeLessThan(40);
  });

  it('fails for an expression that begins anew at each character', () => {
    expect(growsTooFast((text) => /\s+$/.test(text), ' ', ['x', 'y'])).toBe(true);
    expect(growsTooFast((text) => /\s+/.test(text), ' ', ['x', 'y'])).toBe(false);
  });
});
