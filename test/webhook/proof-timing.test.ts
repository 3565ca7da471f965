import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isBasicPassword, isHexSignature, isSecret } from '../../lib/webhook/signature.ts';
import { isStandardSignature } from '../../lib/webhook/standard-webhooks.ts';

const rounds = 600;
/** A wrong proof whose beginning is right may not take this much longer or shorter than one that is all wrong. */
const mostDifference = 0.15;

/** Median times in turn, so that whatever else the machine does happens to all of them. Several tries: noise differs, a leak stays. */
function differenceBetween(checks: readonly (() => unknown)[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 6 && least > mostDifference; attempt++) {
    const times = checks.map(() => new Float64Array(rounds));
    for (let round = 0; round < rounds; round++) {
      for (const [index, check] of checks.entries()) {
        const start = process.hrtime.bigint();
        check();
        times[index]![round] = Number(process.hrtime.bigint() - start);
      }
    }
    const medians = times.map((all) => all.sort()[rounds >> 1] ?? 0);
    least = Math.min(least, Math.max(...medians) / Math.min(...medians) - 1);
  }
  return least;
}

/** All wrong, half of it right, all right but the end. */
function almost(right: string): readonly string[] {
  const wrong = [...right].map((character) => (character === 'a' ? 'b' : 'a')).join('');
  return [0, right.length >> 1, right.length - 1].map((at) => right.slice(0, at) + wrong.slice(at));
}

const secret = randomBytes(32).toString('base64url');
const body = randomBytes(2_000);

describe('how long a wrong proof takes to be refused does not tell how much of it is right', () => {
  it('for hexadecimal signatures', () => {
    const digits = createHmac('sha256', secret).update(body).digest('hex');
    const claims = almost(digits).map((claimed) => `sha256=${claimed}`);
    expect(claims.map((claim) => isHexSignature(claim, 'sha256=', body, [secret]))).toEqual([false, false, false]);
    expect(differenceBetween(claims.map((claim) => () => isHexSignature(claim, 'sha256=', body, [secret])))).toBeLessThan(mostDifference);
  });

  it('for Standard Webhooks', () => {
    const now = Date.now();
    const timestamp = String(Math.floor(now / 1000));
    const digest = createHmac('sha256', secret).update(`id.${timestamp}.`).update(body).digest();
    const claims = [0, 16, 31].map((at) => `v1,${Buffer.concat([digest.subarray(0, at), Buffer.alloc(32 - at, 7)]).toString('base64')}`);
    const deliveries = claims.map((claim) => ({
      header: (name: string) => ({ 'webhook-id': 'id', 'webhook-timestamp': timestamp, 'webhook-signature': claim })[name],
      body,
    }));
    expect(deliveries.map((delivery) => isStandardSignature(delivery, [secret], now))).toEqual([false, false, false]);
    expect(differenceBetween(deliveries.map((delivery) => () => isStandardSignature(delivery, [secret], now)))).toBeLessThan(
      mostDifference,
    );
  });

  // Long ones: a comparison that ends at the first difference would show.
  const long = randomBytes(8_000).toString('hex');

  it('for secrets in a header', () => {
    expect(differenceBetween(almost(long).map((claim) => () => isSecret(claim, [long])))).toBeLessThan(mostDifference);
  });

  it('for passwords', () => {
    const deliveries = almost(long).map((claim) => ({ header: () => `Basic ${Buffer.from(`x:${claim}`).toString('base64')}` }));
    expect(differenceBetween(deliveries.map((delivery) => () => isBasicPassword(delivery, [long])))).toBeLessThan(mostDifference);
  });

  it('as it would with a comparison that ends at the first difference', () => {
    const right = Buffer.from(long);
    const claims = almost(long).map((claim) => Buffer.from(claim));
    expect(differenceBetween(claims.map((claim) => () => right.equals(claim)))).toBeGreaterThan(mostDifference);
  });
});
