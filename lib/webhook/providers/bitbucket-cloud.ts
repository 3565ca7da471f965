/** Bitbucket Cloud (support.atlassian.com, "Event payloads"): `X-Hub-Signature`; all changes of a push in one event, no clone URL. */
import type { ProviderRules } from '../delivery.ts';
import { at, completeRefs, listAt, textAt } from '../payload.ts';
import { isHexSignature } from '../signature.ts';

export const bitbucketCloud: ProviderRules = {
  proves: ({ header, body }, secrets) => isHexSignature(header('x-hub-signature'), 'sha256=', body, secrets),
  readEvent: ({ header }, payload) => {
    const changes = listAt(payload, 'push', 'changes');
    const name = header('x-event-key') ?? (changes.length > 0 ? 'repo:push' : 'unknown');
    const fullName = textAt(payload, 'repository', 'full_name');
    const page = textAt(payload, 'repository', 'links', 'html', 'href');
    const repositories = [page, fullName === undefined ? undefined : `https://bitbucket.org/${fullName}`].filter(
      (url) => url !== undefined,
    );
    const refs = name === 'repo:push' ? completeRefs(changes.map(refOfChange)) : undefined;
    return { kind: name === 'repo:push' ? 'push' : 'other', name, repositories, refs };
  },
  deliveryHeader: 'x-request-uuid',
};

const refFolders: Readonly<Record<string, string>> = {
  branch: 'refs/heads/',
  named_branch: 'refs/heads/',
  tag: 'refs/tags/',
  annotated_tag: 'refs/tags/',
};

/** `new` is null for a deleted ref, `old` for a created one. */
function refOfChange(change: unknown): string | undefined {
  const ref = at(change, 'new') ?? at(change, 'old');
  const folder = refFolders[textAt(ref, 'type') ?? ''];
  const name = textAt(ref, 'name');
  return folder === undefined || name === undefined ? undefined : folder + name;
}
