/** What holds for every codec and parser whatever it is fed with: an answer or a coded refusal, the same however the bytes are cut, and nothing else. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { endpoints } from '../../lib/api/endpoints.ts';
import { ApiError } from '../../lib/api/http/api-error.ts';
import { apiLimits } from '../../lib/api/http/api-limits.ts';
import { checkInput } from '../../lib/api/http/check-input.ts';
import { readParameters } from '../../lib/api/http/read-parameters.ts';
import { routeSegments } from '../../lib/api/http/route-path.ts';
import { GitferryError } from '../../lib/core/errors.ts';
import { createRedactor } from '../../lib/core/redact.ts';
import { RequestBodies } from '../../lib/core/request-bodies.ts';
import type { ObjectFormat } from '../../lib/git/object-id.ts';
import { readCommitGraph } from '../../lib/git/pack/commit-graph.ts';
import { applyDelta } from '../../lib/git/pack/delta.ts';
import { openPack } from '../../lib/git/pack/incoming-pack.ts';
import { readSmallBlobs } from '../../lib/git/pack/small-blobs.ts';
import { parseHostKeys, selectHostKeys } from '../../lib/git/transport/host-keys/known-hosts.ts';
import { parseRepositoryUrl, sshFormOfScp } from '../../lib/git/transport/repository-url.ts';
import { parsePrivateKey } from '../../lib/git/transport/ssh/ssh-key-pair.ts';
import { parseAdvertisement } from '../../lib/git/wire/advertisement.ts';
import { parseFetchResponseV0, parseFetchResponseV2 } from '../../lib/git/wire/fetch-response.ts';
import { parseLsRefsAnswer } from '../../lib/git/wire/ls-refs.ts';
import { decodePkt, encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../lib/git/wire/pkt-reader.ts';
import { parseReportStatus } from '../../lib/git/wire/report-status.ts';
import { demultiplex, RemoteWords } from '../../lib/git/wire/sideband.ts';
import { parseUpdateNowInput } from '../../lib/jobs/requests/update-now-input.ts';
import { parseBatchAnswer } from '../../lib/lfs/batch-message.ts';
import { encodePointer, parsePointer } from '../../lib/lfs/pointer.ts';
import { providers } from '../../lib/model/hook.ts';
import { parseHookToken } from '../../lib/model/hook-secret.ts';
import { parseJob } from '../../lib/model/job.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { parsePayload } from '../../lib/webhook/payload.ts';
import { providerRegistry } from '../../lib/webhook/provider-registry.ts';
import { repositoryPlace } from '../../lib/webhook/repository-place.ts';
import { cut, pieceSizes, readAll, type Settled, settled } from '../support/byte-streams.ts';
import { commitContent, copyingDelta, makePack, oidOf } from '../support/made-pack.ts';
import { hostile, objectFormat, oid, refName } from '../support/wire-arbitraries.ts';

export interface FuzzProperty {
  readonly name: string;
  readonly property: fc.IRawProperty<unknown>;
}

const sha = 'a1'.repeat(20);
const reader = { maxBytes: 1_000_000, truncatedCode: 'pack_truncated' } as const;
const never = new AbortController().signal;

function check(condition: boolean, words: string): void {
  if (!condition) throw new Error(words);
}

/** Of a message that comes in pieces: the same answer or the same code, however it is cut. */
function message<T>(name: string, right: fc.Arbitrary<Buffer>, parse: (stream: AsyncGenerator<Uint8Array>) => Promise<T>): FuzzProperty {
  const shown = async (bytes: Buffer, sizes?: readonly number[]): Promise<string> => {
    const result: Settled<T> = await settled(parse(cut(bytes, sizes)));
    return JSON.stringify('code' in result ? result.code : result.value, (_, value: unknown) =>
      value instanceof Map || value instanceof Set ? [...value] : value,
    );
  };
  const property = fc.asyncProperty(hostile(right), pieceSizes, async (bytes, sizes) => {
    const [whole, pieces] = [await shown(bytes), await shown(bytes, sizes)];
    check(whole === pieces, `${whole} in one piece, ${pieces} in several`);
  });
  return { name, property: property as unknown as fc.IRawProperty<unknown> };
}

