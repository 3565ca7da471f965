import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchRequest, encodeBatchRequest, expiryOf, headerOf, parseBatchAnswer } from '../../lib/lfs/batch-message.ts';

const object = { oid: 'a'.repeat(64), size: 12 };
const request: BatchRequest = { operation: 'download', objects: [object], ref: 'refs/heads/main' };
const href = 'https://lfs.example.org/a';
const parse = (objects: unknown, asked: Partial<BatchRequest> = {}) =>
  parseBatchAnswer(JSON.stringify({ objects }), { ...request, ...asked }, 1_000);

describe('a batch request', () => {
  it('names operation, transfer, ref, hash and objects', () => {
    expect(JSON.parse(encodeBatchRequest(request).toString())).toEqual({
      operation: 'download',
      transfers: ['basic'],
      ref: { name: 'refs/heads/main' },
      objects: [object],
      hash_algo: 'sha256',
    });
  });
});

describe('a batch answer', () => {
  it('gives an entry for each object, in the order of the request, and ignores the rest', () => {
    const second = { oid: 'b'.repeat(64), size: 3 };
    const answer = parse(
      [
        { oid: 'c'.repeat(64), size: 1, actions: { download: { href } } },
        { ...second, error: { code: 404, message: 'gone' } },
        { ...object, authenticated: true, actions: { download: { href, header: { Accept: 'x' }, expires_in: 60 } } },
      ],
      { objects: [object, second] },
    );
    expect(answer).toEqual([
      { ...object, kind: 'actions', authenticated: true, download: { href: new URL(href), header: { accept: 'x' }, expiresAt: 61_000 } },
      { ...second, kind: 'error', status: 404, words: 'gone' },
    ]);
  });

  it('counts the first of several entries, and asks for our credential unless it says that links need none', () => {
    const entry = (more: object) => ({ ...object, actions: { download: { href } }, ...more });
    expect(parse([entry({}), entry({ authenticated: true }), { ...object, error: { code: 404 } }])).toMatchObject([
      { kind: 'actions', authenticated: false },
    ]);
    for (const [authenticated, expected] of [
      [true, true],
      [false, false],
      ['yes', false],
    ])
      expect(parse([entry({ authenticated })])).toMatchObject([{ authenticated: expected }]);
  });

  it.each<[string, unknown]>([
    ['of another size', { ...object, size: 13, actions: { download: { href } } }],
    ['without a size', { oid: object.oid, actions: { download: { href } } }],
    ['without a link', object],
    ['with a link that is none', { ...object, actions: { download: { href: 'nowhere' } } }],
    ['with a link to a file', { ...object, actions: { download: { href: 'file:///etc/passwd' } } }],
    ['with a header that breaks the line', { ...object, actions: { download: { href, header: { x: 'a\r\nb: c' } } } }],
    ['with actions that are a list', { ...object, actions: [] }],
  ])('is absurd for an object %s', (_, entry) => {
    expect(parse([entry])).toMatchObject([{ kind: 'absurd' }]);
  });

  it.each(['', 'x', '[]', '{}', '{"objects":1}', '{"transfer":"ssh","objects":[]}', '{"hash_algo":"sha512","objects":[]}'])(
    'is none at all: %s',
    (text) => {
      expect(parseBatchAnswer(text, request, 0)).toBeUndefined();
    },
  );

  it('never throws, and answers for every object or none', () => {
    fc.assert(
      fc.property(fc.json(), fc.array(fc.json(), { maxLength: 3 }), (text, entries) => {
        expect(parseBatchAnswer(text, request, 0)?.length ?? 1).toBe(1);
        expect(
          parse(entries.map((entry) => ({ ...object, ...JSON.parse(`{"x":${entry}}`), actions: JSON.parse(entry) })))?.length ?? 1,
        ).toBe(1);
      }),
    );
  });
});

describe('what goes with a link', () => {
  it('never speaks for the connection, nor brings user info', () => {
    const ofConnection = ['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Expect', 'Upgrade', 'TE', 'Accept-Encoding'];
    const given = { ...Object.fromEntries(ofConnection.map((name) => [name, '1'])), Authorization: 'RemoteAuth t' };
    expect(headerOf(given)).toEqual({ authorization: 'RemoteAuth t' });
    expect(parse([{ ...object, actions: { download: { href: 'https://ada:secret@lfs.example.org/a' } } }])).toMatchObject([
      { download: { href: new URL(href) } },
    ]);
  });

  it.each([
    [{ expires_in: 60, expires_at: '1999-01-01T00:00:00Z' }, 61_000],
    [{ expires_at: '1970-01-01T00:01:00Z' }, 60_000],
    [{ expires_at: '0001-01-01T00:00:00Z' }, undefined],
    [{ expires_in: 0 }, undefined],
    [{ expires_at: 'soon' }, undefined],
    [{ expires_at: '+275760-09-13T00:00:00.001Z' }, undefined],
    [{ expires_in: -60 }, -59_000],
    [{ expires_in: 1e308 }, Number.POSITIVE_INFINITY],
    [{ expires_in: -1e308 }, Number.NEGATIVE_INFINITY],
    [{ expires_in: Number.POSITIVE_INFINITY }, undefined],
    [{ expires_in: '60' }, undefined],
    [{ expires_in: {}, expires_at: [] }, undefined],
    [{}, undefined],
  ])('expires as %j says', (fields, at) => {
    expect(expiryOf(fields, 1_000)).toBe(at);
  });
});
