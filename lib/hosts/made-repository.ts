/** What a host says of a repository that it has just made, or refused to make. */
import { GitferryError } from '../core/errors.ts';
import type { ByHand, NewRepository, Offered, RepositoryDescription, Visibility } from './host.ts';
import type { HostReply } from './host-api.ts';
import { done, notPermitted, refusal } from './offered.ts';

const widths: Readonly<Record<Visibility, number>> = { private: 0, internal: 1, public: 2 };

/** The narrower of what is wanted and what the source has: a mirror shows nobody more than its source does. A source that does not say is taken for private. */
export function noWiderThan(source: Visibility | undefined, wanted: Visibility): Visibility {
  const most = source ?? 'private';
  return widths[wanted] <= widths[most] ? wanted : most;
}

/** Throws `repository_name_taken`, `visibility_differs` (it exists then: the message says so), `request_refused`. */
export function madeRepository(
  reply: HostReply<RepositoryDescription>,
  { path, visibility }: NewRepository,
  byHand: ByHand,
): Offered<RepositoryDescription> {
  if (reply.kind === 'refused') {
    if (reply.status === 409 || /already (exists|been taken|used)/i.test(reply.words))
      throw new GitferryError('repository_name_taken', { detail: path, words: reply.words });
    throw refusal(reply);
  }
  if (reply.kind !== 'ok') return notPermitted(reply, byHand);
  const { value } = reply;
  if (widths[value.visibility ?? 'private'] > widths[visibility])
    throw new GitferryError('visibility_differs', {
      detail: `${value.path} was made and is ${value.visibility}, not ${visibility}: see ${value.webUrl}.`,
    });
  return done(value);
}
