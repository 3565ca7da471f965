/** What comes before saving a form with an address: detecting host keys, and the word that they were compared. */
import { type AddressValues, detectHostKeys, withDetectedKeys } from './address-form.ts';
import { type Faults, faultsOf, noFaults } from './faults.ts';
import type { Form } from './read-form.ts';
import type { Visit } from './visit.ts';

export interface AddressStep {
  readonly address: AddressValues;
  readonly faults: Faults;
}

/** undefined = nothing stands in the way of saving. `urlName` is the form's field. Contacts the host where it was asked to. */
export async function hostKeyStep(visit: Visit, form: Form, urlName: string, address: AddressValues): Promise<AddressStep | undefined> {
  if (form.text('step') === 'detect') {
    const answer = await detectHostKeys(visit, address.url);
    const detected = withDetectedKeys(address, answer);
    if (detected !== undefined) return { address: detected, faults: noFaults };
    const { fields, ...rest } = faultsOf(answer, ['url']);
    return { address, faults: { ...rest, fields: fields['url'] === undefined ? {} : { [urlName]: fields['url'] } } };
  }
  if (!form.isOn('host_keys_detected') || form.isOn('host_keys_confirmed')) return undefined;
  const fault = 'Say below that you have compared the fingerprints, or type the keys yourself.';
  const again = withDetectedKeys(address, await detectHostKeys(visit, address.url)) ?? address;
  return { address: again, faults: { ...noFaults, fields: { host_keys: fault } } };
}
