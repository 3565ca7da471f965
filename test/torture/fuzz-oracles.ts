/** What every codec and parser makes of messages that are right, or wrong in one known way: compared with what went in, and with plain models of the formats. */
import fc from 'fast-check';
import { createRedactor } from '../../lib/core/redact.ts';
import { applyDelta } from '../../lib/git/pack/delta.ts';
import { openPack } from '../../lib/git/pack/incoming-pack.ts';
import { selectHostKeys } from '../../lib/git/transport/host-keys/known-hosts.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { parseAdvertisement } from '../../lib/git/wire/advertisement.ts';
import { parseFetchResponseV0, parseFetchResponseV2 } from '../../lib/git/wire/fetch-response.ts';
import { parseLsRefsAnswer } from '../../lib/git/wire/ls-refs.ts';
import { decodePkt, encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { PktReader } from '../../lib/git/wire/pkt-reader.ts';
import { parseReportStatus } from '../../lib/git/wire/report-status.ts';
import { demultiplex, RemoteWords } from '../../lib/git/wire/sideband.ts';
import { parseBatchAnswer } from '../../lib/lfs/batch-message.ts';
import { encodePointer, parsePointer } from '../../lib/lfs/pointer.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { cut, pieceSizes, settled } from '../support/byte-streams.ts';
import { makePack } from '../support/made-pack.ts';
import { oid, refName } from '../support/wire-arbitraries.ts';
import type { FuzzProperty } from './fuzz-properties.ts';

const reader = { maxBytes: 1_000_000, truncatedCode: 'pack_truncated' } as const;
const sha = oid('sha1');

function same(seen: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${one} instead of ${other}`);
}

function property<T extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  predicate: (...values: T) => Promise<void> | void,
): FuzzProperty {
  const whole = fc.asyncProperty(fc.tuple(...(arbitraries as fc.Arbitrary<unknown>[])), async (values) => predicate(...(values as T)));
  return { name, property: whole as unknown as fc.IRawProperty<unknown> };
}

/** The value, or the code of the error. */
async function outcome<T>(work: Promise<T>): Promise<T | string> {
  const result = await settled(work);
  return 'code' in result ? (result.code ?? 'no code') : result.value;
}

async function hexOf(stream: AsyncIterable<Uint8Array>): Promise<{ hex: string; code: string | undefined }> {
  const pieces: Uint8Array[] = [];
  const result = await settled(
    (async () => {
      for await (const piece of stream) pieces.push(Uint8Array.from(piece));
    })(),
  );
  return { hex: Buffer.concat(pieces).toString('hex'), code: 'code' in result ? result.code : undefined };
}

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly peeled: string | undefined;
  readonly symref: string | undefined;
}
const listed: fc.Arbitrary<Listed[]> = fc.array(
  fc.record({ id: sha, name: refName, peeled: fc.option(sha, { nil: undefined }), symref: fc.option(refName, { nil: undefined }) }),
  { minLength: 1, maxLength: 6 },
);
/** Sometimes one letter of an object id is upper case, which Git never writes. */
const spoilsId = fc.boolean();
const spoilt = (id: string, yes: boolean): string => (yes ? `F${id.slice(1)}` : id);

/** Made once: they cost more than what is tried with them. */
const bases = [50, 70_000].map((bytes) => Buffer.from(Array.from({ length: bytes }, (_, at) => at % 251)));

/** A delta as a list of what it does, and what comes out. */
const deltas = fc
  .tuple(
    fc.constantFrom(...bases),
    fc.array(fc.oneof(fc.tuple(fc.nat(49), fc.constantFrom(1, 2, 40, 0x10000)), fc.uint8Array({ minLength: 1, maxLength: 20 })), {
      maxLength: 5,
    }),
  )
  .map(([base, steps]) => {
    const parts: Buffer[] = [];
    const results: Uint8Array[] = [];
    let isBeyond = false;
    for (const step of steps) {
      if (step instanceof Uint8Array) {
        parts.push(Buffer.from([step.length, ...step]));
        results.push(step);
        continue;
      }
      const [offset, size] = step;
      parts.push(size === 0x10000 ? Buffer.from([0x81, offset]) : Buffer.from([0x91, offset, size]));
      isBeyond ||= offset + size > base.length;
      results.push(base.subarray(offset, offset + size));
    }
    const result = Buffer.concat(results);
    const stated = steps.reduce((sum, step) => sum + (step instanceof Uint8Array ? step.length : step[1]), 0);
    return {
      base,
      delta: Buffer.concat([varint(base.length), varint(stated), ...parts]),
      expected: isBeyond ? 'pack_corrupt' : result.toString('hex'),
    };
  });

function varint(value: number): Buffer {
  return value < 128 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 127) | 128]), varint(value >> 7)]);
}

const letters = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const scheme = fc.constantFrom('https', 'http', 'ssh');
const userInfo = fc.tuple(letters, fc.option(fc.string({ unit: 'grapheme', maxLength: 8 }), { nil: undefined }));
const keyOf = (byte: number): string =>
  Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20', 'latin1'), Buffer.alloc(32, byte)]).toString('base64');
const guard = createAddressGuard([]);
const secrets = fc.stringMatching(/^[A-Za-z0-9+/=&"%]{12,24}$/);

export const fuzzOracles: readonly FuzzProperty[] = [
  property(
    'pkt-lines against a model',
    [fc.stringMatching(/^[0-9a-fA-F]{3}[0-9a-fg]$|^00[0-2][0-9a-fA-F]$/), fc.uint8Array({ maxLength: 60 })],
    async (digits, data) => {
      const bytes = Buffer.concat([Buffer.from(digits), data]);
      const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : 3;
      const expected =
        length === 3 || length > 65_520
          ? 'protocol_error'
          : length < 3
            ? { mark: length, end: 4 }
            : length > bytes.length
              ? { needBytes: length }
              : { data: bytes.toString('hex', 4, length), end: length };
      const seen = await outcome(
        (async () => {
          const decoded = decodePkt(bytes, 0);
          if ('needBytes' in decoded) return decoded;
          const { pkt, end } = decoded;
          return Buffer.isBuffer(pkt) ? { data: pkt.toString('hex'), end } : { mark: ['flush', 'delim', 'response-end'].indexOf(pkt), end };
        })(),
      );
      same(seen, expected);
    },
  ),
  property(
    'lines of lists',
    [
      fc.array(
        refName.map((name) => name.repeat(3)),
        { maxLength: 8 },
      ),
      pieceSizes,
    ],
    async (lines, sizes) => {
      const bytes = Buffer.concat([...lines.map((line, index) => encodePkt(index % 2 === 0 ? `${line}\n` : line)), flushPkt]);
      const seen: string[] = [];
      await new PktReader(cut(bytes, sizes), reader).readLines((line) => void seen.push(line));
      same(seen, lines);
    },
  ),
  property('advertisements as written', [listed, spoilsId, pieceSizes], async (list, isSpoilt, sizes) => {
    const lines = list.flatMap(({ id, name, peeled }, index) => [
      `${spoilt(id, isSpoilt && index === list.length - 1)} ${name}${index === 0 ? '\0report-status' : ''}\n`,
      ...(peeled === undefined ? [] : [`${peeled} ${name}^{}\n`]),
      // Of no ref before it: not its business.
      `${id} refs/tags/other^{}\n`,
      `${id} .have\n`,
    ]);
    const bytes = Buffer.concat([...lines.map((line) => encodePkt(line)), flushPkt]);
    const seen = await outcome(parseAdvertisement(new PktReader(cut(bytes, sizes), reader)));
    const refs = list.map(({ id, name, peeled }) => (peeled === undefined ? { oid: id, name } : { oid: id, name, peeled }));
    if (typeof seen === 'string' || seen.version === 2) throw new Error(`it is ${JSON.stringify(seen)}`);
    // A value that no object can have is a fault of that ref alone; its `^{}` line peels a ref of the same name in front of it.
    const broken = isSpoilt ? refs.splice(-1) : [];
    for (const { name, peeled } of broken) {
      const before = refs.at(-1);
      if (before?.name === name && peeled !== undefined) refs.splice(-1, 1, { ...before, peeled });
    }
    same([seen.refs, [...seen.impossible], seen.extraHaves], [refs, broken.map(({ name }) => name), list.map(({ id }) => id)]);
  }),
  property('ls-refs answers as written', [listed, spoilsId, pieceSizes], async (list, isSpoilt, sizes) => {
    const lines = list.map(
      ({ id, name, peeled, symref }) =>
        `${id} ${name}${symref === undefined ? '' : ` symref-target:${symref}`}${peeled === undefined ? '' : ` peeled:${spoilt(peeled, isSpoilt)}`} new:x`,
    );
    const bytes = Buffer.concat([...lines.map((line) => encodePkt(line)), flushPkt]);
    const seen = await outcome(parseLsRefsAnswer(new PktReader(cut(bytes, sizes), reader), 'sha1'));
    if (typeof seen === 'string') throw new Error(`it is ${seen}`);
    // A peeled value that no object can have is not taken; the ref is.
    same(
      seen.refs.map(({ oid: id, name, peeled, symrefTarget: symref }) => [id, name, peeled, symref]),
      list.map(({ id, name, peeled, symref }) => [id, name, isSpoilt ? undefined : peeled, symref]),
    );
  }),
  property(
    'fetch answers as written',
    [fc.array(sha, { minLength: 1, maxLength: 5 }), fc.array(sha, { maxLength: 3 }), fc.boolean(), spoilsId, pieceSizes],
    async (acknowledged, shallows, isV2, isSpoilt, sizes) => {
      const acks = acknowledged.map((id, index) => `ACK ${spoilt(id, isSpoilt && index === 0)}`);
      const bytes = isV2
        ? [
            encodePkt('acknowledgments'),
            ...acks.map((line) => encodePkt(line)),
            Buffer.from('0001'),
            encodePkt('shallow-info'),
            ...shallows.map((id) => encodePkt(`shallow ${id}`)),
            Buffer.from('0001'),
            encodePkt('packfile'),
          ]
        : [
            ...shallows.map((id) => encodePkt(`shallow ${id}`)),
            flushPkt,
            ...acks.map((line) => encodePkt(`${line} common`)),
            encodePkt('NAK'),
          ];
      const pkts = new PktReader(cut(Buffer.concat([...bytes, Buffer.from('0005\x01')]), sizes), reader);
      const seen = await outcome(
        isV2 ? parseFetchResponseV2(pkts, 'sha1') : parseFetchResponseV0(pkts, { format: 'sha1', deepened: true, done: true }),
      );
      if (isSpoilt) return same(seen, 'protocol_error');
      if (typeof seen === 'string') throw new Error(`it is ${seen}`);
      same([[...seen.acknowledged], seen.shallows, seen.packFollows], [[...new Set(acknowledged)], shallows, true]);
    },
  ),
  property(
    'reports as written',
    [fc.uniqueArray(fc.tuple(refName, fc.option(letters, { nil: undefined })), { selector: ([name]) => name, maxLength: 6 }), pieceSizes],
    async (refs, sizes) => {
      const lines = ['unpack ok\n', ...refs.map(([name, reason]) => (reason === undefined ? `ok ${name}` : `ng ${name} ${reason} so`))];
      const bytes = Buffer.concat([...lines.map((line) => encodePkt(line)), flushPkt]);
      const seen = await parseReportStatus(new PktReader(cut(bytes, sizes), reader));
      const expected = refs.map(([name, reason]) => [name, reason === undefined ? null : `${reason} so`]);
      same([seen?.unpack, [...(seen?.refs ?? [])].map(([name, reason]) => [name, reason ?? null])], ['ok', expected]);
    },
  ),
  property(
    'sideband data against a model',
    [
      fc.array(fc.tuple(fc.constantFrom<0 | 1 | 2 | 3 | 4>(0, 1, 1, 1, 2, 2, 3, 4), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 }),
      fc.constantFrom('', 'x', '0000', '0006\x01x'),
      pieceSizes,
    ],
    async (packets, behind, sizes) => {
      // 0 stands for a keep-alive without a band, 3 ends it, and there is no 4.
      const bytes = packets.map(([band, data]) => (band === 0 ? Buffer.from('0004') : encodePkt(Buffer.from([band, ...data]))));
      const stop = packets.findIndex(([band]) => band > 2);
      const code =
        stop >= 0 ? (packets[stop]?.[0] === 3 ? 'remote_error' : 'protocol_error') : behind === '' ? undefined : 'protocol_error';
      const before = stop < 0 ? packets : packets.slice(0, stop);
      const hex = Buffer.concat(before.flatMap(([band, data]) => (band === 1 ? [data] : []))).toString('hex');
      const stream = cut(Buffer.concat([...bytes, flushPkt, Buffer.from(behind, 'latin1')]), sizes);
      same(await hexOf(demultiplex(stream, { words: new RemoteWords(), truncatedCode: 'pack_truncated' })), { hex, code });
    },
  ),
  property(
    'packs that are right, damaged or cut',
    [fc.uint8Array({ maxLength: 60 }), fc.constantFrom('right', 'damaged', 'cut'), fc.nat(), pieceSizes],
    async (content, how, at, sizes) => {
      const pack = makePack([{ type: 'blob', content: Buffer.from(content) }]);
      const place = at % (how === 'cut' ? pack.length : pack.length - 12);
      const bytes = how === 'cut' ? pack.subarray(0, place) : Buffer.from(pack);
      if (how === 'damaged') bytes[12 + place] = (bytes[12 + place] ?? 0) ^ 1;
      const { hex, code } = await hexOf(
        (async function* () {
          yield* (await openPack(cut(bytes, sizes), 'sha1')).bytes;
        })(),
      );
      if (how === 'right') return same([hex, code], [pack.toString('hex'), undefined]);
      if (code === undefined) throw new Error('it passed');
      if (hex.length / 2 > Math.max(0, bytes.length - 20)) throw new Error('a part of what may be the checksum was given out');
    },
  ),
  property('deltas against a model', [deltas], async ({ base, delta, expected }) => {
    same(await outcome((async () => Buffer.from(applyDelta(base, delta)).toString('hex'))()), expected);
  }),
  property(
    'LFS pointers as written',
    [oid('sha256'), fc.oneof(fc.maxSafeNat(), fc.nat(9)), fc.constantFrom('', '0', ' ', 'a', '\nx y'), fc.boolean()],
    (id, size, more, isAtOid) => {
      const text = encodePointer({ oid: id, size, extensions: [] });
      const seen = parsePointer(Buffer.from(isAtOid ? text.replace(id, id + more) : text));
      if (isAtOid && more !== '') return same(seen, undefined);
      same([seen?.oid, seen?.size], [id, size]);
    },
  ),
  property('LFS pointers to more than there can be', [oid('sha256'), fc.bigInt({ min: 2n ** 53n, max: 10n ** 16n - 1n })], (id, size) => {
    same(parsePointer(Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${size}\n`)), undefined);
  }),
  property(
    'links of LFS servers',
    [
      fc.constantFrom('https', 'http', 'file', 'javascript', 'ssh', 'ftp', 'data'),
      fc.constantFrom('', 'a\r\nb: c', 'a\nb', 'a\0', 'plain', 'é'),
      fc.option(letters, { nil: undefined }),
    ],
    (protocol, value, user) => {
      const wanted = { oid: 'ab'.repeat(32), size: 1 };
      const href = `${protocol}://${user === undefined ? '' : `${user}:word@`}host/o`;
      const text = JSON.stringify({ objects: [{ ...wanted, actions: { download: { href, header: { a: value } } } }] });
      const [seen] = parseBatchAnswer(text, { operation: 'download', objects: [wanted], ref: undefined }, 0) ?? [];
      const isRight = protocol.startsWith('http') && !/[\r\n\0]/.test(value);
      const shown = seen?.kind === 'actions' ? [seen.download?.href.href, seen.download?.header] : seen?.kind;
      same(shown, isRight ? [`${protocol}://host/o`, { a: value }] : 'absurd');
    },
  ),
  property(
    'repository URLs as written',
    [
      scheme,
      fc.option(userInfo, { nil: undefined }),
      letters,
      fc.option(fc.integer({ min: 1024, max: 65_535 }), { nil: undefined }),
      letters,
    ],
    (protocol, user, host, port, path) => {
      const [name, password] = user ?? [];
      const info = name === undefined ? '' : `${name}${password === undefined ? '' : `:${encodeURIComponent(password)}`}@`;
      const rest = `${host}.example${port === undefined ? '' : `:${port}`}/${path}.git`;
      const { url, userInfo: seen } = parseRepositoryUrl(`${protocol}://${info}${rest}`, 'URL');
      same(url.href, `${protocol}://${rest}`);
      same(seen, name === undefined ? undefined : { username: name, password: password ?? '' });
    },
  ),
  property(
    'known_hosts with revoked keys',
    [
      fc.array(fc.tuple(fc.constantFrom('', '@revoked ', '@cert-authority '), fc.nat(3), fc.constantFrom('h.example', 'other.example')), {
        maxLength: 8,
      }),
    ],
    (lines) => {
      const file = lines.map(([marker, key, host]) => `${marker}${host} ssh-ed25519 ${keyOf(key)}\n`).join('');
      const here = lines.filter(([, , host]) => host === 'h.example');
      const revoked = new Set(here.flatMap(([marker, key]) => (marker === '@revoked ' ? [key] : [])));
      const kept = new Set(here.flatMap(([marker, key]) => (marker === '' && !revoked.has(key) ? [key] : [])));
      same(
        selectHostKeys(file, { host: 'h.example', port: undefined }),
        [...kept].map((key) => `h.example ssh-ed25519 ${keyOf(key)}`),
      );
    },
  ),
  property('IPv4 addresses in IPv6 clothes', [fc.ipV4(), fc.constantFrom('::ffff:', '64:ff9b::', '::ffff:0:')], (address, before) => {
    same(guard.refusal(`${before}${address}`) !== undefined, guard.refusal(address) !== undefined);
  }),
  property('secrets of any kind, in any disguise', [secrets, letters, fc.nat(4)], (secret, user, how) => {
    const pair = Buffer.from(`${user}:${secret}`).toString('base64');
    const disguise =
      [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), pair, secret.replaceAll('&', '&amp;')][how] ?? '';
    const redacted = createRedactor([{ username: user, password: secret }]).redact(`before ${disguise} behind`);
    if (redacted.includes(disguise)) throw new Error('it is still there');
    same([redacted.startsWith('before '), redacted.endsWith(' behind')], [true, true]);
  }),
];
