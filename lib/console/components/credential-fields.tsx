/** Form fields for the value of a credential: a password or token, or the type of a key that gitferry makes. */
import { shownUrls } from '../shown-url.ts';
import { SelectField, TextField } from './form-field.tsx';

interface PasswordProps {
  readonly label?: string;
  readonly hint?: string;
  readonly fault: string | undefined;
}

/** Empty whatever was typed: a password is never put into a page. */
export function PasswordField({ label = 'Password or token', hint, fault }: PasswordProps) {
  return (
    <TextField
      name="password"
      label={label}
      type="password"
      autocomplete="new-password"
      code
      fault={fault}
      {...(hint === undefined ? {} : { hint })}
    />
  );
}

/** Where a shared credential may be used. */
export function AllowedUrlsField({ value, fault }: { readonly value: string; readonly fault: string | undefined }) {
  return (
    <TextField
      name="allowed_urls"
      label="Where it may be used"
      value={shownUrls(value)}
      rows={3}
      required
      code
      fault={fault}
      hint="Hosts, or groups on them, one per line: https://github.com/acme/ or ssh://git.example.org/. It is never sent anywhere else."
    />
  );
}

interface KeyTypeProps {
  readonly label: string;
  readonly value: string;
  readonly fault: string | undefined;
}

export function KeyTypeField({ label, value, fault }: KeyTypeProps) {
  const options = [
    { value: 'ed25519', label: 'Ed25519' },
    { value: 'rsa', label: 'RSA, 4096 bits (for hosts that take no other)' },
  ];
  return <SelectField name="key_type" label={label} value={value} fault={fault} options={options} />;
}
