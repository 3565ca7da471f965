/** LFS servers that lie, flood and stall, at each stage of one object's way. */
import type { HostileCase } from './hostile-cases.ts';
import { type AskedLfs, json, type LfsAnswers, type LfsStage, lfsContent } from './hostile-lfs-server.ts';
import type { HostileAnswer } from './hostile-server.ts';

type LfsCase = Pick<HostileCase, 'name' | 'codes' | 'timeoutSeconds' | 'mostMs' | 'mostMiB' | 'isQuick'> & { readonly lfs: LfsAnswers };

const waits = { codes: ['deadline_exceeded', 'timed_out'], timeoutSeconds: 4, mostMs: 14_000 } as const;

function* forever(part: string | Uint8Array): Generator<Uint8Array> {
  const bytes = Buffer.from(part);
  for (;;) yield bytes;
}
function* first(part: string | Uint8Array, then: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield Buffer.from(part);
  yield* then;
}
async function* drip(text: string): AsyncGenerator<Uint8Array> {
  for (const letter of text.repeat(1000)) {
    yield Buffer.from(letter);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const type = { 'content-type': 'application/vnd.git-lfs+json' };
const endless = (start: string, part: string) => (): HostileAnswer => ({ headers: type, body: first(start, forever(part.repeat(500))) });
const stuck = (): HostileAnswer => ({ body: [], staysOpen: true });
const redirect =
  (location: string, status = 307) =>
  (): HostileAnswer => ({ status, headers: { location }, body: [] });
/** Changes the source's answer for the one object. */
const object =
  (change: (asked: AskedLfs) => object | readonly object[]) =>
  (asked: AskedLfs): HostileAnswer =>
    json({ objects: [change(asked)].flat() });
const link = (href: string, more: object = {}) => object(({ oid, size }) => ({ oid, size, actions: { download: { href, ...more } } }));
const onBoth = (codes: LfsCase['codes'], answer: NonNullable<LfsAnswers[LfsStage]>, name: string): LfsCase[] =>
  (['ask source', 'ask target'] as const).map((stage) => ({ name: `${name} (${stage})`, codes, lfs: { [stage]: answer } }));
const inside = 'http://10.0.0.1/o';

const cases: readonly LfsCase[] = [
  ...onBoth(['lfs_protocol_error'], endless('{"objects":[', '{"oid":"a","size":1},'), 'an answer without end'),
  ...onBoth(['lfs_protocol_error'], () => json('['.repeat(2_000_000)), 'brackets two million deep'),
  ...onBoth(
    ['lfs_protocol_error'],
    ({ oid, size }) => json(`{"objects":[{"oid":"${oid}","size":${size},"actions":${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}}]}`),
    'actions half a million deep',
  ),
  ...onBoth(['lfs_protocol_error'], () => json('null'), 'null'),
  ...onBoth(['lfs_protocol_error'], () => json({ objects: {} }), 'objects that are no list'),
  ...onBoth(['lfs_protocol_error'], () => json({ objects: [null, 1, 'x', [], { oid: 1 }] }), 'objects that are none'),
  ...onBoth(['lfs_protocol_error'], () => json({ objects: [] }), 'an answer that leaves the object out'),
  ...onBoth(['lfs_protocol_error'], ({ oid }) => json({ objects: [{ oid, size: -1, actions: {} }] }), 'a negative size'),
  ...onBoth(['lfs_protocol_error'], ({ oid }) => json(`{"objects":[{"oid":"${oid}","size":1e400}]}`), 'an endless size'),
  ...onBoth(['lfs_protocol_error'], ({ oid }) => json({ objects: [{ oid, size: 2 ** 53 }] }), 'a size that no number holds'),
  ...onBoth(['lfs_disabled'], () => ({ headers: { 'content-type': 'text/html' }, body: [Buffer.from('<html>')] }), 'a web page'),
  ...onBoth(['redirect_refused', 'address_blocked'], redirect(inside), 'a redirect inside'),
  ...(['source', 'target'] as const).map(
    (end): LfsCase => ({
      name: `redirects in a circle (ask ${end})`,
      codes: ['redirect_refused'],
      lfs: { [`ask ${end}`]: ({ origin }: AskedLfs) => redirect(`${origin}/${end}/objects/batch`)() },
    }),
  ),
  ...onBoth(['redirect_refused', 'lfs_protocol_error'], redirect('file:///etc/passwd'), 'a redirect to a file'),
  ...onBoth(waits.codes, stuck, 'silence').map((each) => ({ ...each, ...waits })),
  ...onBoth(waits.codes, () => ({ headers: type, body: drip('{"objects":[') }), 'drops').map((each) => ({ ...each, ...waits })),
  {
    name: 'objects that nobody asked for, and each twice: the first counts',
    codes: [null],
    isQuick: true,
    lfs: {
      'ask source': object(({ origin, oid, size }) => [
        ...Array.from({ length: 5000 }, (_, index) => ({
          oid: String(index).padStart(64, '0'),
          size,
          actions: { download: { href: inside } },
        })),
        { oid, size, actions: { download: { href: `${origin}/down/x` } } },
        { oid, size: 1, actions: { download: { href: inside } } },
      ]),
    },
  },
  {
    name: 'thousands of actions',
    codes: [null],
    lfs: {
      'ask source': object(({ origin, oid, size }) => ({
        oid,
        size,
        actions: {
          ...Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`a${index}`, { href: inside }])),
          download: { href: `${origin}/down/x` },
        },
      })),
    },
  },
  {
    name: 'a header of a thousand lines',
    // The test's own server refuses such a head.
    codes: [null, 'lfs_object_missing'],
    lfs: {
      'ask source': ({ origin, ...asked }) =>
        link(`${origin}/down/x`, {
          header: Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`x-${index}`, 'y'.repeat(90)])),
        })({
          origin,
          ...asked,
        }),
    },
  },
  {
    name: 'a header with a second one in its value',
    codes: ['lfs_protocol_error'],
    isQuick: true,
    lfs: { 'ask source': (asked) => link(`${asked.origin}/down/x`, { header: { a: 'b\r\nhost: inside' } })(asked) },
  },
  {
    name: 'a link with user info',
    codes: [null],
    lfs: { 'ask source': (asked) => link(`${asked.origin.replace('//', '//some:body@')}/down/x`)(asked) },
  },
  ...[inside, 'http://169.254.169.254/latest', 'http://2852039166/latest', 'http://[::ffff:10.0.0.1]/o', 'http://0x7f.1.0.0@10.1/'].map(
    (href): LfsCase => ({
      name: `a link to ${href}`,
      codes: ['address_blocked'],
      isQuick: href === inside,
      lfs: { 'ask source': link(href) },
    }),
  ),
  ...['file:///etc/passwd', 'gopher://10.0.0.1/', 'javascript:1', '', '//', 'ssh://git@10.0.0.1/x'].map(
    (href): LfsCase => ({ name: `a link to ${JSON.stringify(href)}`, codes: ['lfs_protocol_error'], lfs: { 'ask source': link(href) } }),
  ),
  {
    name: 'uploads to an address of the inside',
    codes: ['address_blocked'],
    lfs: { 'ask target': object(({ oid, size }) => ({ oid, size, actions: { upload: { href: inside } } })) },
  },
  {
    name: 'a verification at an address of the inside',
    codes: ['address_blocked'],
    lfs: { 'ask target': object(({ oid, size }) => ({ oid, size, actions: { verify: { href: inside } } })) },
  },
  ...[301, 302, 303, 307, 308].map(
    (status): LfsCase => ({
      name: `a download that redirects inside (${status})`,
      codes: ['address_blocked', 'redirect_refused'],
      lfs: { download: redirect(inside, status) },
    }),
  ),
  {
    name: 'downloads that redirect in a circle',
    codes: ['redirect_refused'],
    lfs: { download: ({ origin }) => redirect(`${origin}/down/x`)() },
  },
  {
    name: 'uploads that are redirected inside',
    codes: ['lfs_transfer_failed', 'lfs_protocol_error', 'redirect_refused', 'lfs_object_refused'],
    lfs: { upload: redirect(inside) },
  },
  { name: 'a download that is silent', ...waits, lfs: { download: stuck } },
  { name: 'a download that goes silent', ...waits, lfs: { download: () => ({ body: [lfsContent.subarray(0, 1000)], staysOpen: true }) } },
  { name: 'a download in drops', ...waits, lfs: { download: () => ({ body: drip('large ') }) } },
  {
    name: 'a download without end',
    codes: ['lfs_object_corrupt'],
    isQuick: true,
    lfs: { download: () => ({ body: forever(lfsContent) }) },
  },
  {
    name: 'a download of four exabytes, as it says',
    codes: ['lfs_object_corrupt'],
    lfs: { download: () => ({ headers: { 'content-length': '4611686018427387904' }, body: [lfsContent], staysOpen: true }) },
  },
  {
    name: 'a download with other content',
    codes: ['lfs_object_corrupt'],
    isQuick: true,
    lfs: { download: () => ({ body: [Buffer.alloc(lfsContent.length, 'x')] }) },
  },
  { name: 'a download that is too short', codes: ['lfs_transfer_failed'], lfs: { download: () => ({ body: [lfsContent.subarray(1)] }) } },
  {
    name: 'a download that is compressed although nobody asked',
    codes: ['lfs_transfer_failed'],
    lfs: { download: () => ({ headers: { 'content-encoding': 'gzip' }, body: [lfsContent] }) },
  },
  { name: 'an upload that is never read', ...waits, lfs: { upload: stuck } },
  {
    name: 'an upload taken before it is there',
    codes: [null, 'lfs_protocol_error', 'lfs_transfer_failed', 'connection_failed'],
    lfs: { upload: () => ({ body: [] }) },
  },
  {
    name: 'an error page without end for an upload',
    codes: ['lfs_object_refused', 'lfs_access_denied', 'lfs_transfer_failed'],
    lfs: { upload: () => ({ status: 403, headers: { 'content-type': 'text/plain' }, body: forever(lfsContent) }) },
  },
  { name: 'a verification that is silent', ...waits, lfs: { verify: stuck } },
  { name: 'a verification answered without end', codes: [null], lfs: { verify: () => ({ body: forever(lfsContent) }) } },
  {
    name: 'links that have expired for ever',
    codes: [null, 'lfs_transfer_failed', 'lfs_access_denied', 'lfs_protocol_error'],
    lfs: { 'ask source': (asked) => link(`${asked.origin}/down/x`, { expires_in: -1e308 })(asked) },
  },
  {
    name: 'pauses of a century',
    codes: ['rate_limited'],
    lfs: { 'ask target': () => ({ status: 429, headers: { 'retry-after': '3153600000' }, body: [] }) },
  },
];

export const hostileLfsCases: readonly HostileCase[] = cases.map((each) => ({
  ...each,
  name: `LFS: ${each.name}`,
  side: 'source',
  answers: {},
}));
