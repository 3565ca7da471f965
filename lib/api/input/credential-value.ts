/** What a user name and password must be to be sent to a host. */
import { credentialFault } from '../../credentials/credential-fault.ts';
import { badParameter } from '../http/api-error.ts';

/** Refuses with 400. */
export function checkCredentialValue(value: { readonly username: string; readonly password: string }): void {
  const found = credentialFault(value);
  if (found !== undefined) throw badParameter(found.of, `is invalid: ${found.fault}`);
}
