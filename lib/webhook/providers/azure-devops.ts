/** Azure DevOps service hooks (learn.microsoft.com, "Service hook events"): HTTP Basic; what they send depends on "resource details to send". */
import type { ProviderRules } from '../delivery.ts';
import { at, completeRefs, listAt, textAt, textsAt } from '../payload.ts';
import { isBasicPassword } from '../signature.ts';

export const azureDevops: ProviderRules = {
  proves: (delivery, secrets) => isBasicPassword(delivery, secrets),
  readEvent: (_, payload) => {
    const name = textAt(payload, 'eventType') ?? 'unknown';
    const repository = at(payload, 'resource', 'repository');
    // With minimal details neither the repository nor the refs are named: the hook's own project is meant, and all its mirrors are asked.
    const repositories = textsAt(repository, ['remoteUrl', 'sshUrl', 'webUrl']);
    const named = repository === undefined || repository === null || repositories.length === 0 ? undefined : repositories;
    const refs = completeRefs(listAt(payload, 'resource', 'refUpdates').map((update) => at(update, 'name')));
    return { kind: name === 'git.push' ? 'push' : 'other', name, repositories: named, refs };
  },
};
