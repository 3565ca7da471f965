import { describe, expect, it } from 'vitest';
import { type BodyRules, RequestBodies } from '../../lib/core/request-bodies.ts';

/** A request whose body comes in pieces of 10 bytes as they are asked for. */
function streaming(headers: Record<string, string>, { breakAfter = 10_000, endAfter = 10_000 } = {}) {
  const state = { pieces: 0 };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (state.pieces >= breakAfter) return controller.error(new Error('reset'));
        if (state.pieces >= endAfter) return controller.close();
        state.pieces += 1;
        controller.enqueue(new Uint8Array(10).fill(state.pieces));
      },
    },
    { highWaterMark: 0 },
  );
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers, body, duplex: 'half' };
  return { request: new Request('http://127.0.0.1/', init), state };
}

const account = { totalBytes: 100, senderBytes: 60 };
const rules = { maxBytes: 30, withinMs: 60_000, sender: 'one' };

function stalled(headers: Record<string, string>): Request {
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers, body: new ReadableStream(), duplex: 'half' };
  return new Request('http://127.0.0.1/', init);
}

/** The bytes, or why there are none. */
async function bytesOf(request: Request, more: Partial<BodyRules> = {}, bodies = new RequestBodies(account)) {
  const body = await bodies.read(request, { ...rules, ...more });
  if (typeof body === 'string') return body;
  body.release();
  return body.bytes;
}

describe('a body', () => {
  it.each([
    ['with its length', { 'content-length': '30' }],
    ['without', {}],
  ])('that fits is read, %s', async (_, headers) => {
    const body = await bytesOf(streaming(headers, { endAfter: 3 }).request);
    expect(body).toHaveLength(30);
    expect([...(body as Uint8Array)].at(-1)).toBe(3);
  });

  it('that is none has no bytes', async () => {
    expect(await bytesOf(new Request('http://127.0.0.1/', { method: 'POST' }))).toHaveLength(0);
  });

  it('without stated length is read no further when it is too long', async () => {
    const { request, state } = streaming({});
    expect(await bytesOf(request)).toBe('too_large');
    expect(state.pieces).toBeLessThan(10);
  });

  it('whose stated length is over the limit is not read', async () => {
    const { request, state } = streaming({ 'content-length': '31' }, { endAfter: 4 });
    expect(await bytesOf(request)).toBe('too_large');
    expect(state.pieces).toBe(0);
  });

  it('that is longer than stated is refused', async () => {
    expect(await bytesOf(streaming({ 'content-length': '30' }, { endAfter: 4 }).request)).toBe('too_large');
  });

  it.each([
    ['with its length', { 'content-length': '30' }],
    ['without', {}],
  ])('whose sender breaks off is incomplete, %s', async (_, headers) => {
    expect(await bytesOf(streaming(headers, { breakAfter: 2 }).request)).toBe('incomplete');
  });

  it.each([
    ['with its length', { 'content-length': '30' }],
    ['without', {}],
  ])('that does not come is given up, %s', async (_, headers) => {
    expect(await bytesOf(stalled(headers), { withinMs: 1 })).toBe('too_slow');
  });
});

describe('the account of all bodies', () => {
  const thirty = (headers: Record<string, string>): Request => streaming(headers, { endAfter: 3 }).request;

  it.each([
    ['with their length', { 'content-length': '30' }],
    ['without', {}],
  ])('has room for two of one sender and for others, until they are released (%s)', async (_, headers) => {
    const bodies = new RequestBodies(account);
    const one = await bodies.read(thirty(headers), rules);
    const two = await bodies.read(thirty(headers), rules);
    expect([typeof one, typeof two]).toEqual(['object', 'object']);
    expect(await bytesOf(thirty(headers), {}, bodies)).toBe('busy');
    expect(await bytesOf(thirty(headers), { sender: 'another' }, bodies)).toHaveLength(30);
    const three = await bodies.read(thirty(headers), { ...rules, sender: 'another' });
    expect(await bytesOf(thirty(headers), { sender: 'a third' }, bodies)).toBe('busy');
    for (const body of [one, two, three]) if (typeof body !== 'string') body.release();
    expect(await bytesOf(thirty(headers), {}, bodies)).toHaveLength(30);
  });

  it('holds the stated length of what has not come yet, and gives it back', async () => {
    const bodies = new RequestBodies(account);
    const open = [stalled({ 'content-length': '30' }), stalled({ 'content-length': '30' })];
    const readings = open.map((request) => bodies.read(request, { ...rules, withinMs: 100 }));
    expect(await bytesOf(thirty({}), {}, bodies)).toBe('busy');
    expect(await Promise.all(readings)).toEqual(['too_slow', 'too_slow']);
    expect(await bytesOf(thirty({}), {}, bodies)).toHaveLength(30);
  });

  it('gives back what was refused or broken off', async () => {
    const bodies = new RequestBodies(account);
    for (let count = 0; count < 10; count++) {
      expect(await bytesOf(streaming({}, { breakAfter: 2 }).request, {}, bodies)).toBe('incomplete');
      expect(await bytesOf(streaming({}).request, {}, bodies)).toBe('too_large');
      expect(await bytesOf(streaming({ 'content-length': '30' }, { endAfter: 4 }).request, {}, bodies)).toBe('too_large');
    }
    expect(await bytesOf(thirty({}), {}, bodies)).toHaveLength(30);
  });
});
