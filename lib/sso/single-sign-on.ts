/** Single sign-on: people whom an identity provider vouches for, with the role that their groups have here. */
import type { Clock } from '../core/clock.ts';
import { GitferryError } from '../core/errors.ts';
import { type AccessToken, personTokenId } from '../model/access-token.ts';
import type { Person, ProviderSession } from '../model/session.ts';
import { grantOf, namedGroups } from './grant-of.ts';
import { groupsIn, nameIn } from './identity.ts';
import type { FlowSecrets, OpenId } from './openid.ts';
import { type Provider, parseProviders } from './provider-settings.ts';
import { SignInError } from './sign-in-error.ts';
import { ssoLimits } from './sso-limits.ts';

export interface SingleSignOn {
  /** What to offer, in the order of the settings. Throws `invalid_settings` and what reading the secret throws. */
  providers(): Promise<readonly Pick<Provider, 'id' | 'name'>[]>;
  /** undefined = there is no such provider. Throws a SignInError. */
  begin(id: string): Promise<{ readonly url: string; readonly secrets: FlowSecrets } | undefined>;
  /** `query` is what the browser came back with, `secrets` what it kept. Throws a SignInError. */
  finish(id: string, query: string, secrets: FlowSecrets): Promise<{ readonly person: Person; readonly endsAt: number } | undefined>;
  /** What the person may do now, as a token that is in no list; undefined = nothing, by now. */
  tokenOf(session: ProviderSession): Promise<AccessToken | undefined>;
}

export interface SingleSignOnDeps {
  /** The settings as they are now, or a minute ago. */
  readSettings(): Promise<unknown>;
  readonly openId: OpenId;
  /** Where people reach this instance: an origin. */
  readonly publicUrl: string;
  readonly clock: Clock;
}

export function createSingleSignOn({ readSettings, openId, publicUrl, clock }: SingleSignOnDeps): SingleSignOn {
  const find = async (id: string): Promise<Provider | undefined> => parseProviders(await readSettings()).find((each) => each.id === id);
  // One for each provider, so that nobody's answer can be taken for another's.
  const redirectUri = (id: string): string => `${publicUrl}${callbackPath(id)}`;

  return {
    async providers() {
      return parseProviders(await readSettings());
    },

    async begin(id) {
      const provider = await find(id);
      return provider === undefined ? undefined : openId.begin(provider, redirectUri(id));
    },

    async finish(id, query, secrets) {
      const provider = await find(id);
      if (provider === undefined) return undefined;
      const identity = await openId.finish(provider, new URL(`${redirectUri(id)}${query}`), secrets, `${publicUrl}/sign-in`);
      const { idClaims, signOutUrl } = identity;
      if (idClaims.sub.length > ssoLimits.subjectCharacters)
        throw new SignInError('not_proven', `${provider.name} names you in more characters than OpenID Connect allows.`);
      let [name, groups] = [nameIn(idClaims), groupsIn(idClaims, provider)];
      if (name === undefined || groups === undefined) {
        const more = await identity.userInfo();
        name ??= nameIn(more);
        groups ??= groupsIn(more, provider);
      }
      const person: Person = {
        provider: id,
        issuer: provider.issuer,
        subject: idClaims.sub,
        name: name ?? idClaims.sub,
        groups: namedGroups(groups ?? [], provider.grants),
        signOutUrl: signOutUrl ?? null,
      };
      if (grantOf(person.groups, provider.grants) === undefined) throw noRole(provider, person, groups);
      const endsAt = provider.session_minutes === undefined ? idClaims.exp * 1000 : clock.now() + provider.session_minutes * 60_000;
      if (endsAt - clock.now() < ssoLimits.leastSessionMs)
        throw new SignInError('not_proven', `${provider.name} vouches for you for less than a minute, or its clock is behind.`);
      return { person, endsAt };
    },

    async tokenOf({ person, sessionHash, createdAt, expiresAt }) {
      const provider = await find(person.provider).catch((error: unknown) => {
        // The sign-in says what is wrong with the settings.
        if (error instanceof GitferryError && (error.code === 'invalid_settings' || error.code === 'secret_missing')) return undefined;
        throw error;
      });
      if (provider === undefined || provider.issuer !== person.issuer) return undefined;
      const grant = grantOf(person.groups, provider.grants);
      if (grant === undefined) return undefined;
      const name = `${person.name} (${provider.id})`;
      const { subject } = person;
      const who = { id: personTokenId, name, tokenHash: sessionHash, person: { provider: provider.id, subject } };
      return { ...who, ...grant, createdAt, expiresAt };
    },
  };
}

/** Below the public URL: where a provider sends the browser back to. */
function callbackPath(id: string): string {
  return `/sign-in/sso/${id}/callback`;
}

function noRole(provider: Provider, person: Person, groups: readonly string[] | undefined): SignInError {
  const what =
    groups === undefined
      ? `tells no groups (the claim ${provider.groups_claim} is missing).`
      : `none of your groups (${groups.length}) has a role here.`;
  return new SignInError('no_role', `${provider.name} knows you as ${person.name}, but ${what} Ask an owner of this instance.`);
}
