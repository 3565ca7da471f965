/** Bitbucket Data Center (confluence.atlassian.com, "Event payload"): `X-Hub-Signature`, but its connection test comes unsigned. */
import type { ProviderRules } from '../delivery.ts';
import { at, completeRefs, listAt, textAt } from '../payload.ts';
import { isHexSignature } from '../signature.ts';

export const bitbucketDataCenter: ProviderRules = {
  proves: ({ header, body }, secrets) => isHexSignature(header('x-hub-signature'), 'sha256=', body, secrets),
  isUnsignedPing: ({ header }) => header('x-event-key') === 'diagnostics:ping' && header('x-hub-signature') === undefined,
  readEvent: ({ header }, payload) => {
    const name = header('x-event-key') ?? textAt(payload, 'eventKey') ?? 'unknown';
    const event = { name, repositories: repositoriesOf(at(payload, 'repository')) };
    if (name === 'diagnostics:ping') return { ...event, kind: 'ping', refs: undefined };
    if (name !== 'repo:refs_changed' && name !== 'mirror:repo_synchronized') return { ...event, kind: 'other', refs: undefined };
    const refs = listAt(payload, 'changes').map((change) => textAt(change, 'refId') ?? textAt(change, 'ref', 'id'));
    // A mirror that fetched too many refs at once lists only some.
    return { ...event, kind: 'push', refs: at(payload, 'refLimitExceeded') === true ? undefined : completeRefs(refs) };
  },
  deliveryHeader: 'x-request-id',
};

/** Clone URLs where the event has them; otherwise project and slug as they stand in those, on whatever host. */
function repositoriesOf(repository: unknown): readonly string[] {
  const clone = listAt(repository, 'links', 'clone').flatMap((link) => textAt(link, 'href') ?? []);
  if (clone.length > 0) return clone;
  const key = textAt(repository, 'project', 'key');
  const slug = textAt(repository, 'slug');
  return key === undefined || slug === undefined ? [] : [`/scm/${key}/${slug}`];
}
