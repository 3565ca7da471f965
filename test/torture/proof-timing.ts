/** Whether the time that a refusal takes tells how much of a guessed proof or token is right. */
import { createHmac, randomBytes } from 'node:crypto';
import { isEqualInConstantTime } from '../../lib/core/constant-time.ts';
import { hookSecret, newHookToken } from '../../lib/model/hook-secret.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { checkProof } from '../../lib/webhook/check-proof.ts';
import { isBasicPassword, isHexSignature, isSecret } from '../../lib/webhook/signature.ts';
import { isStandardSignature } from '../../lib/webhook/standard-webhooks.ts';
import { aHook, aMirror, aProject, delivery, proof } from '../webhook/samples.ts';
import type { TorturePart } from './torture-part.ts';

type Check = () => unknown;

/** All wrong, half of it right, all right but the end. */
function almost(right: string): readonly string[] {
  const wrong = [...right].map((character) => (character === 'a' ? 'b' : 'a')).join('');
  return [0, right.length >> 1, right.length - 1].map((at) => right.slice(0, at) + wrong.slice(at));
}

/** A guess may take this much longer or shorter than another. */
const mostDifference = 0.1;

/** Medians of checks in turn, so that whatever else the machine does happens to all of them. Several tries: noise differs, a leak stays. */
function differenceBetween(checks: readonly Check[], rounds: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 10 && least > mostDifference; attempt++) {
    const times = checks.map(() => new Float64Array(rounds));
    for (let round = 0; round < rounds; round++) {
      for (const [index, check] of checks.entries()) {
        const start = process.hrtime.bigint();
        check();
        const mine = times[index];
        if (mine !== undefined) mine[round] = Number(process.hrtime.bigint() - start);
      }
    }
    const medians = times.map((all) => all.sort()[rounds >> 1] ?? 0);
    least = Math.min(least, Math.max(...medians) / Math.min(...medians) - 1);
  }
  return least;
}

function guesses(): readonly (readonly [string, readonly Check[]])[] {
  const secret = randomBytes(32).toString('base64url');
  const body = randomBytes(2_000);
  const now = Date.now();
  const timestamp = String(Math.floor(now / 1000));
  const digest = createHmac('sha256', secret).update(body).digest('hex');
  const standard = createHmac('sha256', secret).update(`id.${timestamp}.`).update(body).digest();
  // Long ones: a comparison that ends at the first difference would show.
  const long = randomBytes(8_000).toString('hex');
  const signingKey = randomBytes(32).toString('base64url');
  const token = newHookToken(1);
  const tokenHash = hashToken(token);
  const contents = { project: aProject(), mirrors: [aMirror({ id: 7 })], hooks: [aHook({ provider: 'github', tokenHash })] };
  const wrong = delivery(proof('github', hookSecret(signingKey, { tokenHash, generation: 9 }), body, now), body);
  const ofToken =
    (claimed: string): Check =>
    () =>
      checkProof(wrong, contents, { tokenHash: claimed, signingKey, now });
  return [
    ['hexadecimal signature', almost(digest).map((claim) => () => isHexSignature(`sha256=${claim}`, 'sha256=', body, [secret]))],
    [
      'Standard Webhooks signature',
      [0, 16, 31].map((at) => {
        const claim = `v1,${Buffer.concat([standard.subarray(0, at), Buffer.alloc(32 - at, 7)]).toString('base64')}`;
        const claimed = delivery({ 'webhook-id': 'id', 'webhook-timestamp': timestamp, 'webhook-signature': claim }, body);
        return () => isStandardSignature(claimed, [secret], now);
      }),
    ],
    ['secret in a header', almost(long).map((claim) => () => isSecret(claim, [long]))],
    [
      'password',
      almost(long).map((claim) => {
        const claimed = delivery({ authorization: `Basic ${Buffer.from(`x:${claim}`).toString('base64')}` });
        return () => isBasicPassword(claimed, [long]);
      }),
    ],
    ['hash of a token', almost(tokenHash).map(ofToken)],
    ['token that exists, and one that does not', [ofToken(tokenHash), ofToken('0'.repeat(tokenHash.length))]],
  ];
}

export const proofTiming: TorturePart = {
  name: 'proof-timing',
  async run({ isQuick, report }) {
    const rounds = isQuick ? 600 : 20_000;
    const promised = `guesses differ by at most ${mostDifference * 100} % in their median time, however much of them is right`;
    for (const [fault, checks] of guesses()) {
      const difference = differenceBetween(checks, rounds);
      const seen = `${(difference * 100).toFixed(1)} %`;
      report({
        fault: `guessed ${fault}`,
        injected: rounds * checks.length,
        promised,
        seen,
        breaches: difference > mostDifference ? [seen] : [],
      });
    }
    // What measures nothing would find nothing.
    const right = randomBytes(16_000);
    const claims = [0, 8_000, 15_999].map((at) => Buffer.concat([right.subarray(0, at), Buffer.alloc(right.length - at)]));
    const leak = differenceBetween(
      claims.map((claim) => () => right.equals(claim)),
      rounds,
    );
    const constant = differenceBetween(
      claims.map((claim) => () => isEqualInConstantTime(right, claim)),
      rounds,
    );
    report({
      fault: 'comparison that ends at the first difference, to see that it would be seen',
      injected: rounds * 3,
      promised: `differs by more than ${mostDifference * 100} %`,
      seen: `${(leak * 100).toFixed(0)} %; ours ${(constant * 100).toFixed(1)} %`,
      breaches: leak > mostDifference ? [] : ['it was not seen'],
    });
  },
};