/** Of a text: no other error than one of ours. */
function text(name: string, texts: fc.Arbitrary<string>, parse: (text: string) => unknown): FuzzProperty {
  const property = fc.property(texts, (given) => {
    try {
      parse(given);
    } catch (error) {
      if (!(error instanceof GitferryError)) throw error;
    }
  });
  return { name, property: property as unknown as fc.IRawProperty<unknown> };
}

function always(name: string, property: fc.IRawProperty<never> | unknown): FuzzProperty {
  return { name, property: property as fc.IRawProperty<unknown> };
}

const lines = (parts: fc.Arbitrary<string>, before: readonly string[] = []): fc.Arbitrary<Buffer> =>
  fc.array(parts, { maxLength: 6 }).map((list) => Buffer.concat([...[...before, ...list].map((line) => encodePkt(line)), flushPkt]));

const advertised = fc.tuple(objectFormat.chain(oid), refName).map(([id, name]) => `${id} ${name}\n`);
const advertisement = fc
  .tuple(advertised, lines(fc.oneof(advertised, fc.constantFrom(`shallow ${sha}`, `${sha} .have`, `${sha} refs/tags/v1^{}`))))
  .map(([first, rest]) =>
    Buffer.concat([encodePkt(`${first.trimEnd()}\0report-status symref=HEAD:refs/heads/main object-format=sha1`), rest]),
  );
const v2 = lines(fc.constantFrom('agent=git/2', 'ls-refs=unborn', 'fetch=shallow filter', 'object-format=sha256'), ['version 2']);
const listed = lines(
  fc
    .tuple(advertised, fc.constantFrom('', ` peeled:${sha}`, ' symref-target:refs/heads/main', ' x:y'))
    .map(([line, more]) => line.trimEnd() + more),
);
const fetchV2 = fc
  .array(
    fc.constantFrom(
      encodePkt('acknowledgments'),
      encodePkt(`ACK ${sha}`),
      encodePkt('NAK'),
      encodePkt('ready'),
      Buffer.from('0001'),
      encodePkt('shallow-info'),
      encodePkt(`shallow ${sha}`),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat([...parts, encodePkt('packfile'), Buffer.from('0006\x01P')]));
const fetchV0 = lines(fc.constantFrom(`ACK ${sha} common`, `ACK ${sha} ready`, `ACK ${sha}`, 'NAK', `shallow ${sha}`));
const report = lines(
  fc.oneof(
    refName.map((name) => `ok ${name}`),
    refName.map((name) => `ng ${name} no`),
  ),
  ['unpack ok\n'],
);
const bands = fc
  .array(fc.tuple(fc.constantFrom(1, 1, 2, 3), fc.uint8Array({ maxLength: 40 })), { maxLength: 6 })
  .map((list) => Buffer.concat([...list.map(([band, data]) => encodePkt(Buffer.from([band, ...data]))), flushPkt]));

const root = commitContent([]);
const pointer = { oid: 'ab'.repeat(32), size: 12, extensions: [] };
const pack: fc.Arbitrary<Buffer> = fc.constantFrom(
  makePack([
    { type: 'commit', content: root },
    { type: 'commit', content: commitContent([oidOf('commit', root)]) },
    { type: 'ofs-delta', base: 0, content: copyingDelta(root.length, 20, 3) },
  ]),
  makePack([
    { type: 'blob', content: Buffer.from(encodePointer(pointer)) },
    { type: 'tree', content: Buffer.alloc(0) },
    { type: 'blob', content: Buffer.alloc(20_000, 'x') },
    {
      type: 'ref-delta',
      baseName: oidOf('blob', Buffer.from(encodePointer(pointer))),
      content: copyingDelta(encodePointer(pointer).length, 30, 2),
    },
  ]),
  makePack([]),
);

/** What urls are made of, and what does not belong there. */
const urlWord = fc.oneof(
  fc.constantFrom(
    'https://',
    'ssh://',
    'http://',
    'git@',
    'me:pw@',
    'host',
    'host.example.org',
    ':22',
    ':',
    '/',
    '//',
    '@',
    '[::1]',
    '%2f',
    '%',
    '%00',
    '..',
    '~',
    '-oProxyCommand=x',
    '?',
    '#',
    ' ',
    '\n',
    '\\',
    "'",
    '`',
    '$(x)',
  ),
  fc.string({ maxLength: 6, unit: 'binary' }),
);
const url = fc.array(urlWord, { maxLength: 8 }).map((words) => words.join(''));
const pems = [
  generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'sec1' }).toString(),
];
const spoiltKey = fc
  .tuple(fc.constantFrom(...pems), fc.nat(400), fc.string({ maxLength: 3 }), fc.nat(40))
  .map(([pem, at, put, left]) => pem.slice(0, at) + put + pem.slice(at + left));
