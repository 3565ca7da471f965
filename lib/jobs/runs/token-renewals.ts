/** Where tokens that renew themselves are kept: the value in the secret store, its end and the mark of a renewal in the record. */
import type { Clock } from '../../core/clock.ts';
import type { Renewals } from '../../credentials/sign-in.ts';
import type { CredentialRecords } from '../../model/records.ts';
import type { SecretStore } from '../../model/secret-store.ts';
import { isCredential } from './credential-of.ts';

interface RenewalDeps {
  readonly credentials: Pick<CredentialRecords, 'get' | 'update' | 'beginRenewal'>;
  readonly secrets: Pick<SecretStore, 'read' | 'update'>;
  readonly clock: Pick<Clock, 'now'>;
}

export function createRenewals({ credentials, secrets, clock }: RenewalDeps): Renewals {
  const nameOf = async (id: number): Promise<string | undefined> => (await credentials.get(id))?.secretName ?? undefined;
  return {
    async noteExpiry(id, expiresAt) {
      await credentials.update(id, { expiresAt, renewingSince: null });
    },
    begin: (id, expiresAt) => credentials.beginRenewal(id, { expiresAt, now: clock.now() }),
    async read(id) {
      const name = await nameOf(id);
      const value = name === undefined ? undefined : await secrets.read(name, { fresh: true });
      return isCredential(value) ? value : undefined;
    },
    async store(id, secret) {
      const name = await nameOf(id);
      // Deleted meanwhile: nobody needs it any more.
      if (name !== undefined) await secrets.update(name, secret);
    },
  };
}
