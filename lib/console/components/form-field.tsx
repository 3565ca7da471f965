/** Form fields: label, hint and fault belong to the input and are read with it. */
import type { Child } from 'hono/jsx';
import { printable } from '../../core/printable.ts';

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: Child;
  readonly fault?: string | undefined;
  readonly required?: boolean;
}

interface TextProps extends FieldProps {
  readonly value?: string;
  readonly type?: 'text' | 'password' | 'number' | 'date' | 'search' | 'url';
  readonly autocomplete?: string;
  readonly placeholder?: string;
  readonly min?: number;
  readonly max?: number;
  /** More than one: a text area. */
  readonly rows?: number;
  /** Fixed-width letters: URLs, keys, patterns. */
  readonly code?: boolean;
}

/** A password's value is never put into a page. */
export function TextField(props: TextProps) {
  const {
    name,
    label,
    hint,
    fault,
    required,
    value = '',
    type = 'text',
    autocomplete = 'off',
    placeholder,
    min,
    max,
    rows = 1,
    code,
  } = props;
  const id = `field-${name}`;
  const described = describedBy(id, hint, fault);
  const common: Readonly<Record<string, string | boolean | undefined>> = {
    id,
    name,
    autocomplete,
    ...(code ? { class: 'code', spellcheck: 'false', autocapitalize: 'none' } : {}),
    ...(required ? { required: true } : {}),
    ...(fault === undefined ? {} : { 'aria-invalid': 'true' }),
    ...(described === undefined ? {} : { 'aria-describedby': described }),
    ...(placeholder === undefined ? {} : { placeholder }),
  };
  const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  return (
    <div class="field">
      <label for={id}>
        {label}
        {required && <span class="required"> (required)</span>}
      </label>
      {rows > 1 ? (
        <textarea {...common} rows={rows}>
          {value}
        </textarea>
      ) : (
        <input {...common} {...bounds} {...(type === 'password' ? {} : { value })} type={type} />
      )}
      <FieldWords id={id} hint={hint} fault={fault} />
    </div>
  );
}

interface SelectProps extends FieldProps {
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

export function SelectField({ name, label, hint, fault, value, options }: SelectProps) {
  const id = `field-${name}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name} aria-invalid={fault === undefined ? undefined : 'true'} aria-describedby={describedBy(id, hint, fault)}>
        {options.map((option) => (
          <option value={option.value} selected={option.value === value}>
            {printable(option.label)}
          </option>
        ))}
      </select>
      <FieldWords id={id} hint={hint} fault={fault} />
    </div>
  );
}

interface CheckProps extends FieldProps {
  readonly checked: boolean;
  /** Sent when it is checked; `true` unless said otherwise. */
  readonly value?: string;
}

export function CheckField({ name, label, hint, fault, checked, value = 'true' }: CheckProps) {
  const id = value === 'true' ? `field-${name}` : `field-${name}-${value}`;
  return (
    <div class="field field-check">
      <input id={id} name={name} type="checkbox" value={value} checked={checked} aria-describedby={describedBy(id, hint, fault)} />
      <label for={id}>{label}</label>
      <FieldWords id={id} hint={hint} fault={fault} />
    </div>
  );
}

interface RadioProps extends FieldProps {
  readonly value: string;
  readonly options: readonly RadioOption[];
}

export interface RadioOption {
  readonly value: string;
  readonly label: string;
  readonly hint?: Child;
  /** Parts of the form that are shown with it: classes `for-…` of console.css. */
  readonly takes?: string;
  /** Fields of its own, shown once it is chosen. */
  readonly detail?: Child;
}

export function RadioField({ name, label, hint, fault, value, options }: RadioProps) {
  const id = `field-${name}`;
  return (
    <fieldset class="field" aria-describedby={describedBy(id, hint, fault)}>
      <legend>{label}</legend>
      {options.map((option) => {
        const optionId = `${id}-${option.value}`;
        return (
          <div class="field-check">
            <input
              id={optionId}
              name={name}
              type="radio"
              value={option.value}
              checked={option.value === value}
              data-takes={option.takes}
              aria-describedby={describedBy(optionId, option.hint, undefined)}
            />
            <label for={optionId}>{option.label}</label>
            <FieldWords id={optionId} hint={option.hint} fault={undefined} />
            {option.detail !== undefined && <div class="field-detail">{option.detail}</div>}
          </div>
        );
      })}
      <FieldWords id={id} hint={hint} fault={fault} />
    </fieldset>
  );
}

function describedBy(id: string, hint: Child | undefined, fault: string | undefined): string | undefined {
  const ids = [...(fault === undefined ? [] : [`${id}-fault`]), ...(hint === undefined ? [] : [`${id}-hint`])];
  return ids.length === 0 ? undefined : ids.join(' ');
}

function FieldWords({ id, hint, fault }: { readonly id: string; readonly hint?: Child; readonly fault?: string | undefined }) {
  return (
    <>
      {fault !== undefined && (
        <p class="field-fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
      {hint !== undefined && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </>
  );
}