const hostKeyLine = fc
  .array(
    fc.constantFrom(
      'h.example.org',
      '|1|aaaa|bbbb',
      '*',
      '!h.example.org',
      ',',
      ' ',
      '\t',
      '\n',
      '#',
      '@revoked',
      'ssh-ed25519',
      'ssh-rsa',
      `AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(43)}`,
      'AAAA',
      '=',
      '\r',
    ),
    { maxLength: 10 },
  )
  .map((words) => words.join(' '));

/** JSON in which the names that are looked for turn up anywhere, with any value. */
function jsonOf(names: readonly string[]): fc.Arbitrary<unknown> {
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom<unknown>(null, true, 0, -1, 1e300, '', 'refs/heads/main', 'push', 'https://example.org/a/b.git', '0'.repeat(40)),
      fc.string({ maxLength: 10, unit: 'binary' }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 5 }),
    ),
  })).value;
}
const eventNames = [
  ...[
    'ref',
    'ref_type',
    'refs',
    'deleted',
    'repository',
    'project',
    'clone_url',
    'ssh_url',
    'html_url',
    'git_http_url',
    'object_kind',
    'event_name',
  ],
  ...[
    'push',
    'changes',
    'new',
    'old',
    'type',
    'name',
    'links',
    'html',
    'href',
    'clone',
    'full_name',
    'key',
    'slug',
    'refId',
    'id',
    'eventType',
  ],
  ...['resource', 'refUpdates', 'remoteUrl', 'refLimitExceeded', '__proto__', 'constructor', 'toString'],
];
const event = jsonOf(eventNames);
const headers = fc.dictionary(
  fc.constantFrom(
    'x-hub-signature-256',
    'x-hub-signature',
    'x-gitlab-token',
    'x-gitea-signature',
    'authorization',
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
    'x-signature',
    'x-event-key',
    'x-github-event',
    'x-gitlab-event',
  ),
  fc.oneof(
    fc.string({ maxLength: 90 }),
    fc.constantFrom(`sha256=${'0'.repeat(64)}`, '', 'push', `v1,${'A'.repeat(43)}=`, 'Basic Og==', String(Math.floor(Date.now() / 1000))),
  ),
);
const batch = { operation: 'download', objects: [pointer], ref: undefined } as const;
const batchAnswer = fc.oneof(
  jsonOf([
    'objects',
    'oid',
    'size',
    'actions',
    'download',
    'upload',
    'verify',
    'href',
    'header',
    'expires_in',
    'expires_at',
    'error',
    'code',
    'message',
    'transfer',
    'hash_algo',
    '__proto__',
  ]),
  jsonOf(['href', 'header', 'expires_in', 'expires_at', '__proto__', 'Authorization']).map((download) => ({
    objects: [{ oid: pointer.oid, size: 12, actions: { download } }],
  })),
);
const fields = [...new Set(endpoints.flatMap(({ input }) => Object.keys(input.shape)))];
const body = fc.oneof(
  fc
    .dictionary(fc.constantFrom(...fields, '__proto__', 'id'), jsonOf(['name', 'a', '__proto__']), { maxKeys: 5 })
    .map((value) => ['application/json', JSON.stringify(value)] as const),
  fc
    .array(fc.tuple(fc.constantFrom(...fields, 'a[]', 'a[b]', '[', ']', '__proto__[x]'), fc.string({ maxLength: 8, unit: 'binary' })), {
      maxLength: 5,
    })
    .map((pairs) => ['application/x-www-form-urlencoded', new URLSearchParams(pairs as [string, string][]).toString()] as const),
  fc.tuple(
    fc.constantFrom('application/json', 'multipart/form-data; boundary=x', 'text/plain', ''),
    fc.string({ maxLength: 60, unit: 'binary' }),
  ),
);
const guard = createAddressGuard([]);
const secret = 'Tr0ub4dor&3/+=';
const redactor = createRedactor([{ username: 'me', password: secret }]);

