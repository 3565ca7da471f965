import { describe, expect, it } from 'vitest';
import { ApiError, badParameters, badRequest, conflict, invalidField } from '../../lib/api/http/api-error.ts';
import { faultsOf, noFaults } from '../../lib/console/faults.ts';

const names = ['path', 'url'];

describe('faultsOf', () => {
  it.each([
    [
      'fields that are missing or wrong',
      badParameters([
        { field: 'path', why: 'is missing' },
        { field: 'url', why: 'is invalid' },
      ]),
      { path: 'Is missing.', url: 'Is invalid.' },
      [],
    ],
    [
      'what belongs to no field',
      badRequest('username, auth_user are mutually exclusive'),
      {},
      ['Username, auth_user are mutually exclusive.'],
    ],
    [
      'several faults of one field',
      badParameters([
        { field: 'path', why: 'has been taken' },
        { field: 'path', why: 'is short' },
      ]),
      { path: 'Has been taken. Is short.' },
      [],
    ],
    ['a field that the form does not have', invalidField('host', 'is blocked'), {}, ['Host is blocked.']],
    ['a sentence', conflict('The credential is in use.'), {}, ['The credential is in use.']],
  ])('finds %s', (_, { answer }, fields, general) => {
    expect(faultsOf(answer, names)).toMatchObject({ fields, general });
  });

  it('keeps code and hint', () => {
    const { answer } = new ApiError(400, { faults: [{ field: 'url', why: 'x' }], code: 'address_blocked', hint: 'Allow it.' });
    expect(faultsOf(answer, names)).toMatchObject({ code: 'address_blocked', hint: 'Allow it.' });
  });

  it('finds nothing in an answer that is no refusal', () => {
    expect(faultsOf({ status: 201, body: { message: 'x' } }, names)).toBe(noFaults);
  });
});
