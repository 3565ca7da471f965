import { describe, expect, it } from 'vitest';
import { faultsOf, noFaults } from '../../lib/console/faults.ts';

const names = ['path', 'url'];

describe('faultsOf', () => {
  it.each([
    ['fields that are missing or wrong', { error: 'path is missing, url is invalid' }, { path: 'Is missing.', url: 'Is invalid.' }, []],
    [
      'what belongs to no field',
      { error: 'username, auth_user are mutually exclusive' },
      {},
      ['Username, auth_user are mutually exclusive.'],
    ],
    ['several faults of one field', { message: { path: ['has been taken', 'is short'] } }, { path: 'Has been taken. Is short.' }, []],
    ['a field that the form does not have', { message: { host: ['is blocked'] } }, {}, ['Host is blocked.']],
    ['a sentence', { message: 'The credential is in use.' }, {}, ['The credential is in use.']],
    ['nothing readable', undefined, {}, ['The request was refused (400).']],
  ])('finds %s', (_, body, fields, general) => {
    expect(faultsOf({ status: 400, body }, names)).toMatchObject({ fields, general });
  });

  it('keeps code and hint', () => {
    const body = { message: { url: ['x'] }, code: 'address_blocked', hint: 'Allow it.' };
    expect(faultsOf({ status: 400, body }, names)).toMatchObject({ code: 'address_blocked', hint: 'Allow it.' });
  });

  it('finds nothing in an answer that is no refusal', () => {
    expect(faultsOf({ status: 201, body: { message: 'x' } }, names)).toBe(noFaults);
  });
});
