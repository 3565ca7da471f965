import { expect, it } from 'vitest';
import { noWiderThan } from '../../lib/hosts/made-repository.ts';

it.each([
  ['private', 'private', 'private'],
  ['private', 'public', 'private'],
  ['internal', 'public', 'internal'],
  ['internal', 'private', 'private'],
  ['public', 'public', 'public'],
  ['public', 'private', 'private'],
  [undefined, 'public', 'private'],
] as const)('a mirror of a %s source, wanted %s, is %s', (source, wanted, expected) => {
  expect(noWiderThan(source, wanted)).toBe(expected);
});
