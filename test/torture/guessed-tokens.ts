/** Guesses of an API token, at the sign-in of the console and of its cookie, of which more and more is right; never the same twice. */
import { randomBytes } from 'node:crypto';
import { startTestConsole } from '../support/console.ts';
import type { Check } from './time-difference.ts';

export interface GuessedTokens {
  readonly guesses: readonly (readonly [string, readonly Check[]])[];
  close(): Promise<void>;
}

/** The whole site on the embedded endpoints, without the network between: that would only add noise. */
export async function openGuessedTokens(): Promise<GuessedTokens> {
  const site = await startTestConsole();
  const { origin, api } = site;
  const person = await site.signedIn();
  const [cookieName = '', cookie = ''] = [...person.cookies].find(([name]) => name.endsWith('session')) ?? [];
  const ask = async (
    status: number,
    path: string,
    init: RequestInit & { readonly headers: Readonly<Record<string, string>> },
  ): Promise<void> => {
    // Each from another sender: one would be slowed down.
    const headers = { ...init.headers, 'x-forwarded-for': randomBytes(4).join('.') };
    const answer = await site.fetch(new Request(origin + path, { ...init, headers }));
    await answer.text();
    if (answer.status !== status) throw new Error(`${path} answered ${answer.status}`);
  };
  const form = { origin, 'content-type': 'application/x-www-form-urlencoded' };
  return {
    guesses: [
      ['API token', almost(api.ownerToken, (claim) => ask(401, '/api/v4/projects', { headers: { 'private-token': claim } }))],
      [
        'API token in "Authorization"',
        almost(api.ownerToken, (claim) => ask(401, '/api/v4/projects', { headers: { authorization: `Bearer ${claim}` } })),
      ],
      [
        "token at the console's sign-in",
        almost(api.ownerToken, (claim) => ask(403, '/sign-in', { method: 'POST', headers: form, body: `token=${claim}` })),
      ],
      ["console's session cookie", almost(cookie, (claim) => ask(303, '/', { headers: { cookie: `${cookieName}=${claim}` } }))],
    ],
    close: () => site.close(),
  };
}

/** All wrong, half of it right, all right but the last two characters. */
function almost(right: string, ask: (claim: string) => Promise<void>): readonly Check[] {
  return [0, right.length >> 1, right.length - 2].map((at) => () => {
    const wrong = randomBytes(right.length).toString('base64url').slice(at, right.length);
    return right.endsWith(wrong) ? Promise.resolve() : ask(right.slice(0, at) + wrong);
  });
}
