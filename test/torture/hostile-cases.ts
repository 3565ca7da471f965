/** Git servers that lie, flood and stall: what they answer, how gitferry has to end, and within which time and memory. */
import { createHash } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import type { ServerChannel } from 'ssh2';
import { encodePkt, flushPkt } from '../../lib/git/wire/pkt-line.ts';
import { copyingDelta, makePack } from '../support/made-pack.ts';
import type { AuthenticateAsked, LfsAnswers } from './hostile-lfs-server.ts';
import { type Answers, hostileCommit, packAnswer, pkts, rightPack } from './hostile-server.ts';
import type { SshQuirks } from './hostile-ssh-server.ts';

export interface HostileCase {
  readonly name: string;
  readonly side: 'source' | 'target';
  readonly answers: Answers;
  /** Codes of the run's error that are right; `null` = no error. */
  readonly codes: readonly (string | null)[];
  readonly options?: readonly string[];
  /** For those that wait: the run's own time. */
  readonly timeoutSeconds?: number;
  readonly mostMs?: number;
  readonly mostMiB?: number;
  /** The target has `main` at another commit, so that history is asked about. */
  readonly asksHistory?: boolean;
  /** Some refs are right, and may move. */
  readonly mayMove?: boolean;
  /** Of a server over SSH; HTTP without. */
  readonly over?: 'ssh';
  readonly quirks?: SshQuirks;
  /** About HTTP itself: no case over SSH. */
  readonly httpOnly?: boolean;
  /** Right over SSH as well. */
  readonly sshCodes?: readonly (string | null)[];
  /** As in a Lambda function of this size: its heap is limited, and the whole must stay below. */
  readonly functionMiB?: number;
  /** Answers of both ends' LFS servers, between two repositories that are right. */
  readonly lfs?: LfsAnswers;
  /** Answers `git-lfs-authenticate` at a source over SSH; needs `lfs`. */
  readonly authenticate?: (channel: ServerChannel, asked: AuthenticateAsked) => unknown;
  /** Takes part in `npm test`. */
  readonly isQuick?: boolean;
}

const MiB = 1024 * 1024;
const oid = hostileCommit;
const service = pkts('# service=git-upload-pack\n');
const otherOid = (number: number): string => createHash('sha1').update(String(number)).digest('hex');

