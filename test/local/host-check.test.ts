import { describe, expect, it } from 'vitest';
import { createHostCheck } from '../../lib/local/host-check.ts';

const asked = (
  host: string | undefined,
  target = 'http://127.0.0.1:8787/',
  publicUrl: string | undefined = 'https://ferry.example.org:8443',
) => createHostCheck('127.0.0.1', publicUrl)(new Request(target, { headers: host === undefined ? {} : { host } }))?.status ?? 'ours';

describe('the check of hosts', () => {
  it.each([
    '127.0.0.1:8787',
    '127.0.0.1',
    'localhost:8787',
    'LocalHost.',
    // As proxies write it: nginx's $http_host, $host and $proxy_host.
    'ferry.example.org:8443',
    'ferry.example.org',
    'FERRY.example.org:443',
  ])('lets %s in', (host) => {
    expect(asked(host)).toBe('ours');
  });

  it.each([
    'evil.example:8787',
    'evil.example',
    'ferry.example.org.evil.example',
    'localhost.evil.example:8787',
    '127.0.0.1.evil.example',
    '127.0.0.2:8787',
    '[::1]:8787',
    'evil.example:127.0.0.1',
    '127.0.0.1@evil.example',
    '',
    undefined,
  ])('refuses %s', (host) => {
    expect(asked(host)).toBe(421);
  });

  it('refuses a request target with another host', () => {
    expect(asked('127.0.0.1:8787', 'http://evil.example/')).toBe(421);
  });

  it('knows no public host where none is set', () => {
    expect(createHostCheck('127.0.0.1', undefined)(new Request('http://x/', { headers: { host: 'ferry.example.org' } }))?.status).toBe(421);
  });
});
