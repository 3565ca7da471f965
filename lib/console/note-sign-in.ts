/** Sign-ins to the console, refused ones, and sign-outs in the audit trail. */
import type { ApiDeps } from '../api/api-deps.ts';
import { authorOf } from '../api/http/audit-trail.ts';
import { addressOf } from '../api/http/guess-limit.ts';
import { toGitferryError } from '../core/errors.ts';
import type { AccessToken } from '../model/access-token.ts';
import type { NewAuditEvent } from '../model/audit-event.ts';
import type { Person } from '../model/session.ts';
import { senderOf, type Visit } from './visit.ts';

type NoteDeps = Pick<ApiDeps, 'records' | 'log'>;

/** `who`: undefined = refused. A sign-in that cannot be recorded is none; a refusal stays one. `isSlowed`: too many wrong tokens, nothing was looked up, and nothing is written. */
export async function noteSignIn(
  headers: Headers,
  { records, log }: NoteDeps,
  who: AccessToken | Person | undefined,
  isSlowed = false,
): Promise<void> {
  const address = addressOf(headers);
  if (who !== undefined) {
    await records.audit.add(eventOf('sign_in', authorOfSignIn(who), address, null, 200));
    return;
  }
  if (isSlowed) return;
  await records.audit.addRefused(eventOf('sign_in_refused', authorOf(undefined), address, null, 403)).catch((error: unknown) => {
    log.write('error', 'audit_left_open', { status: 403, code: toGitferryError(error).code });
  });
}

export async function noteSignOut(visit: Visit, name: 'sign_out' | 'sign_out_everywhere'): Promise<void> {
  const { address, session } = senderOf(visit);
  await visit.deps.records.audit.add(eventOf(name, authorOf(visit.token), address, session, 200));
}

function authorOfSignIn(who: AccessToken | Person): NewAuditEvent['author'] {
  if ('tokenHash' in who) return authorOf(who);
  return { kind: 'person', id: null, name: who.name, provider: who.provider, subject: who.subject };
}

function eventOf(
  name: string,
  author: NewAuditEvent['author'],
  address: string | null,
  session: string | null,
  status: number,
): NewAuditEvent {
  return { name, author, session, address, project: null, target: { type: 'Session', id: session }, changes: [], status };
}