export const fuzzProperties: readonly FuzzProperty[] = [
  message('advertisements', fc.oneof(advertisement, v2), async (stream) => {
    const { capabilities, ...rest } = await parseAdvertisement(new PktReader(stream, reader));
    return { ...rest, agent: capabilities.value('agent') };
  }),
  message('ls-refs answers', listed, (stream) => parseLsRefsAnswer(new PktReader(stream, reader), 'sha1')),
  message('fetch answers, v2', fetchV2, (stream) => parseFetchResponseV2(new PktReader(stream, reader), 'sha1')),
  message('fetch answers, v0', fetchV0, (stream) =>
    parseFetchResponseV0(new PktReader(stream, reader), { format: 'sha1', deepened: false, done: true }),
  ),
  message('fetch answers, v0 deepened and open', fetchV0, (stream) =>
    parseFetchResponseV0(new PktReader(stream, reader), { format: 'sha1', deepened: true, done: false }),
  ),
  message('reports', report, (stream) => parseReportStatus(new PktReader(stream, { ...reader, truncatedCode: 'report_missing' }))),
  message('sideband data', bands, async (stream) =>
    (await readAll(demultiplex(stream, { words: new RemoteWords(), truncatedCode: 'pack_truncated' }))).toString('hex'),
  ),
  message('packs in passing', pack, async (stream) => (await readAll((await openPack(stream, 'sha1')).bytes)).toString('hex')),
  message('small blobs of packs', pack, async (stream) => {
    const found: string[] = [];
    const format: ObjectFormat = 'sha1';
    const { unread } = await readSmallBlobs(await openPack(stream, format), {
      format,
      belowBytes: 1024,
      mark: 'lfs',
      onBlob: (blob) => void found.push(String(parsePointer(blob)?.oid)),
    });
    return { unread, found };
  }),
  message('histories out of packs', pack, async (stream) => {
    const format: ObjectFormat = 'sha1';
    return readCommitGraph(await openPack(stream, format), { format, signal: never });
  }),
  always(
    'deltas',
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (base, delta) => {
      // A delta says how long its result is: without this, a few bytes would ask for gigabytes.
      const bounded = Buffer.from([base.length, Math.min(delta[0] ?? 0, 127), ...delta]);
      try {
        applyDelta(Buffer.from(base), bounded);
      } catch (error) {
        check(error instanceof GitferryError && error.code === 'pack_corrupt', String(error));
      }
    }),
  ),
  always(
    'pkt-lines',
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(20), (bytes, at) => {
      try {
        const decoded = decodePkt(Buffer.from(bytes), Math.min(at, bytes.length));
        check('needBytes' in decoded ? decoded.needBytes <= 65_520 : decoded.end <= bytes.length, 'more than a packet has');
      } catch (error) {
        check(error instanceof GitferryError && error.code === 'protocol_error', String(error));
      }
    }),
  ),
  text('repository URLs', url, (given) => {
    const { url: parsed } = parseRepositoryUrl(given, 'url');
    check(!parsed.href.includes('@') || given.includes('/'), 'user info stays in what is shown');
    check(!/[\s\\]/.test(parsed.href), 'what is shown can break a line');
    guard.checkLiteral(parsed.host);
    check(parseRepositoryUrl(parsed.href, 'url').url.href === parsed.href, 'what is shown means something else');
  }),
  text('SCP-style addresses', url, (given) => sshFormOfScp(given)),
  text('places in webhooks', url, (given) => repositoryPlace(given)),
  text('addresses', fc.oneof(fc.ipV4Extended(), fc.ipV6(), url), (given) => guard.checkLiteral(given)),
  text('known_hosts', fc.oneof(hostKeyLine, fc.string({ unit: 'binary' })), (given) => {
    const place = { host: 'h.example.org', port: undefined };
    for (const line of selectHostKeys(given, place))
      check(!line.includes('\n') && line.startsWith('h.example.org '), 'a stored line is not one line of this host');
    const parsed = parseHostKeys([given], place);
    if (!('fault' in parsed)) for (const line of parsed) check(line.split(' ').length === 3, 'a stored line has other parts');
  }),
  text('private keys', fc.oneof(spoiltKey, fc.string({ unit: 'binary' })), (given) => {
    parsePrivateKey(given);
  }),
  always(
    'LFS pointers',
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 1100 }).map((bytes) => Buffer.from(bytes)),
        hostile(fc.constant(Buffer.from(encodePointer(pointer)))),
      ),
      (bytes) => {
        const found = parsePointer(bytes);
        check(
          found === undefined || (/^[0-9a-f]{64}$/.test(found.oid) && Number.isSafeInteger(found.size) && found.size >= 0),
          'it is no pointer',
        );
      },
    ),
  ),
  always(
    'LFS batch answers',
    fc.property(batchAnswer, (value) => {
      for (const object of parseBatchAnswer(JSON.stringify(value), batch, 0) ?? []) {
        if (object.kind !== 'actions') continue;
        const { download } = object;
        check(
          download === undefined || (/^https?:$/.test(download.href.protocol) && download.href.username === ''),
          'a link that is not one',
        );
        for (const header of Object.values(download?.header ?? {})) check(!/[\r\n\0]/.test(header), 'a header that holds two');
      }
    }),
  ),
  ...providers.map((provider) =>
    always(
      `webhooks of ${provider}`,
      fc.property(headers, event, (given, payload) => {
        const json = Buffer.from(JSON.stringify(payload) ?? '');
        const delivery = { header: (name: string) => given[name], body: json };
        const rules = providerRegistry[provider];
        check(!rules.proves(delivery, ['a secret that nobody knows'], Date.now()), 'proved without the secret');
        const parsed = parsePayload(json);
        if (parsed === 'too_large') return;
        const { kind, name, repositories, refs } = rules.readEvent(delivery, parsed.readable ? parsed.value : undefined);
        check(['push', 'ping', 'other'].includes(kind) && typeof name === 'string', 'no event');
        check(refs === undefined || (refs.length > 0 && refs.every((ref) => typeof ref === 'string')), 'refs that are none');
        for (const place of repositories ?? []) repositoryPlace(place);
      }),
    ),
  ),
  always(
    'webhook bodies',
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.string({ unit: 'binary' }).map((given) => Buffer.from(`payload=${given}`)),
      ),
      (bytes) => {
        parsePayload(bytes);
      },
    ),
  ),
  text('hook tokens', fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[0-9.]{0,20}[A-Za-z0-9_-]{30,34}$/)), (given) => {
    const parsed = parseHookToken(given);
    check(parsed === undefined || Number.isSafeInteger(parsed.projectId), 'a number that is none');
  }),
  text(
    'messages of the queue',
    fc.oneof(
      fc.string({ unit: 'binary' }),
      jsonOf(['projectId', 'mirror', 'project', 'version', '__proto__']).map((value) => JSON.stringify(value) ?? ''),
    ),
    parseJob,
  ),
  always(
    'inputs of update-now',
    fc.property(jsonOf(['project', 'mirror', 'confirm_deletions', '__proto__']), (input) => {
      try {
        parseUpdateNowInput(input);
      } catch (error) {
        check(error instanceof GitferryError, String(error));
      }
    }),
  ),
  text(
    'paths of the API',
    fc
      .array(fc.constantFrom('/api/v4', '/', 'projects', '%2F', '%', '%00', '..', '1', 'é', '%C3', '//', 'mirror', 'pull'), {
        maxLength: 8,
      })
      .map((words) => words.join('')),
    routeSegments,
  ),
  always(
    'bodies of the API',
    fc.asyncProperty(body, fc.constantFrom(...endpoints), async ([type, text], { input, ignored }) => {
      try {
        const request = new Request('http://h/', {
          method: 'POST',
          body: text,
          ...(type === '' ? {} : { headers: { 'content-type': type } }),
        });
        const reading = { query: new URLSearchParams(), bodies: new RequestBodies(apiLimits.bodies), sender: 1, takesBody: true };
        checkInput(input, ignored, await readParameters(request, reading));
      } catch (error) {
        check(error instanceof ApiError && error.answer.status >= 400 && error.answer.status < 500, String(error));
      }
      check(({} as Record<string, unknown>)['x'] === undefined, 'something was written to every object');
    }),
  ),
  always(
    'texts that hold a secret',
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...disguises()),
      (before, behind, disguise) => {
        check(!redactor.redact(before + disguise + behind).includes(disguise), 'it is still there');
      },
    ),
  ),
];

function disguises(): [string, ...string[]] {
  const html = secret.replaceAll('&', '&amp;');
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    html,
    Buffer.from(`me:${secret}`).toString('base64'),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ];
}