function* forever(part: Uint8Array): Generator<Uint8Array> {
  for (;;) yield part;
}
/** One part, then others. */
export function* first(part: Uint8Array, then: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield part;
  yield* then;
}
/** A byte now and then, never enough. */
async function* drip(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; at = (at + 1) % bytes.length) {
    yield bytes.subarray(at, at + 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
/** So many lines as packets, and a flush packet. */
export function many(count: number, line: (index: number) => string): Generator<Uint8Array> {
  return (function* () {
    for (let from = 0; from < count; from += 5000) {
      yield Buffer.concat(Array.from({ length: Math.min(5000, count - from) }, (_, index) => encodePkt(line(from + index))));
    }
    yield flushPkt;
  })();
}
const body = (...parts: readonly Uint8Array[]) => ({ body: parts });
const refs = (...lines: readonly string[]): Answers => ({
  'ls-refs': () => body(pkts(`${oid} HEAD symref-target:refs/heads/main`, ...lines)),
});
/** Answers to discovery of the fetching service only. */
const says = (...parts: readonly Uint8Array[]): Answers => ({
  advertisement: (name) => (name === 'git-upload-pack' ? body(...parts) : undefined),
});
const targetSays = (...lines: readonly (string | Uint8Array)[]): Answers => ({
  advertisement: (name) => (name === 'git-receive-pack' ? body(pkts('# service=git-receive-pack\n'), pkts(...lines)) : undefined),
});
const headAt = (name: string): Answers => ({
  'ls-refs': () => body(pkts(`${oid} HEAD symref-target:${name}`, `${oid} ${name}`, `${oid} refs/heads/main`)),
});
const targetShows = (count: number, line: (index: number) => string): Answers => ({
  advertisement: (name) =>
    name === 'git-receive-pack'
      ? { body: first(encodePkt(`${otherOid(1)} refs/heads/a\0report-status ofs-delta\n`), many(count, line)) }
      : undefined,
});
const targetRefs = (count: number): Answers => targetShows(count, (index) => `${otherOid(index)} refs/heads/${index}/branch-with-a-name\n`);
const pack = (bytes: Uint8Array): Answers => ({ fetch: () => body(packAnswer(bytes)) });
/** Questions are refused, so that the whole history is asked for. */
const historyOnly = (bytes: Uint8Array): Answers => ({
  fetch: (asked) => body(asked.includes('have ') ? pkts('ERR no questions') : packAnswer(bytes)),
});
const report = (...lines: readonly (string | Uint8Array)[]): Answers => ({
  push: () => body(pkts(Buffer.concat([Buffer.from([1]), pkts(...lines)]))),
});
const flip = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
};
const withCount = (count: number): Buffer => {
  const changed = Buffer.from(rightPack.subarray(0, -20));
  changed.writeUInt32BE(count, 8);
  return Buffer.concat([changed, createHash('sha1').update(changed).digest()]);
};
/** A million tiny blobs: 10 MB on the way. */
function tinyBlobs(): Buffer {
  const count = 1_000_000;
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(count, 8);
  const entry = Buffer.concat([Buffer.from([0x31]), deflateSync(Buffer.from('x'))]);
  const all = Buffer.concat([head, Buffer.alloc(count * entry.length, entry)]);
  return Buffer.concat([all, createHash('sha1').update(all).digest()]);
}
/** One object that inflates a thousandfold, and one that does so by deltas. */
const bomb = (type: 'commit' | 'blob'): Buffer => makePack([{ type, content: Buffer.alloc(200 * MiB) }]);
const deltaBomb = (): Buffer =>
  makePack([
    { type: 'commit', content: Buffer.alloc(60_000, 'a') },
    ...Array.from({ length: 500 }, () => ({ type: 'ofs-delta' as const, base: 0, content: copyingDelta(60_000, 60_000, 1000) })),
  ]);

const waits = { codes: ['deadline_exceeded', 'timed_out'], timeoutSeconds: 3, mostMs: 12_000 } as const;
const keepDivergent = { asksHistory: true, options: ['--keep-divergent-refs'], codes: ['refs_diverged'] } as const;
const diverged = [...keepDivergent.codes];
const floods = { mostMiB: 320 } as const;
const refused = ['refs_rejected', null];

export const hostileCases: readonly HostileCase[] = [
  // Advertisements
  {
    side: 'source',
    name: 'an advertisement cut in the middle',
    answers: says(service, Buffer.from('001fversion')),
    codes: ['protocol_error', 'connection_failed'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'a length that is no number',
    answers: says(service, Buffer.from('zzzzversion 2')),
    codes: ['protocol_error'],
    // Over SSH, a start-up file that prints something looks like this.
    sshCodes: ['not_a_git_server'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'capabilities without end',
    answers: { advertisement: () => ({ body: first(service, first(encodePkt('version 2\n'), forever(encodePkt('agent=x\n')))) }) },
    codes: ['protocol_error'],
  },
  {
    side: 'source',
    name: 'zeros compressed a thousandfold',
    httpOnly: true,
    answers: { advertisement: () => ({ headers: { 'content-encoding': 'gzip' }, body: [gzipSync(Buffer.alloc(300 * MiB, '0005x'))] }) },
    codes: ['protocol_error', 'advertisement_too_large'],
    ...floods,
  },
  {
    side: 'source',
    name: 'empty lines compressed a thousandfold',
    httpOnly: true,
    answers: { advertisement: () => ({ headers: { 'content-encoding': 'gzip' }, body: [gzipSync(Buffer.alloc(300 * MiB, '0004'))] }) },
    codes: ['protocol_error', 'advertisement_too_large'],
    ...floods,
  },
  {
    side: 'source',
    name: 'an ERR line with a screen full of escapes',
    answers: says(service, pkts('ERR \x1b[2J\x1b]0;pwned\x07 no\r\n')),
    codes: ['remote_error'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'an unknown object format',
    answers: says(service, pkts('version 2\n', 'object-format=md5\n')),
    codes: ['protocol_error'],
  },
  {
    side: 'source',
    name: 'version 2 announced and no version 2 spoken',
    answers: { 'ls-refs': () => body(pkts(`${oid} HEAD\0multi_ack`, `${oid} refs/heads/main`)) },
    codes: [null, 'protocol_error', 'remote_error', 'source_empty', 'refs_rejected'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'drops that never become an advertisement',
    answers: { advertisement: () => ({ body: drip(encodePkt('x'.repeat(60_000))) }) },
    ...waits,
    codes: [...waits.codes, 'protocol_error'],
  },
  {
    side: 'source',
    name: 'an advertisement in drops',
    answers: { advertisement: () => ({ body: drip(encodePkt('version 2\n')) }) },
    ...waits,
    codes: [...waits.codes, 'protocol_error'],
  },
  // Lists
  {
    side: 'source',
    name: 'refs without end',
    answers: { 'ls-refs': () => ({ body: forever(encodePkt(`${oid} refs/heads/x\n`)) }) },
    codes: ['advertisement_too_large'],
    ...floods,
    mostMs: 60_000,
  },
  {
    side: 'source',
    name: '500,000 refs, to be planned only',
    answers: {
      'ls-refs': () => ({ body: many(500_000, (index) => `${otherOid(index % 1000)} refs/heads/${index}/branch-with-a-name\n`) }),
    },
    codes: [null],
    options: ['--dry-run'],
    mostMs: 60_000,
    mostMiB: 700,
  },
  {
    side: 'source',
    name: 'refs without end, in a function of 256 MB',
    answers: { 'ls-refs': () => ({ body: forever(encodePkt(`${oid} refs/heads/x\n`)) }) },
    codes: ['advertisement_too_large'],
    functionMiB: 256,
    isQuick: true,
  },
  {
    side: 'source',
    name: '500,000 refs in a function of 256 MB',
    answers: { 'ls-refs': () => ({ body: many(500_000, (index) => `${otherOid(index)} refs/heads/${index}/branch-with-a-name\n`) }) },
    codes: ['advertisement_too_large'],
    functionMiB: 256,
    mostMs: 60_000,
  },
  {
    side: 'source',
    name: '100,000 refs in a function of 256 MB, to be planned only',
    answers: { 'ls-refs': () => ({ body: many(100_000, (index) => `${otherOid(index)} refs/heads/${index}/branch-with-a-name\n`) }) },
    codes: [null],
    options: ['--dry-run'],
    functionMiB: 256,
    mostMs: 60_000,
  },
  {
    side: 'source',
    name: 'names of 900 bytes, as many as go, in a function of 256 MB',
    answers: { 'ls-refs': () => ({ body: many(26_000, (index) => `${otherOid(index)} refs/heads/${index}/${'n'.repeat(890)}\n`) }) },
    codes: [null],
    options: ['--dry-run'],
    functionMiB: 256,
    mostMs: 60_000,
  },
  {
    side: 'target',
    name: '500,000 refs of a target, in a function of 256 MB',
    answers: targetRefs(500_000),
    codes: ['advertisement_too_large'],
    functionMiB: 256,
    mostMs: 60_000,
  },
  {
    side: 'target',
    name: '100,000 refs of a target, in a function of 256 MB, to be planned only',
    answers: targetRefs(100_000),
    codes: [null],
    options: ['--dry-run'],
    functionMiB: 256,
    mostMs: 60_000,
  },
  {
    side: 'source',
    name: 'a HEAD that stands for a tag',
    answers: headAt('refs/tags/t'),
    codes: [null],
  },
  {
    side: 'source',
    name: 'a HEAD that stands for a name of 64 KB',
    answers: headAt(`refs/heads/${'a'.repeat(60_000)}`),
    codes: ['refs_rejected'],
    mayMove: true,
  },
  {
    side: 'source',
    name: 'names of 64 KB',
    answers: { 'ls-refs': () => ({ body: many(500, (index) => `${oid} refs/heads/${index}${'/a'.repeat(32_000)}\n`) }) },
    codes: refused,
    ...floods,
  },
  {
    side: 'source',
    name: 'a hundred thousand names of five hundred folders',
    timeoutSeconds: 120,
    answers: { 'ls-refs': () => ({ body: many(100_000, (index) => `${oid} refs/heads/${index}${'/a'.repeat(480)}\n`) }) },
    codes: [null],
    options: ['--dry-run'],
    mostMs: 60_000,
    mostMiB: 900,
  },
  {
    side: 'source',
    name: 'names that no Git takes',
    answers: refs(
      `${oid} refs/heads/../../x`,
      `${oid} refs/heads/a.lock`,
      `${oid} refs/heads/\x1b[31mred`,
      `${oid} refs/heads/a..b`,
      `${oid} refs/tags/${'\x07'.repeat(9)}`,
      `${oid} refs/heads/`,
    ),
    codes: ['refs_rejected'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'each ref twice, with two values',
    answers: refs(`${otherOid(1)} refs/heads/main`, `${oid} refs/heads/main`),
    codes: [null],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'symbolic refs that name themselves',
    answers: {
      'ls-refs': () =>
        body(
          pkts(
            `${oid} HEAD symref-target:HEAD`,
            `${oid} refs/heads/a symref-target:refs/heads/b`,
            `${oid} refs/heads/b symref-target:refs/heads/a`,
            `${oid} refs/heads/main`,
          ),
        ),
    },
    codes: [null],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'refs of objects that it does not have',
    answers: { ...refs(`${otherOid(1)} refs/heads/gone`, `${oid} refs/heads/main`) },
    codes: ['unpack_failed', 'objects_refused', 'refs_rejected', 'report_missing'],
    mayMove: true,
    isQuick: true,
  },
  {
    side: 'source',
    name: 'a list in drops',
    answers: { 'ls-refs': () => ({ body: drip(encodePkt(`${oid} refs/heads/main`)) }) },
    ...waits,
    codes: [...waits.codes, 'protocol_error'],
  },
  // Packs
  {
    side: 'source',
    name: 'a pack with a wrong checksum',
    answers: pack(flip(rightPack, rightPack.length - 3)),
    codes: ['pack_corrupt'],
    isQuick: true,
  },
  { side: 'source', name: 'a pack with a damaged object', answers: pack(flip(rightPack, 20)), codes: ['pack_corrupt'] },
  {
    side: 'source',
    name: 'a pack that has fewer objects than it says',
    answers: pack(withCount(1000)),
    codes: ['unpack_failed', 'objects_refused', 'refs_rejected', 'report_missing'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'a pack that has more objects than it says',
    answers: pack(withCount(1)),
    codes: ['unpack_failed', 'objects_refused', 'refs_rejected', 'report_missing'],
  },
  {
    side: 'source',
    name: 'an empty pack for what is not there',
    answers: pack(makePack([])),
    codes: ['unpack_failed', 'objects_refused', 'refs_rejected', 'report_missing'],
  },
  {
    side: 'source',
    name: 'four billion objects',
    answers: pack(withCount(0xffffffff)),
    codes: ['unpack_failed', 'objects_refused', 'refs_rejected', 'report_missing'],
  },
  {
    side: 'source',
    name: 'a pack that ends early',
    answers: { fetch: () => body(packAnswer(rightPack).subarray(0, -40)) },
    codes: ['pack_truncated', 'protocol_error'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'bytes behind the end',
    answers: { fetch: () => body(packAnswer(rightPack), Buffer.from('0006\x01x')) },
    codes: ['protocol_error', null],
  },
  {
    side: 'source',
    name: 'no pack but a web page',
    answers: { fetch: () => body(Buffer.from('<html>')) },
    codes: ['protocol_error'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'a filter announced and refused',
    answers: { fetch: (asked) => (asked.includes('filter') ? body(pkts('ERR filter not allowed')) : undefined) },
    ...keepDivergent,
    codes: [...diverged, null],
  },
  {
    side: 'source',
    name: 'words on band 2 without end',
    answers: { fetch: () => ({ body: first(encodePkt('packfile\n'), forever(encodePkt(Buffer.from(`\x02${'x'.repeat(60_000)}`)))) }) },
    ...waits,
    ...floods,
  },
  {
    side: 'source',
    name: 'packets without content, without end',
    answers: { fetch: () => ({ body: first(encodePkt('packfile\n'), forever(Buffer.alloc(50_000, '0005\x01'))) }) },
    ...waits,
    ...floods,
  },
  {
    side: 'source',
    name: 'acknowledgements without end',
    answers: {
      fetch: () => ({
        body: first(
          encodePkt('acknowledgments\n'),
          forever(Buffer.concat(Array.from({ length: 1000 }, (_, index) => encodePkt(`ACK ${otherOid(index)}\n`)))),
        ),
      }),
    },
    codes: ['advertisement_too_large'],
    isQuick: true,
    ...floods,
  },
  {
    side: 'source',
    name: 'a pack in drops',
    answers: { fetch: () => ({ body: drip(packAnswer(rightPack).subarray(0, 60)) }) },
    ...waits,
    codes: [...waits.codes, 'pack_corrupt', 'pack_truncated', 'protocol_error'],
  },
  { side: 'source', name: 'nothing at all', answers: { fetch: () => ({ body: [], staysOpen: true }) }, ...waits, isQuick: true },
  // History questions
  {
    side: 'source',
    name: 'a commit that inflates a thousandfold',
    answers: historyOnly(bomb('commit')),
    ...keepDivergent,
    ...floods,
    mostMs: 30_000,
  },
  {
    side: 'source',
    name: 'commits that inflate by deltas',
    answers: historyOnly(deltaBomb()),
    ...keepDivergent,
    ...floods,
    mostMs: 30_000,
  },
  {
    side: 'source',
    name: 'a history of objects that are none',
    answers: historyOnly(makePack([{ type: 'commit', content: Buffer.from('no commit at all') }])),
    ...keepDivergent,
    isQuick: true,
  },
  {
    side: 'source',
    name: 'questions answered in drops',
    answers: { fetch: () => ({ body: drip(encodePkt('packfile\n')) }) },
    ...keepDivergent,
    timeoutSeconds: 3,
    mostMs: 12_000,
    codes: [...waits.codes, ...diverged],
  },
  // LFS scans
  {
    side: 'source',
    name: 'a million tiny blobs where pointers are looked for',
    answers: pack(tinyBlobs()),
    timeoutSeconds: 150,
    codes: ['unpack_failed', 'objects_refused', 'refs_rejected', 'report_missing', 'lfs_scan_failed'],
    options: ['--lfs', 'on'],
    mostMs: 150_000,
    mostMiB: 420,
  },
  {
    side: 'source',
    name: 'a blob that inflates a thousandfold where pointers are looked for',
    answers: pack(bomb('blob')),
    codes: ['unpack_failed', 'objects_refused', 'refs_rejected', 'report_missing', 'lfs_scan_failed'],
    options: ['--lfs', 'on'],
    ...floods,
  },
  // Redirects
  {
    side: 'source',
    name: 'a redirect to an address of the inside',
    httpOnly: true,
    answers: {
      advertisement: () => ({ status: 302, headers: { location: 'http://10.0.0.1/x/info/refs?service=git-upload-pack' }, body: [] }),
    },
    codes: ['address_blocked', 'redirect_refused'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'a redirect to the metadata service in decimal',
    httpOnly: true,
    answers: {
      advertisement: () => ({ status: 301, headers: { location: 'http://2852039166/latest/info/refs?service=git-upload-pack' }, body: [] }),
    },
    codes: ['address_blocked', 'redirect_refused'],
    isQuick: true,
  },
  {
    side: 'source',
    name: 'redirects in a circle',
    httpOnly: true,
    answers: { advertisement: () => ({ status: 302, headers: { location: '/x.git/info/refs?service=git-upload-pack' }, body: [] }) },
    codes: ['redirect_refused'],
  },
  // Targets
  { side: 'target', name: 'a target that speaks version 2', answers: targetSays('version 2\n', 'ls-refs\n'), codes: ['protocol_error'] },
  {
    side: 'target',
    name: 'a target with refs without end',
    answers: { advertisement: (name) => (name === 'git-receive-pack' ? { body: forever(encodePkt(`${oid} refs/heads/x\n`)) } : undefined) },
    codes: ['advertisement_too_large', 'protocol_error'],
    mostMiB: 400,
    mostMs: 60_000,
  },
  {
    side: 'target',
    name: 'a target with names of 32,000 folders',
    answers: {
      advertisement: (name) =>
        name === 'git-receive-pack'
          ? {
              body: first(
                encodePkt(`${oid} refs/heads/a\0report-status\n`),
                many(400, (index) => `${oid} refs/heads/${index}${'/a'.repeat(32_000)}`),
              ),
            }
          : undefined,
    },
    codes: [null, 'refs_rejected', 'report_missing'],
    mostMiB: 400,
  },
  {
    side: 'target',
    name: 'a target that is shallow at a million commits',
    answers: targetShows(1_000_000, (index) => `shallow ${otherOid(index)}`),
    codes: ['protocol_error'],
    isQuick: true,
  },
  {
    side: 'target',
    name: 'a target that has a million objects of others',
    answers: targetShows(1_000_000, (index) => `${otherOid(index)} .have`),
    codes: ['refs_rejected'],
    mostMiB: 400,
    mostMs: 60_000,
  },
  {
    side: 'target',
    name: 'a target that lists each ref twice, with two values',
    answers: targetSays(`${otherOid(1)} refs/heads/other\0report-status`, `${otherOid(2)} refs/heads/other`),
    codes: [null, 'refs_rejected', 'report_missing'],
  },
  {
    side: 'target',
    name: 'a target that announces all there is, and reports with options',
    answers: {
      ...targetSays(
        `${'0'.repeat(40)} capabilities^{}\0report-status report-status-v2 side-band-64k atomic push-options delete-refs quiet`,
      ),
      ...report('unpack ok', 'ok refs/heads/main', 'option refname refs/heads/else', `option old-oid ${oid}`, 'option forced-update'),
    },
    codes: [null],
    // Over SSH it answers before the pack has come.
    sshCodes: [null, 'protocol_error'],
    isQuick: true,
  },
  {
    side: 'target',
    name: 'a target that announces no report, and gives none',
    answers: { ...targetSays(`${'0'.repeat(40)} capabilities^{}\0ofs-delta`), push: () => body() },
    codes: ['refs_rejected', 'report_missing'],
  },
  {
    side: 'target',
    name: 'a report that says yes and then no',
    answers: report('unpack ok', 'ok refs/heads/main', 'ng refs/heads/main no'),
    codes: ['refs_rejected'],
  },
  {
    side: 'target',
    name: 'a report that is not of this push: its pack failed, its refs are well',
    answers: report('unpack index-pack abnormal exit', 'ok refs/heads/main'),
    codes: ['unpack_failed', 'refs_rejected'],
  },
  {
    side: 'target',
    name: 'a report on other refs',
    answers: report('unpack ok', 'ok refs/heads/other'),
    codes: ['refs_rejected', 'report_missing'],
    isQuick: true,
  },
  {
    side: 'target',
    name: 'a report with millions of refs',
    answers: {
      push: () => ({
        body: first(
          Buffer.alloc(0),
          many(3_000_000, (index) => Buffer.concat([Buffer.from([1]), encodePkt(`ok refs/heads/${index}`)]).toString('latin1')),
        ),
      }),
    },
    codes: ['refs_rejected', 'report_missing', 'advertisement_too_large'],
    ...floods,
    mostMs: 60_000,
  },
  {
    side: 'target',
    name: 'reasons full of escapes, cut-off keys and 60 KB of words',
    answers: report('unpack ok', `ng refs/heads/main ${'-----BEGIN PRIVATE KEY-----'.repeat(2000)}\x1b[2J!`),
    codes: ['refs_rejected'],
  },
  {
    side: 'target',
    name: 'a report that says no and no more',
    answers: report('unpack \x1b[31mno space left'),
    codes: ['unpack_failed'],
    isQuick: true,
  },
  {
    side: 'target',
    name: 'a target that ends without a word',
    answers: { push: () => body() },
    codes: ['refs_rejected', 'report_missing'],
  },
  { side: 'target', name: 'a target that never reads', answers: { push: () => ({ body: [], staysOpen: true }) }, ...waits, isQuick: true },
  {
    side: 'target',
    name: 'a report in drops',
    answers: { push: () => ({ body: drip(encodePkt(Buffer.from('\x02wait'))) }) },
    ...waits,
    codes: [...waits.codes, 'report_missing', 'refs_rejected', 'protocol_error'],
  },
  {
    side: 'target',
    name: 'words of hooks without end',
    answers: { push: () => ({ body: forever(encodePkt(Buffer.from(`\x02${'y'.repeat(60_000)}`))) }) },
    ...waits,
    ...floods,
    codes: [...waits.codes, 'refs_rejected', 'report_missing'],
  },
];
