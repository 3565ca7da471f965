import { describe, expect, it } from 'vitest';
import { isStandardSignature } from '../../lib/webhook/standard-webhooks.ts';
import { delivery, standardHeaders } from './samples.ts';

/** The example of the specification's reference libraries. */
const published = {
  secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  body: '{"test": 2432232314}',
  headers: {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
};
const now = 1_614_265_330_000;
const check = (
  headers: Record<string, string>,
  at = now,
  secrets: readonly string[] = [published.secret],
  body = published.body,
): boolean => isStandardSignature(delivery(headers, body), secrets, at);

describe('isStandardSignature', () => {
  it('accepts the published example, whose key is the base64 that follows whsec_', () => {
    expect(check(published.headers)).toBe(true);
  });

  it.each([
    ['as the key, character by character', published.secret],
    ['as base64 of the key', Buffer.from(published.secret, 'base64')],
    ['as whsec_ and base64 of its characters', Buffer.from(Buffer.from(published.secret).toString('base64'), 'base64')],
  ])('accepts a sender that takes the secret %s', (_, key) => {
    expect(check(standardHeaders(key, published.body, now))).toBe(true);
  });

  it("accepts GitLab's form of one of our secrets: whsec_ and standard base64 of 32 bytes", () => {
    const secret = 'x-_kLm3qTz9cAe1bYw8UvRr0PoIi5HhGg4FfDd2SsJQ';
    const token = `${secret.replaceAll('-', '+').replaceAll('_', '/')}=`;
    expect(check(standardHeaders(Buffer.from(token, 'base64'), published.body, now), now, [secret])).toBe(true);
  });

  const good = published.headers['webhook-signature'];
  const other = `v1,${Buffer.alloc(32).toString('base64')}`;
  it.each([
    ['one of several signatures', `${other} ${good}`, true],
    ['signatures of other versions beside it', `v1a,${Buffer.alloc(64).toString('base64')} ${good}`, true],
    ['only another version', good.replace('v1,', 'v2,'), false],
    ['a wrong signature', other, false],
    ['hexadecimal', `v1,${Buffer.from(good.slice(3), 'base64').toString('hex')}`, false],
    ['a signature cut short', good.slice(0, -5), false],
    ['no version', good.slice(3), false],
    ['the header twice, joined by commas', `${good}, ${good}`, false],
    ['an empty header', '', false],
    ['too many signatures', Array.from({ length: 17 }, () => good).join(' '), false],
    ['a header without end', `${good} ${`${other} `.repeat(1000)}`, false],
  ])('signature header: %s', (_, value, expected) => {
    expect(check({ ...published.headers, 'webhook-signature': value })).toBe(expected);
  });

  it.each([
    ['5 minutes old', 300_000, true],
    ['5 minutes early', -300_000, true],
    ['more than 5 minutes old', 301_000, false],
    ['more than 5 minutes early', -301_000, false],
  ])('a time stamp that is %s', (_, offMs, expected) => {
    expect(check(published.headers, now + offMs)).toBe(expected);
  });

  it.each(['', 'yesterday', '1614265330.5', '-1614265330', '16142653300000000', '1614265330, 1614265330', '0x6037B6F2'])(
    'refuses the time stamp "%s", though signed',
    (timestamp) => {
      const headers = standardHeaders(published.secret, published.body, now);
      expect(check({ ...headers, 'webhook-timestamp': timestamp })).toBe(false);
    },
  );

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const)('refuses a delivery without %s', (name) => {
    const { [name]: _, ...rest } = published.headers as Record<string, string>;
    expect(check(rest)).toBe(false);
  });

  it('covers id, time and body', () => {
    expect(check({ ...published.headers, 'webhook-id': 'msg_other' })).toBe(false);
    expect(check({ ...published.headers, 'webhook-timestamp': '1614265331' })).toBe(false);
    expect(check(published.headers, now, [published.secret], '{"test": 2432232315}')).toBe(false);
    expect(check(published.headers, now, ['another'])).toBe(false);
  });
});
