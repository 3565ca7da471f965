/** Whether the time that a refusal takes tells how much of a guessed proof, token or cookie is right. */
import { createHmac, randomBytes } from 'node:crypto';
import { isEqualInConstantTime } from '../../lib/core/constant-time.ts';
import { newHookToken } from '../../lib/model/hook-secret.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { findHook } from '../../lib/webhook/check-proof.ts';
import { isBasicPassword, isHexSignature, isSecret } from '../../lib/webhook/signature.ts';
import { isStandardSignature } from '../../lib/webhook/standard-webhooks.ts';
import { PseudoRandom } from '../bench/pseudo-random.ts';
import { aHook, delivery } from '../webhook/samples.ts';
import { openGuessedTokens } from './guessed-tokens.ts';
import { type Check, type Effort, type TimeDifference, timeDifference } from './time-difference.ts';
import type { TorturePart } from './torture-part.ts';

/** All wrong, half of it right, all right but the end. */
function almost(right: string): readonly string[] {
  const wrong = [...right].map((character) => (character === 'a' ? 'b' : 'a')).join('');
  // As they come from a network: not put together from parts of others.
  return [0, right.length >> 1, right.length - 1].map((at) => Buffer.from(right.slice(0, at) + wrong.slice(at)).toString());
}

/** A guess may take this much longer or shorter than another. */
const mostDifference = 0.1;

/** Noise differs from try to try, a leak stays. */
const mostTries = 5;

/** The least of some tries. */
async function leastDifference(checks: readonly Check[], effort: Effort, random: PseudoRandom): Promise<TimeDifference> {
  let least = await timeDifference(checks, effort, random);
  for (let tries = 1; tries < mostTries && least.share > mostDifference; tries++) {
    const again = await timeDifference(checks, effort, random);
    if (again.share < least.share) least = again;
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
  const tokenHash = hashToken(newHookToken(1));
  const hooks = [aHook({ provider: 'github', tokenHash })];
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
    ['hash of a token', [...almost(tokenHash), tokenHash].map((claim) => () => findHook(hooks, claim))],
  ];
}

export const proofTiming: TorturePart = {
  name: 'proof-timing',
  async run({ seed, isQuick, report }) {
    const random = new PseudoRandom(seed);
    const ofProofs = isQuick ? { batches: 10, rounds: 60 } : { batches: 40, rounds: 500 };
    const ofTokens = isQuick ? { batches: 10, rounds: 20 } : { batches: 60, rounds: 40 };
    const promised = `guesses differ by at most ${percent(mostDifference)} in their median time, however much of them is right (or no more than one differs from itself)`;
    const judge = async (name: string, checks: readonly Check[], effort: Effort): Promise<void> => {
      const { share, noise } = await leastDifference(checks, effort, random);
      const seen = `${percent(share)}; a guess from itself ${percent(noise)}`;
      const injected = effort.batches * effort.rounds * checks.length;
      report({ fault: `guessed ${name}`, injected, promised, seen, breaches: share > mostDifference && share > noise * 2 ? [seen] : [] });
    };
    for (const [name, checks] of guesses()) await judge(name, checks, ofProofs);
    const tokens = await openGuessedTokens();
    try {
      for (const [name, checks] of tokens.guesses) await judge(name, checks, ofTokens);
    } finally {
      await tokens.close();
    }
    // What measures nothing would find nothing.
    const right = randomBytes(16_000);
    const claims = [0, 8_000, 15_999].map((at) => Buffer.concat([right.subarray(0, at), Buffer.alloc(right.length - at)]));
    const checksWith = (isEqual: (claim: Buffer) => boolean) => claims.map((claim) => () => isEqual(claim));
    const leak = await timeDifference(
      checksWith((claim) => right.equals(claim)),
      ofProofs,
      random,
    );
    const constant = await leastDifference(
      checksWith((claim) => isEqualInConstantTime(right, claim)),
      ofProofs,
      random,
    );
    report({
      fault: 'comparison that ends at the first difference, to see that it would be seen',
      injected: ofProofs.batches * ofProofs.rounds * claims.length,
      promised: `differs by more than ${percent(mostDifference)}`,
      seen: `${percent(leak.share)}; ours ${percent(constant.share)}`,
      breaches: leak.share > mostDifference ? [] : ['it was not seen'],
    });
  },
};

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
