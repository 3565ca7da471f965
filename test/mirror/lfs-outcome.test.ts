import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorCatalogue } from '../../lib/core/error-catalogue.ts';
import { type LfsOutcome, lfsRunError } from '../../lib/mirror/lfs-outcome.ts';

const failure = (index: number, code: ErrorCode = 'lfs_object_missing', reason = `reason ${index}`) => ({
  oid: index.toString(16).padStart(64, '0'),
  size: index,
  code,
  reason,
  path: null,
});

function errorOf(failures: LfsOutcome['failures'], failed = failures.length) {
  return lfsRunError({ scan: 'new', moved: 0, skipped: 0, bytes: 0, failed, failures });
}

describe('What a run says of LFS objects that failed', () => {
  it('is nothing where none did', () => {
    expect(errorOf([])).toBeUndefined();
  });

  it.each<[string, ErrorCode[], ErrorCode]>([
    ['the code of all', ['lfs_object_missing', 'lfs_object_missing'], 'lfs_object_missing'],
    ['a general code where they differ', ['lfs_object_missing', 'lfs_object_refused'], 'lfs_objects_failed'],
    // A run with a code of the network would be retried as a whole, or parked.
    ['a general code where theirs is one of the network', ['server_error', 'server_error'], 'lfs_objects_failed'],
  ])('has %s', (_, codes, expected) => {
    expect(errorOf(codes.map((code, index) => failure(index, code)))?.code).toBe(expected);
  });

  it.each<[string, ErrorCode[], ErrorCode]>([
    ['what to mend where that is the same for all', ['tls_certificate_invalid', 'tls_certificate_invalid'], 'tls_certificate_invalid'],
    ['the general hint where the codes differ', ['tls_certificate_invalid', 'lfs_object_missing'], 'lfs_objects_failed'],
    ['the general hint where it will pass', ['server_error', 'server_error'], 'lfs_objects_failed'],
    ['the hint of its code', ['lfs_quota_exceeded'], 'lfs_quota_exceeded'],
  ])('hints at %s', (_, codes, expected) => {
    expect(errorOf(codes.map((code, index) => failure(index, code)))?.hint).toBe(errorCatalogue[expected].hint);
  });

  it('names files by paths that are fit to be read', () => {
    expect(
      errorOf([{ ...failure(1), path: 'a\u001b[31m\nb.bin' }])
        ?.message.split('\n')
        .at(-1),
    ).toBe(`${failure(1).oid} (a b.bin, 1 bytes): reason 1`);
  });

  it('names a hundred objects with size and reason, and how many more there are', () => {
    const lines = errorOf(
      Array.from({ length: 101 }, (_, index) => failure(index)),
      700,
    )?.message.split('\n');
    expect(lines).toHaveLength(102);
    expect(lines?.[1]).toBe(`${'0'.repeat(64)} (0 bytes): reason 0`);
    expect(lines?.at(-1)).toBe('and 600 more');
  });

  it('gives a reason that all share once', () => {
    const lines = errorOf([failure(1, 'lfs_disabled', 'no LFS here'), failure(2, 'lfs_disabled', 'no LFS here')])?.message.split('\n');
    expect(lines?.filter((line) => line.includes('no LFS here'))).toEqual(['no LFS here']);
    expect(lines).toHaveLength(4);
  });
});
