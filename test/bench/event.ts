/** An event of one commit, soon after an ordinary run (a narrow run), with few refs and with many. */
import { join } from 'node:path';
import { git } from '../support/git.ts';
import { startWarmWorker } from '../support/warm-worker.ts';
import { contest, type Summary } from './contest.ts';
import { addCommits, makeRepository, writePackedRefs } from './made-repository.ts';
import { measureHere } from './measure.ts';
import type { Finding } from './report.ts';
import { countRounds, openLine } from './rounds.ts';
import { assertSameRefs, copyRepository, removeAll, type Workbench } from './workbench.ts';

const main = 'refs/heads/main';
const warmUps = 20;

export const benchEvent = (bench: Workbench): Promise<Finding> => race(bench, 300);
export const benchEventManyRefs = (bench: Workbench): Promise<Finding> => race(bench, 50_000);

/** A repository of a few thousand commits and this many refs. */
export async function makeWithRefs(bench: Workbench, name: string, refCount: number): Promise<string> {
  const source = bench.sourcePath(name);
  await makeRepository(source, { commits: 3000, branches: 1, tags: 0, files: 1000, assetBytes: 5_000_000 });
  const commits = (await git(source, ['rev-list', main])).split('\n');
  const refs = new Map<string, string>();
  for (let index = 1; index < refCount; index++) {
    const ref = index % 2 === 0 ? `refs/heads/team-${index % 50}/topic-${index}` : `refs/tags/build/${index}`;
    refs.set(ref, commits[index % commits.length] as string);
  }
  await writePackedRefs(source, refs);
  return source;
}

async function race(bench: Workbench, refCount: number): Promise<Finding> {
  const { meter } = bench;
  const source = await makeWithRefs(bench, 'event.git', refCount);
  const [ours, theirs, far] = [bench.targetPath('ours.git'), bench.targetPath('theirs.git'), bench.targetPath('far.git')];
  for (const target of [ours, theirs, far]) await copyRepository(source, target);
  const clone = join(bench.folder, 'warm.git');
  await git('/', ['clone', '--quiet', '--mirror', bench.sourceUrl('event.git'), clone]);
  const fetch = meter.git(['-C', clone, 'fetch', '-q', '--prune']);
  const push = meter.git(['-C', clone, 'push', '-q', '--mirror', bench.targetUrl('theirs.git')]);
  let label = 0;
  const change = (): Promise<void> => addCommits(source, [main], `event ${label++}`);

  const worker = startWarmWorker();
  const [from, to] = [{ url: bench.sourceUrl('event.git') }, { url: bench.targetUrl('ours.git') }];
  const { ends } = (await worker.run(from, to)).way;
  if (ends === undefined) throw new Error('these ends are not for narrow runs');
  const event = async (): Promise<void> => {
    const { way } = await worker.run(from, to, [], { refs: [main], ends });
    if (way.path !== 'narrow') throw new Error(`not narrow: ${way.gaveUp?.reason ?? ''}`);
  };
  for (let index = 0; index < warmUps; index++) {
    await change();
    await event();
  }
  const summaries = (await contest(
    [
      { name: 'gitferry in a warm process', run: () => measureHere(event), finish: () => assertSameRefs(source, ours) },
      { name: '`git fetch --prune` + `git push --mirror` from a warm clone', run: () => meter.measure(`${fetch} && ${push}`) },
    ],
    { runs: Math.max(bench.runs, 15), beforeRound: change },
  )) as [Summary, Summary];
  await worker.close();

  const rounds = await countRounds(
    (delayMs) =>
      openLine(
        { source: bench.sourcePort, target: bench.targetPort },
        (side, port) => ({ url: `http://127.0.0.1:${port}/${side === 'source' ? 'event' : 'far'}.git` }),
        delayMs,
      ),
    { change, refs: [main], runs: bench.runs },
  );
  await removeAll(source, ours, theirs, far, clone);
  const [gitferry, warm] = summaries;
  return {
    title: `An event of one commit, ${refCount.toLocaleString('en')} refs`,
    contenders: summaries,
    targets: [
      { what: 'requests', measured: rounds.last.way.requests, bound: 4, unit: 'requests' },
      { what: 'bytes both ways beside the pack', measured: rounds.last.bytes / 1024, bound: 6, unit: 'KB' },
      { what: 'CPU in a warm process', measured: gitferry.cpuMs ?? Number.NaN, bound: 50, unit: 'ms' },
      { what: 'round trips, connections kept', measured: rounds.warm, bound: 3, unit: 'round trips' },
      { what: 'round trips, nothing kept (TCP not counted)', measured: rounds.cold, bound: 4, unit: 'round trips' },
      { what: 'wall: against fetch + push from a warm clone', measured: gitferry.wallMs / warm.wallMs, bound: 0.5, unit: '×' },
    ],
  };
}
