/** `gitlab_token`: an access token of a person, project or group that renews itself before it expires. */
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { GitferryError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Credential } from '../credential.ts';
import { storeRenewed, unstoredToken } from '../gitlab/store-renewed.ts';
import { GitlabTokens } from '../gitlab/token-api.ts';
import type { CredentialMethod } from '../method.ts';
import type { Renewals, SignIn, SignInDeps, SignInRequest } from '../sign-in.ts';

const dayMs = 24 * 3600_000;
const usualDays = 90;

export const gitlabToken: CredentialMethod = {
  word: 'GitLab token',
  label: 'GitLab token that renews itself',
  hint: 'A personal, project or group access token with the scopes write_repository and self_rotate (or api).',
  schemes: ['https', 'http'],
  takesPassword: true,
  makesKeyPair: false,
  takesPrivateKey: false,
  fields: [
    {
      name: 'lifetime_days',
      label: 'Days that a new token lives',
      hint: `Empty: ${usualDays}. It is renewed when a third of them is left.`,
      fault: (days) =>
        /^\d{1,3}$/.test(days) && Number(days) >= 3 && Number(days) <= 365 ? undefined : 'must be a whole number from 3 to 365',
    },
  ],
  fault: (_settings, { password }) => (password ? undefined : { field: 'password', why: 'is missing' }),
  signIn: (request, deps) => signIn(request, deps),
};

const signIn: SignIn = async (request, deps) => {
  const { secret, expiresAt, credentialId } = request;
  if (secret === undefined || secret.password === '') throw new GitferryError('secret_missing');
  const { renewals } = deps;
  if (renewals === undefined) return current(secret, expiresAt, deps);
  // Once in a while is enough: runs of the same minutes share what was found.
  const hash = createHash('sha256').update(secret.password).digest('hex');
  const checked = await deps.tokens.get(`gitlab_token ${credentialId} ${hash}`, {
    refused: request.refused?.password,
    load: async () => ({ value: await checkedToken(request, secret, renewals, deps), expiresAt: deps.clock.now() + limits.tokenCheckMs }),
  });
  return { ...secret, password: checked };
};

function current(secret: Credential, expiresAt: number | null, { clock }: SignInDeps): Credential {
  if (expiresAt !== null && expiresAt <= clock.now()) throw expired(expiresAt);
  return secret;
}

/** The token to sign in with: the stored one, or the one that has taken its place. */
async function checkedToken(request: SignInRequest, secret: Credential, renewals: Renewals, deps: SignInDeps): Promise<string> {
  const { credentialId, url, settings } = request;
  const unstored = await unstoredToken(credentialId, renewals);
  if (unstored !== undefined) return unstored;
  const now = deps.clock.now();
  const api = new GitlabTokens(url, deps);
  let { expiresAt, renewingSince } = request;
  if (renewingSince !== null && now - renewingSince < limits.renewalMs)
    return request.refused === undefined ? secret.password : replaced(request.refused, secret, credentialId, renewals);
  if (renewingSince !== null || expiresAt === null || request.refused !== undefined) {
    const told = await api.self(secret.password);
    // A renewal was begun and never ended: either GitLab was not asked, or its answer is lost.
    if (told === 'refused' && renewingSince !== null) throw new GitferryError('token_lost');
    if (told === 'refused') {
      if (expiresAt !== null && expiresAt <= now) throw expired(expiresAt);
      return secret.password;
    }
    // Another scope, or an older GitLab: it signs in, but cannot be renewed.
    if (told === 'unknown') return secret.password;
    await renewals.noteExpiry(credentialId, told.expiresAt);
    expiresAt = told.expiresAt;
  }
  if (expiresAt === null) return secret.password;
  const days = Number(settings['lifetime_days'] ?? usualDays);
  if (expiresAt - now > (days * dayMs) / 3) return secret.password;
  return renewed({ credentialId, expiresAt, days, secret }, renewals, api, deps);
}

/** Another worker renews it just now: what it stores, or after some seconds what there is. */
async function replaced(refused: Credential, secret: Credential, credentialId: number, renewals: Renewals): Promise<string> {
  for (let tries = 0; tries < limits.renewalLooks; tries++) {
    const stored = (await renewals.read(credentialId)) ?? secret;
    if (stored.password !== refused.password) return stored.password;
    await wait(limits.renewalLookMs);
  }
  return secret.password;
}

interface Renewal {
  readonly credentialId: number;
  readonly expiresAt: number;
  readonly days: number;
  readonly secret: Credential;
}

async function renewed(
  { credentialId, expiresAt, days, secret }: Renewal,
  renewals: Renewals,
  api: GitlabTokens,
  deps: SignInDeps,
): Promise<string> {
  // Ahead of the request: whoever finds this mark asks whether the stored token is still the one.
  if (!(await renewals.begin(credentialId, expiresAt))) return secret.password;
  // Whoever renewed it before has stored another one. GitLab revokes all of them where a dead one is to be renewed.
  const stored = (await renewals.read(credentialId)) ?? secret;
  // Proves that the store takes what comes next; only then is the old one given up.
  await renewals.store(credentialId, stored);
  const until = new Date(deps.clock.now() + days * dayMs).toISOString().slice(0, 10);
  const token = await api.rotate(stored.password, until).catch(async (error: unknown) => {
    // The answer is lost; whether the old one is dead can be asked.
    const told = await api.self(stored.password);
    if (told === 'refused') throw new GitferryError('token_lost', { cause: error });
    if (told !== 'unknown') await renewals.noteExpiry(credentialId, told.expiresAt);
    throw error;
  });
  if (token === 'refused') {
    await renewals.noteExpiry(credentialId, expiresAt);
    if (expiresAt <= deps.clock.now()) throw expired(expiresAt);
    return stored.password;
  }
  await storeRenewed({ credentialId, secret: { ...stored, password: token.value }, expiresAt: token.expiresAt }, renewals);
  return token.value;
}

function expired(expiresAt: number): GitferryError {
  return new GitferryError('credential_expired', { detail: `Its host has named ${new Date(expiresAt).toISOString().slice(0, 10)}.` });
}
