/** Form fields of the ways to sign in, made of what each method says of itself (lib/credentials/methods/). */
import { type AuthMethod, methodOf } from '../../credentials/registry.ts';
import type { Faults } from '../faults.ts';
import type { Form } from '../read-form.ts';
import { type RadioOption, TextField } from './form-field.tsx';

/** What was typed, by the field's name. */
export type MethodValues = Readonly<Record<string, string>>;

/** As a choice, with the parts of the form that it needs. */
export function methodOption<T extends AuthMethod>(method: T): RadioOption & { readonly value: T } {
  const { label, hint, takesPassword, makesKeyPair, takesPrivateKey } = methodOf(method);
  const takes = [
    ...(takesPassword ? ['username', 'password'] : []),
    ...(makesKeyPair ? ['username', 'key-type'] : []),
    ...(takesPrivateKey ? ['private-key'] : []),
  ].join(' ');
  return { value: method, label, takes, ...(hint === undefined ? {} : { hint }) };
}

interface Props {
  readonly method: AuthMethod;
  readonly values: MethodValues;
  readonly faults: Faults;
}

/** Its own fields, without user name, password and keys. */
export function MethodFields({ method, values, faults }: Props) {
  return (
    <>
      {methodOf(method).fields.map(({ name, label, hint }) => (
        <TextField name={name} label={label} value={values[name] ?? ''} code fault={faults.fields[name]} hint={hint} />
      ))}
    </>
  );
}

/** Empty whatever was typed, as passwords are. */
export function PrivateKeyField({ hint, fault }: { readonly hint: string; readonly fault: string | undefined }) {
  return <TextField name="private_key" label="Private key" value="" rows={5} code fault={fault} hint={hint} />;
}

/** What a form holds of a method's own fields. */
export function methodValues(form: Form, method: AuthMethod): MethodValues {
  return Object.fromEntries(methodOf(method).fields.map(({ name }) => [name, form.text(name)]));
}
