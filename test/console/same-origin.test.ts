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
    // The scheme counts as well.
    [false, { origin: 'https://127.0.0.1:8787', host: '127.0.0.1:8787' }],
    [false, { origin: 'http://127.0.0.1', host: '127.0.0.1:8787' }],
    [false, { origin: 'http://127.0.0.1:8787/', host: '127.0.0.1:8787' }],
    [false, { origin: 'ftp://127.0.0.1:8787', host: '127.0.0.1:8787' }],
    [false, { origin: 'http://127.0.0.1:8787', host: 'a b' }],
  ])('is %s for %j', (expected, headers) => {
    expect(isSameOrigin(asked('http://127.0.0.1:8787/projects', headers as Record<string, string>), publicUrl)).toBe(expected);
  });

  // TLS ends before us: what arrives is http, and names the host or, as nginx writes it, the host without its port.
  it.each([
    [true, 'https://ferry.example.org', 'ferry.example.org'],
    [true, 'https://ferry.example.org', '127.0.0.1:8787'],
    [false, 'http://ferry.example.org', 'ferry.example.org'],
    [false, 'http://ferry.example.org:80', 'ferry.example.org'],
    [false, 'https://ferry.example.org:8443', 'ferry.example.org:8443'],
    [false, 'http://ferry.example.org:8443', 'ferry.example.org:8443'],
  ])('is %s behind a proxy that ends TLS, for a page of %s when asked as %s', (expected, origin, host) => {
    expect(isSameOrigin(asked(`http://${host}/projects`, { origin, host }), publicUrl)).toBe(expected);
  });

  // API Gateway's own name beside that of the domain: always TLS.
  it.each([
    [true, 'https://abc.execute-api.eu-west-1.amazonaws.com'],
    [true, publicUrl],
    [false, 'http://abc.execute-api.eu-west-1.amazonaws.com'],
    [false, 'http://ferry.example.org'],
    [false, 'https://abd.execute-api.eu-west-1.amazonaws.com'],
  ])('is %s on Lambda for a page of %s', (expected, origin) => {
    const host = 'abc.execute-api.eu-west-1.amazonaws.com';
    expect(isSameOrigin(asked(`https://${host}/projects`, { origin, host }), publicUrl)).toBe(expected);
  });
});

function asked(url: string, headers: Record<string, string>): Pick<Request, 'headers' | 'url'> {
  return { url, headers: new Headers(headers) };
}
