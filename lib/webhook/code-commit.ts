/** CodeCommit's events, which come through EventBridge to the schedule function: the rule that sends them is their proof. */

import { codeCommitRepositoryOf } from '../core/code-commit-url.ts';
import type { Log } from '../core/log.ts';
import type { Mirror, MirrorKey } from '../model/mirror.ts';
import type { ProjectContents, ProjectRecords } from '../model/records.ts';
import { filterMirrors } from './choose-mirrors.ts';
import type { RequestResult, RequestRuns } from './handle-delivery.ts';
import { completeRefs, textAt } from './payload.ts';

export interface CodeCommitDeps {
  readonly projects: Pick<ProjectRecords, 'ofCodeCommit' | 'contents'>;
  readonly requestRuns: RequestRuns;
  readonly log: Log;
}

export interface CodeCommitAnswer {
  readonly status: RequestResult;
  /** How many mirrors were asked for. */
  readonly mirrors: number;
  readonly reason: string;
}

/**
 * Asks for updates of every mirror whose source is the event's repository: push mirrors of projects there, pull mirrors from there. What is not such an
 * event, or concerns nobody, is `ignored`. Throws `storage_unavailable` (EventBridge then sends it again).
 */
export async function receiveCodeCommitEvent(event: unknown, { projects, requestRuns, log }: CodeCommitDeps): Promise<CodeCommitAnswer> {
  const region = textAt(event, 'region');
  const repository = textAt(event, 'detail', 'repositoryName');
  const done = (status: RequestResult, mirrors: number, reason: string): CodeCommitAnswer => {
    log.write('info', 'code_commit_event', { region, repository, status, mirrors, reason });
    return { status, mirrors, reason };
  };
  const isStateChange = textAt(event, 'detail-type') === 'CodeCommit Repository State Change';
  if (!isStateChange || region === undefined || region === '' || repository === undefined || repository === '')
    return done('ignored', 0, 'not an event of a CodeCommit repository');
  // Events without a ref, such as unreferencedMergeCommitCreated, move nothing.
  const ref = textAt(event, 'detail', 'referenceFullName');
  if (ref === undefined) return done('ignored', 0, 'the event moves no ref');

  const isSource = (url: string): boolean => {
    const named = codeCommitRepositoryOf(url);
    return named?.region === region && named.repository === repository;
  };
  const ids = await projects.ofCodeCommit(region, repository);
  const keys = await Promise.all(ids.map(async (id) => keysOf(await projects.contents(id), isSource, completeRefs([ref]))));
  const asked = keys.flat();
  if (asked.length === 0) return done('ignored', 0, 'no mirror is concerned');
  const results = await requestRuns(asked, 'code_commit', completeRefs([ref]));
  const status = (['queued', 'merged'] as const).find((each) => results.includes(each)) ?? 'ignored';
  return done(status, asked.length, 'update asked for');
}

/** Mirrors of one project whose source it is. The look-up may be out of date, so the URLs decide. */
async function keysOf(
  contents: ProjectContents | undefined,
  isSource: (url: string) => boolean,
  refs: readonly string[] | undefined,
): Promise<readonly MirrorKey[]> {
  if (contents === undefined) return [];
  const { project, mirrors } = contents;
  const source = ({ direction, url }: Mirror): string => (direction === 'push' ? project.repositoryUrl : url);
  const { keys } = await filterMirrors(
    mirrors.filter((mirror) => isSource(source(mirror))),
    refs,
    contents,
  );
  return keys;
}
