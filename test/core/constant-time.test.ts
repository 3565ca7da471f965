import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEqualInConstantTime } from '../../lib/core/constant-time.ts';

const folders = ['lib', 'functions'];
const sources = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => [path, readFileSync(path, 'utf8')] as const),
);

describe('isEqualInConstantTime', () => {
  it('says what === says, of texts and of bytes', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('', 'a', 'ab', 'é', 'é'));
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(isEqualInConstantTime(one, other)).toBe(one === other);
        expect(isEqualInConstantTime(one, one)).toBe(true);
        expect(isEqualInConstantTime(Buffer.from(one), Buffer.from(other))).toBe(one === other);
      }),
    );
  });
});

/** A comparison of two names, one of which says that it holds what nobody may guess. */
const comparison =
  /(?<![\w.])([\w.?]*?)(secret|password|passphrase|privatekey|token|tokenhash|sessionhash|signature|digest|hmac|cookie|nonce)\b *(?:===|!==|==|!=) *(?!undefined|null|''|"")([\w.]+)|([\w.]+) *(?:===|!==|==|!=) *[\w.?]*?(secret|password|passphrase|privatekey|token|tokenhash|sessionhash|signature|digest|hmac|cookie|nonce)\b(?!\??\.)/gi;

/** Of two values that are our own or the caller's own; nobody guesses at them. */
const known = [
  // Whether both ends of a run sign in alike.
  'lib/jobs/runs/run-sync.ts: one?.password === other',
  'lib/jobs/runs/run-sync.ts: one?.privateKey === other',
  // Whether somebody has stored another token since the host refused this one.
  'lib/credentials/methods/gitlab-token.ts: stored.password !== refused.password',
  // What somebody typed twice.
  'lib/cli/parse-arguments.ts: userInfo.password !== password',
];

describe('secrets and proofs', () => {
  it('are compared by this function alone', () => {
    expect(sources.length).toBeGreaterThan(200);
    expect(sources.filter(([, text]) => /timingSafeEqual/.test(text)).map(([path]) => path)).toEqual(['lib/core/constant-time.ts']);
    const found = sources.flatMap(([path, text]) => [...text.matchAll(comparison)].map(([words]) => `${path}: ${words}`));
    // Tokens of leases only tell workers apart.
    expect(found.filter((each) => !known.includes(each) && !each.includes('leaseToken'))).toEqual([]);
    expect(known.filter((each) => !found.includes(each))).toEqual([]);
  });

  it.each(['given === secret', 'hook.secret !== claimed', 'proof.signature == own.signature', 'a.tokenHash===b'])(
    'are seen in %s',
    (text) => {
      expect([...text.matchAll(comparison)]).toHaveLength(1);
    },
  );
});
