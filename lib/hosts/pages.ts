/** Lists of a host that come in pages, one after the other. */
import { GitferryError } from '../core/errors.ts';
import type { HostReply } from './host-api.ts';
import { hostLimits } from './host-limits.ts';

/** All of a short list (hooks, keys, protected branches). Throws `host_answer_unexpected` where it does not end. */
export async function allPages<T>(ask: (page: number) => Promise<HostReply<readonly T[]>>): Promise<HostReply<readonly T[]>> {
  const all: T[] = [];
  for (let page = 1; page <= hostLimits.pages; page++) {
    const reply = await ask(page);
    if (reply.kind !== 'ok') return reply;
    all.push(...reply.value);
    if (nextPage(page, reply) === undefined) return { ...reply, value: all };
  }
  throw new GitferryError('host_answer_unexpected', { detail: `A list goes on after ${hostLimits.pages} pages.` });
}

/** GitLab says it in X-Next-Page, GitHub and Gitea in Link (RFC 8288); the address in it is not followed, only counted. A page of nothing is the last one. */
export function nextPage(
  page: number,
  { value, headers }: { value: readonly unknown[]; headers: Readonly<Record<string, string | undefined>> },
) {
  const isMore = /^\d+$/.test(headers['x-next-page'] ?? '') || /rel="?next"?/.test(headers['link'] ?? '');
  return isMore && value.length > 0 ? page + 1 : undefined;
}
