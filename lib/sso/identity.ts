/** What a provider's claims say of a person: a name to read, and the groups. */
import { printable } from '../core/printable.ts';
import type { Claims } from './openid.ts';
import type { Provider } from './provider-settings.ts';
import { SignInError } from './sign-in-error.ts';
import { ssoLimits } from './sso-limits.ts';

/** undefined = the claims hold none. */
export function nameIn(claims: Claims): string | undefined {
  const email = claims['email_verified'] === false ? undefined : claims['email'];
  for (const name of [claims['preferred_username'], email, claims['name']]) {
    if (typeof name === 'string' && name.trim() !== '') return printable(name.trim()).slice(0, ssoLimits.nameCharacters);
  }
  return undefined;
}

/** undefined = the claim is not there. Throws `groups_left_out` where the provider says that there are too many to tell. */
export function groupsIn(claims: Claims, { groups_claim: claim, name }: Provider): readonly string[] | undefined {
  if (!Object.hasOwn(claims, claim) && isLeftOut(claims, claim)) {
    const what = `You are in more groups than ${name} tells at once, so gitferry cannot know which of them count.`;
    throw new SignInError(
      'groups_left_out',
      `${what} An owner has to let it tell only the groups of this application (docs/single-sign-on.md, Entra).`,
    );
  }
  if (!Object.hasOwn(claims, claim)) return undefined;
  return [claims[claim]].flat().filter((group): group is string => typeof group === 'string');
}

/** Entra: beyond 200 groups `_claim_names` points elsewhere (OpenID Connect Core, 5.6.2), or `hasgroups` is true. */
function isLeftOut(claims: Claims, claim: string): boolean {
  const { _claim_names: elsewhere, hasgroups: isOver } = claims;
  return (typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, claim)) || isOver === true || isOver === 'true';
}
