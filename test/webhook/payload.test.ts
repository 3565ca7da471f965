import { describe, expect, it } from 'vitest';
import { at, completeRefs, listAt, parsePayload, textAt, textsAt } from '../../lib/webhook/payload.ts';

describe('parsePayload', () => {
  const json = '{"ref":"refs/heads/grün"}';
  it.each([
    ['JSON', json],
    ['JSON with a byte order mark', `\ufeff${json}`],
    ['JSON with space around it', `\r\n ${json}\n`],
    ['a form', `payload=${encodeURIComponent(json)}`],
    ['a form with + for spaces', `payload=${encodeURIComponent(json).replaceAll('%20', '+')}`],
    ['a form with other fields', `a=1&payload=${encodeURIComponent(json)}&b=2`],
  ])('reads %s', (_, text) => {
    expect(parsePayload(Buffer.from(text))).toEqual({ readable: true, value: { ref: 'refs/heads/grün' } });
  });

  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
  ])('takes %s for no payload', (_, text) => {
    expect(parsePayload(Buffer.from(text))).toEqual({ readable: true, value: undefined });
  });

  it.each([
    ['JSON that is cut short', '{"ref":'],
    ['text', 'hello'],
    ['a form without JSON in it', 'payload=hello'],
    ['a form of other fields', 'a=1&b=2'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0x00, 0xfe])],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])],
  ])('cannot read %s', (_, text) => {
    expect(parsePayload(Buffer.from(text as string))).toEqual({ readable: false });
  });

  it('ends soon on megabytes of brackets', () => {
    const started = performance.now();
    parsePayload(Buffer.from('['.repeat(4 * 1024 * 1024)));
    parsePayload(Buffer.from(`${'['.repeat(2 * 1024 * 1024)}${']'.repeat(2 * 1024 * 1024)}`));
    parsePayload(Buffer.from(`${'{"a":'.repeat(700_000)}1${'}'.repeat(700_000)}`));
    parsePayload(Buffer.from('&a='.repeat(1_300_000)));
    expect(performance.now() - started).toBeLessThan(60_000);
  });
});

describe('reading a payload', () => {
  const value = JSON.parse('{"a":{"b":["x",1,null]},"t":"text","__proto__":{"polluted":"yes"},"n":null}');

  it('gives what is there', () => {
    expect(at(value, 'a', 'b')).toEqual(['x', 1, null]);
    expect(textAt(value, 't')).toBe('text');
    expect(listAt(value, 'a', 'b')).toHaveLength(3);
    expect(textsAt(value, ['t', 'a', 'missing'])).toEqual(['text']);
  });

  it.each([
    ['a missing name', ['x']],
    ['beyond a text', ['t', 'length']],
    ['beyond null', ['n', 'x']],
    ['what every object inherits', ['constructor']],
    ['what a list inherits', ['a', 'b', 'map']],
  ])('gives undefined for %s', (_, names) => {
    expect(at(value, ...names)).toBeUndefined();
  });

  it('changes no prototype', () => {
    expect(textAt(value, 'polluted')).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([undefined, null, 1, 'text', [], true])('reads nothing from %s', (nothing) => {
    expect(textAt(nothing, 'ref')).toBeUndefined();
    expect(listAt(nothing, 'ref')).toEqual([]);
  });
});

describe('completeRefs', () => {
  it.each([
    ['full names', ['refs/heads/a', 'refs/tags/b'], ['refs/heads/a', 'refs/tags/b']],
    ['none', [], undefined],
    ['a short name among them', ['refs/heads/a', 'b'], undefined],
    ['something else among them', ['refs/heads/a', null], undefined],
  ])('%s', (_, refs, expected) => {
    expect(completeRefs(refs)).toEqual(expected);
  });
});
