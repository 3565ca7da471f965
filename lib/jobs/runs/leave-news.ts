/** Leaves in the outbox what a settled run has to tell, before it is settled: a process that dies in between has told nothing false, and lost nothing. */
import type { RefOutcome } from '../../mirror/outcome.ts';
import type { MirrorStatus } from '../../model/mirror.ts';
import { type NoticeOutbox, withNews } from '../../model/notice.ts';
import { type News, newsOfRun, type SettledRun, updateOfRun } from './news-of-run.ts';

export interface LeftNews {
  /** To be written with the release: it makes the notices true. */
  readonly status: Pick<MirrorStatus, 'newsIds' | 'refusedCredential'>;
  /** To be woken after it. */
  readonly ids: readonly string[];
}

export const noNews: LeftNews = { status: {}, ids: [] };

/** May be repeated: the same run leaves the same notices. Throws `storage_unavailable`. */
export async function leaveNews(settled: SettledRun & { readonly leaseToken: string }, outbox: NoticeOutbox): Promise<LeftNews> {
  const { mirror, run, leaseToken } = settled;
  const given = newsOfRun(settled);
  const isOneFact = given.refused !== undefined && (given.refused.ends || (await outbox.isHeard('credential.refused')));
  // Where nobody hears of credentials, the mirror speaks for itself.
  const { news, refused } =
    isOneFact || given.refused === undefined ? given : { ...newsOfRun({ ...settled, project: undefined }), refused: undefined };
  const ids: string[] = [];
  for (const one of news) {
    if (!(await outbox.isHeard(one.type))) continue;
    const id = `${one.type}-${one.decision ?? ''}-${mirror.id}-${run.id}`;
    await outbox.put({ ...one, id, ifNoted: { leaseToken } });
    ids.push(id);
  }
  const status = ids.length === 0 ? {} : { newsIds: withNews(ids, mirror.newsIds ?? []) };
  if (refused === undefined) return { status, ids };
  const ofCredential = await leaveNewsOfCredential(settled, refused, outbox);
  return {
    status: { ...status, refusedCredential: refused.ends ? null : refused.credential },
    ids: [...ids, ...ofCredential],
  };
}

/** Refs that moved: true by itself, and known only now. */
export async function leaveUpdate(
  settled: Pick<SettledRun, 'mirror' | 'run'>,
  moved: readonly RefOutcome[],
  outbox: NoticeOutbox,
): Promise<readonly string[]> {
  const news = updateOfRun(settled, moved);
  if (news === undefined || !(await outbox.isHeard(news.type))) return [];
  const id = `${news.type}-${settled.mirror.id}-${settled.run.id}`;
  await outbox.put({ ...news, id });
  return [id];
}

/** The first mirror that is refused tells, for all that use the credential there; so does the first that is not any more. */
async function leaveNewsOfCredential(
  { mirror, run, settlement }: SettledRun,
  { credential, ends }: { readonly credential: { readonly credentialId: number; readonly host: string }; readonly ends: boolean },
  outbox: NoticeOutbox,
): Promise<readonly string[]> {
  const tell = async (type: 'credential.refused' | 'credential.accepted', since: number): Promise<readonly string[]> => {
    const id = `${type}-${credential.credentialId}-${credential.host}-${since}`;
    const { lastError } = settlement.release.status;
    const news: News = { type, at: run.finishedAt, since, ...credential, ...(lastError == null ? {} : { error: lastError }) };
    await outbox.put({ ...news, id });
    return [id];
  };
  if (!ends) return tell('credential.refused', await outbox.noteRefused(credential));
  const since = await outbox.refusedSince(credential);
  if (since === undefined) return [];
  const isSame = [mirror.credential].some((now) => now?.kind === 'shared' && now.credentialId === credential.credentialId);
  const ids = isSame ? await tell('credential.accepted', since) : [];
  await outbox.noteAccepted(credential);
  return ids;
}
