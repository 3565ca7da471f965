import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../lib/core/error-catalogue.ts';
import { type BatchQuestion, isTransient, lfsCodeFor, type Side } from '../../lib/lfs/lfs-status.ts';

const questions = ['batch', 'object', 'transfer'] as const;
const sides = ['source', 'target'] as const;

/** In the order: batch at the source and the target, object likewise, transfer likewise. */
function codesOf(status: number): ErrorCode[] {
  return questions.flatMap((question: BatchQuestion) => sides.map((side: Side) => lfsCodeFor(status, question, side)));
}
const all = (code: ErrorCode): ErrorCode[] => Array(6).fill(code);
const [disabled, missing, refused, absurd] = ['lfs_disabled', 'lfs_object_missing', 'lfs_object_refused', 'lfs_protocol_error'] as const;
const objects = [missing, refused, missing, refused] as const;

describe('a status of an LFS server', () => {
  it.each<[number, ErrorCode[]]>([
    [302, all('redirect_refused')],
    [400, [absurd, absurd, ...objects]],
    [401, all('lfs_access_denied')],
    [402, all('lfs_quota_exceeded')],
    [403, all('lfs_access_denied')],
    [404, [disabled, disabled, ...objects]],
    [405, [disabled, disabled, ...objects]],
    [408, all('timed_out')],
    [410, [disabled, disabled, ...objects]],
    [422, [absurd, refused, ...objects]],
    [429, all('rate_limited')],
    [500, ['server_error', 'server_error', 'lfs_transfer_failed', 'lfs_transfer_failed', 'server_error', 'server_error']],
    [501, [disabled, disabled, 'lfs_transfer_failed', 'lfs_transfer_failed', 'server_error', 'server_error']],
    [507, all('lfs_quota_exceeded')],
    [509, all('lfs_quota_exceeded')],
  ])('%i means, by end and question, what it means there', (status, codes) => {
    expect(codesOf(status)).toEqual(codes);
  });
});

it.each<[ErrorCode, boolean]>([
  ['connection_failed', true],
  ['timed_out', true],
  ['server_error', true],
  ['rate_limited', true],
  ['lfs_transfer_failed', true],
  ['lfs_object_corrupt', true],
  ['lfs_object_missing', false],
  ['lfs_object_refused', false],
  ['lfs_quota_exceeded', false],
  ['tls_certificate_invalid', false],
])('Another try right away after %s: %s', (code, expected) => {
  expect(isTransient(code)).toBe(expected);
});
