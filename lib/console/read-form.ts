/** A form as it was sent. */
import { Refusal } from './refusal.ts';

export interface Form {
  /** Trimmed; `` if it was not sent. */
  text(name: string): string;
  /** As it was typed: passwords. */
  exact(name: string): string;
  /** Of a checkbox. */
  isOn(name: string): boolean;
  /** Every value of a repeated field, without empty ones. */
  all(name: string): readonly string[];
}

/** Of a request that admitForm has let in. Refuses with 415. */
export async function readForm(request: Request): Promise<Form> {
  const mediaType = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const bytes = Buffer.from(await request.arrayBuffer());
  if (bytes.length > 0 && mediaType !== 'application/x-www-form-urlencoded') throw new Refusal(415);
  const fields = new URLSearchParams(bytes.toString('utf8'));
  return {
    text: (name) => (fields.get(name) ?? '').trim(),
    exact: (name) => fields.get(name) ?? '',
    isOn: (name) => fields.has(name),
    all: (name) => fields.getAll(name).filter((value) => value.trim() !== ''),
  };
}
