import { describe, expect, it } from 'vitest';
import { readBody } from '../../lib/webhook/read-body.ts';

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

describe('readBody', () => {
  it.each([
    ['with its length', { 'content-length': '30' }],
    ['without', {}],
  ])('gives the bytes of a body that fits, %s', async (_, headers) => {
    const body = await readBody(streaming(headers, { endAfter: 3 }).request, 30);
    expect(body).toHaveLength(30);
    expect([...(body as Uint8Array)].at(-1)).toBe(3);
  });

  it('gives no bytes for no body', async () => {
    expect(await readBody(new Request('http://127.0.0.1/', { method: 'POST' }), 30)).toHaveLength(0);
  });

  it('stops reading a body without stated length when it is too long', async () => {
    const { request, state } = streaming({});
    expect(await readBody(request, 30)).toBe('too_large');
    expect(state.pieces).toBeLessThan(10);
  });

  it('reads nothing of a body whose stated length is over the limit', async () => {
    const { request, state } = streaming({ 'content-length': '31' }, { endAfter: 4 });
    expect(await readBody(request, 30)).toBe('too_large');
    expect(state.pieces).toBe(0);
  });

  it('refuses a body that is longer than stated', async () => {
    expect(await readBody(streaming({ 'content-length': '30' }, { endAfter: 4 }).request, 30)).toBe('too_large');
  });

  it.each([
    ['with its length', { 'content-length': '30' }],
    ['without', {}],
  ])('says that the sender broke off, %s', async (_, headers) => {
    expect(await readBody(streaming(headers, { breakAfter: 2 }).request, 30)).toBe('incomplete');
  });
});
