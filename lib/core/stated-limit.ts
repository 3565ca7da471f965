/** The limit that a host states in words when a push is over it: which one, and its number where it is said. */
import { ownWords } from './own-words.ts';

export interface StatedLimit {
  /** Of the pack as a whole, of the commands in one push, of a single file, of all that the repository or its owner stores. */
  readonly kind: 'pack size' | 'ref updates' | 'file size' | 'storage';
  /** Bytes, or commands; absent where the words hold no number. */
  readonly max?: number;
}

type LimitKind = StatedLimit['kind'];

const size = String.raw`(\d+(?:\.\d+)?) ?([KMGT]i?B|bytes?)\b`;
/** First what says more. A group holds the number, a second one its unit. */
const sentences: readonly (readonly [LimitKind, RegExp])[] = [
  // GitHub and C git: `fatal: pack exceeds maximum allowed size (2.00 GiB)`; older ones and Bitbucket leave the number out.
  ['pack size', new RegExp(String.raw`pack exceeds maximum allowed size(?: \(${size}\))?`, 'i')],
  // Azure DevOps: `TF402462: The push was rejected because its size is greater than the 5120 MB limit for pushes in this repository.`
  ['pack size', new RegExp(`push was rejected because its size is greater than the ${size}`, 'i')],
  // GitHub: `maximum ref updates exceeded: 3 commands sent but max allowed is 1`.
  ['ref updates', /maximum ref updates exceeded(?:: \d+ commands sent but max allowed is (\d+))?/i],
  // A push policy of GitHub.
  ['ref updates', /update more than (\d+) (?:branches|tags|refs)/i],
  ['ref updates', /too many ref(?:erence)? updates?/i],
  // GitHub: `File big.bin is 123.00 MB; this exceeds GitHub's file size limit of 100.00 MB`.
  ['file size', new RegExp(`file size limit(?: of ${size})?`, 'i')],
  // GitLab: `File "big.bin" is larger than the allowed size of 10 MiB.`
  ['file size', new RegExp(`larger than the allowed size of ${size}`, 'i')],
  // GitLab: `Your push has been rejected, because this repository has exceeded its size limit of 100 MB by 160 MB.`
  ['storage', new RegExp(`exceeded its size limit(?: of ${size})?`, 'i')],
  ['storage', /quota (?:is |was |has been )?exceeded|exceeded the allocated storage|over its size limit/i],
];

const powers = ['B', 'K', 'M', 'G', 'T'];

/** The first limit that the peer's words state; undefined if they state none. Pure: what to do about it is decided elsewhere. */
export function statedLimit(words: string): StatedLimit | undefined {
  const own = ownWords(words, []);
  for (const [kind, pattern] of sentences) {
    const found = pattern.exec(own);
    if (found === null) continue;
    const [, number, unit] = found;
    return number === undefined ? { kind } : { kind, max: Math.floor(Number(number) * bytesIn(unit)) };
  }
  return undefined;
}

/** 1 where there is no unit. `MB` is 1,000 × 1,000: the smaller of its two meanings, so that what fits into it fits for certain. */
function bytesIn(unit: string | undefined): number {
  if (unit === undefined || /^bytes?$/i.test(unit)) return 1;
  return (/i/i.test(unit.charAt(1)) ? 1024 : 1000) ** powers.indexOf(unit.charAt(0).toUpperCase());
}
