/** Keeps a double click from creating something twice. */
import type { Form } from './read-form.ts';
import type { Visit } from './visit.ts';

/** Whether a form with `once` (components/form.tsx) is carried out for the first time. One without its number is taken for new. */
export async function firstTime({ deps, session }: Visit, form: Form): Promise<boolean> {
  const nonce = form.text('form_nonce');
  return /^[A-Za-z0-9_-]{16}$/.test(nonce) ? deps.records.sessions.claimForm(session, nonce) : true;
}
