import { describe, expect, it } from 'vitest';
import { isSameOrigin } from '../../lib/console/same-origin.ts';

const publicUrl = 'https://ferry.example.org';

describe('isSameOrigin', () => {
  it.each([
    [true, { 'sec-fetch-site': 'same-origin' }],
    [true, { origin: publicUrl }],
    [true, { origin: 'http://127.0.0.1:8787', host: '127.0.0.1:8787' }],
    [false, {}],
    [false, { 'sec-fetch-site': 'cross-site' }],
    [false, { 'sec-fetch-site': 'same-site' }],
    [false, { 'sec-fetch-site': 'none' }],
    [false, { 'sec-fetch-site': 'cross-site', origin: publicUrl }],
    [false, { origin: 'null' }],
    [false, { origin: '' }],
    [false, { origin: 'https://ferry.example.org.evil.example' }],
    [false, { origin: 'http://ferry.example.org', host: 'other' }],
    [false, { origin: 'https://evil.example', host: 'ferry.example.org' }],
    [false, { host: 'ferry.example.org' }],
    [false, { referer: publicUrl }],
  ])('is %s for %j', (expected, headers) => {
    const request = { headers: new Headers(headers as Record<string, string>) } as Request;
    expect(isSameOrigin(request, publicUrl)).toBe(expected);
  });
});
