/** Anything that can sign: Standard Webhooks, or `X-Signature: sha256=<hex>`; the body may say which repository and which refs, or nothing. */
import type { ProviderRules } from '../delivery.ts';
import { at, completeRefs, listAt } from '../payload.ts';
import { isHexSignature } from '../signature.ts';
import { isStandardSignature } from '../standard-webhooks.ts';

export const generic: ProviderRules = {
  proves: (delivery, secrets, now) =>
    isStandardSignature(delivery, secrets, now) || isHexSignature(delivery.header('x-signature'), 'sha256=', delivery.body, secrets),
  readEvent: (_, payload) => {
    const repository = at(payload, 'repository');
    const ref = at(payload, 'ref');
    return {
      kind: 'push',
      name: 'push',
      repositories: repository === undefined || repository === null ? undefined : typeof repository === 'string' ? [repository] : [],
      refs: completeRefs(ref === undefined || ref === null ? listAt(payload, 'refs') : [ref]),
    };
  },
  deliveryHeader: 'webhook-id',
};
