import { expect, it } from 'vitest';
import { isSameHost } from '../../../lib/git/transport/same-host.ts';

it.each([
  ['https://example.org/a', 'https://example.org/b', true],
  ['http://example.org/a', 'https://example.org/b', true],
  ['https://example.org/a', 'http://example.org/b', false],
  ['https://example.org/a', 'https://example.org:8443/b', false],
  ['http://example.org:80/a', 'http://example.org/b', true],
  ['http://example.org:8080/a', 'https://example.org:8080/b', false],
  ['http://example.org/a', 'https://example.org:8443/b', false],
  ['https://example.org/a', 'https://lfs.example.org/b', false],
  ['http://example.org/a', 'https://other.org/b', false],
  ['ssh://git@Example.org/a', 'ssh://git@example.org:22/b', true],
  ['ssh://git@example.org/a', 'ssh://git@example.org:2222/b', false],
  ['ssh://git@example.org/a', 'https://example.org/b', false],
])('What is meant for %s may go to %s: %s', (meantFor, to, expected) => {
  expect(isSameHost(new URL(meantFor), new URL(to))).toBe(expected);
});
