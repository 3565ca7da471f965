/** GitHub (docs.github.com, "Webhook events and payloads"): `X-Hub-Signature-256`; also what the Gitea family's events have in common with it. */
import type { ProviderRules, WebhookEvent } from '../delivery.ts';
import { at, completeRefs, textAt, textsAt } from '../payload.ts';
import { isHexSignature } from '../signature.ts';

export const github: ProviderRules = {
  proves: ({ header, body }, secrets) => isHexSignature(header('x-hub-signature-256'), 'sha256=', body, secrets),
  readEvent: ({ header }, payload) => readGitHubLikeEvent(header('x-github-event'), payload),
  deliveryHeader: 'x-github-delivery',
};

const refFolders: Readonly<Record<string, string>> = { branch: 'refs/heads/', tag: 'refs/tags/' };

/** `push` names its ref in full, `create` and `delete` shortly with its kind. Without a header, an event with a ref is taken for a push. */
export function readGitHubLikeEvent(header: string | undefined, payload: unknown): WebhookEvent {
  const ref = textAt(payload, 'ref');
  const name = header ?? (ref === undefined ? 'unknown' : 'push');
  const event = { name, repositories: textsAt(at(payload, 'repository'), ['clone_url', 'ssh_url', 'html_url']) };
  if (name === 'ping') return { ...event, kind: 'ping', refs: undefined };
  if (name === 'push') return { ...event, kind: 'push', refs: completeRefs([ref]) };
  if (name === 'create' || name === 'delete') {
    const folder = refFolders[textAt(payload, 'ref_type') ?? ''];
    // A new repository is announced like this too, with no ref.
    if (folder === undefined || ref === undefined) return { ...event, kind: 'other', refs: undefined };
    return { ...event, kind: 'push', refs: [ref.startsWith('refs/') ? ref : folder + ref] };
  }
  return { ...event, kind: 'other', refs: undefined };
}
