/** Forgejo, Gitea and Gogs: bare hexadecimal signatures in headers of their own name, beside those of the forges they descend from. */
import type { Delivery, ProviderRules } from '../delivery.ts';
import { isHexSignature } from '../signature.ts';
import { readGitHubLikeEvent } from './github.ts';

export const forgejo = familyMember('forgejo', 'gitea', 'gogs');
export const gitea = familyMember('gitea', 'forgejo', 'gogs');
export const gogs = familyMember('gogs', 'gitea', 'forgejo');

/** Its own headers decide; those of its relatives only where its own are absent, as with old versions. */
function familyMember(own: string, ...relatives: readonly string[]): ProviderRules {
  const names = [own, ...relatives];
  const firstHeader = ({ header }: Delivery, suffix: string): string | undefined =>
    names.map((name) => header(`x-${name}-${suffix}`)).find((value) => value !== undefined);
  return {
    // Without a secret they send an empty signature: not 64 digits, so refused.
    proves: (delivery, secrets) => isHexSignature(firstHeader(delivery, 'signature'), '', delivery.body, secrets),
    readEvent: (delivery, payload) => readGitHubLikeEvent(firstHeader(delivery, 'event'), payload),
    deliveryHeader: `x-${own}-delivery`,
  };
}
