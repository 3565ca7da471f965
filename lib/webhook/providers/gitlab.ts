/** GitLab (docs.gitlab.com, "Webhook events", "System hooks"): the secret itself in `X-Gitlab-Token`, or Standard Webhooks with a signing token. */
import type { ProviderRules, WebhookEvent } from '../delivery.ts';
import { at, completeRefs, listAt, textAt, textsAt } from '../payload.ts';
import { isSecret } from '../signature.ts';
import { isStandardSignature } from '../standard-webhooks.ts';

export const gitlab: ProviderRules = {
  proves: (delivery, secrets, now) => isSecret(delivery.header('x-gitlab-token'), secrets) || isStandardSignature(delivery, secrets, now),
  readEvent: ({ header }, payload): WebhookEvent => {
    // System hooks have event_name only, and one header value for all events.
    const name = textAt(payload, 'object_kind') ?? textAt(payload, 'event_name') ?? header('x-gitlab-event') ?? 'unknown';
    const urls = ['git_http_url', 'git_ssh_url', 'web_url', 'http_url', 'ssh_url', 'homepage', 'url'];
    const repositories = [...textsAt(at(payload, 'project'), urls), ...textsAt(at(payload, 'repository'), urls)];
    const event = { name, repositories };
    if (name === 'push' || name === 'tag_push') return { ...event, kind: 'push', refs: completeRefs([at(payload, 'ref')]) };
    // Sent once per push by system hooks, however many refs moved.
    if (name === 'repository_update') return { ...event, kind: 'push', refs: completeRefs(listAt(payload, 'refs')) };
    return { ...event, kind: 'other', refs: undefined };
  },
  deliveryHeader: 'webhook-id',
};
