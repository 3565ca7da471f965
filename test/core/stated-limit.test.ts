import { describe, expect, it } from 'vitest';
import { statedLimit } from '../../lib/core/stated-limit.ts';

describe('a limit that a host states', () => {
  it.each([
    ['remote: fatal: pack exceeds maximum allowed size (2.00 GiB)', { kind: 'pack size', max: 2 * 1024 ** 3 }],
    ['remote: fatal: pack exceeds maximum allowed size', { kind: 'pack size' }],
    ['fatal: pack exceeds maximum allowed size (1.50 MiB)', { kind: 'pack size', max: 1_572_864 }],
    ['fatal: pack exceeds maximum allowed size (512 bytes)', { kind: 'pack size', max: 512 }],
    [
      'TF402462: The push was rejected because its size is greater than the 5120 MB limit for pushes in this repository.',
      { kind: 'pack size', max: 5_120_000_000 },
    ],
    ['maximum ref updates exceeded: 803 commands sent but max allowed is 50', { kind: 'ref updates', max: 50 }],
    ['remote: fatal: maximum ref updates exceeded', { kind: 'ref updates' }],
    ['Pushes can not update more than 5 branches or tags.', { kind: 'ref updates', max: 5 }],
    [
      "remote: error: File a/big.bin is 123.00 MB; this exceeds GitHub's file size limit of 100.00 MB",
      { kind: 'file size', max: 100_000_000 },
    ],
    ['remote: GitLab: File "big.bin" is larger than the allowed size of 10 MiB. Use Git LFS.', { kind: 'file size', max: 10_485_760 }],
    [
      'Your push has been rejected, because this repository has exceeded its size limit of 100 MB by 160 MB.',
      { kind: 'storage', max: 100_000_000 },
    ],
    ['remote: Forgejo: Quota exceeded', { kind: 'storage' }],
  ])('%j', (words, limit) => {
    expect(statedLimit(words)).toEqual(limit);
  });

  it.each(['', 'pre-receive hook declined', 'refs/heads/maximum-ref-updates-exceeded', 'index-pack abnormal exit'])(
    'is not in %j',
    (words) => {
      expect(statedLimit(words)).toBeUndefined();
    },
  );
});
