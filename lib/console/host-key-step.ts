/** What comes before saving a form with an address: detecting host keys, and the word that they were compared. */
import { hostKeyFingerprint } from '../git/transport/host-keys/known-hosts.ts';
import { type AddressValues, detectHostKeys, withDetectedKeys } from './address-form.ts';
import { type Faults, faultsOf, noFaults } from './faults.ts';
import type { Form } from './read-form.ts';
import type { Visit } from './visit.ts';

export interface AddressStep {
  readonly address: AddressValues;
  readonly faults: Faults;
}

const compareFirst = 'Say below that you have compared the fingerprints, or type the keys yourself.';

/** Keys that a host offered a page ago, and that nobody has said to have compared. */
export function hasUnconfirmedKeys(form: Form): boolean {
  return form.isOn('host_keys_detected') && !form.isOn('host_keys_confirmed');
}

/** With what a host offered a page ago still to be compared: the keys came with the form. */
export function withOfferedKeys(form: Form, address: AddressValues): AddressValues {
  if (!form.isOn('host_keys_detected')) return address;
  return { ...address, detected: address.hostKeys.split(/\r?\n/).flatMap((line) => hostKeyFingerprint(line) ?? []) };
}

/** undefined = nothing stands in the way of saving. `urlName` is the form's field. Contacts the host where it was asked to. */
export async function hostKeyStep(visit: Visit, form: Form, urlName: string, address: AddressValues): Promise<AddressStep | undefined> {
  if (form.text('step') === 'detect') {
    const answer = await detectHostKeys(visit, address.url);
    if (!('refusal' in answer)) return { address: withDetectedKeys(address, answer.body), faults: noFaults };
    const { fields, ...rest } = faultsOf(answer, ['url']);
    return { address, faults: { ...rest, fields: fields['url'] === undefined ? {} : { [urlName]: fields['url'] } } };
  }
  if (!hasUnconfirmedKeys(form)) return undefined;
  return { address, faults: { ...noFaults, fields: { host_keys: compareFirst } } };
}
