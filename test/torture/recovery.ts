/** What is promised after any fault, looked at from outside: the target is sound at once; within three minutes it is up to date, and the record tells the truth. */
import { isDeepStrictEqual } from 'node:util';
import type { FunctionProcess } from './function-process.ts';
import { brokenRefs, missingRefs, unsound } from './judge-target.ts';
import type { Story, StoryMirror } from './story.ts';
import type { TortureWorld } from './torture-world.ts';

export const promisedMs = 180_000;
/** Of the held clock: what takes longer is taken for stuck. */
const stuckMs = 30 * 60_000;

export const promised =
  'target fsck-clean, every ref old or new; done, and the record true, within 3 minutes; no request lost, no mirror stuck, no secret shown';

export interface RecoveryExpectation {
  /** false = the request was not accepted: it may have been recorded all the same. */
  readonly expectRun?: boolean;
  readonly withinMs?: number;
  /** What the run has to say that asked for it. */
  readonly trigger?: 'manual' | 'schedule' | 'event';
  /** How many runs of each outcome are to be on record: none more, none less. */
  readonly runs?: Readonly<Record<string, number>>;
}

export interface Recovery {
  /** Of the held clock; undefined = it never was. */
  readonly ms: number | undefined;
  readonly breaches: readonly string[];
}

/** Ends with the project gone. */
export async function judgeRecovery(
  world: TortureWorld,
  story: Story,
  { key, mirror, target, before, lfsObjects }: StoryMirror,
  worker: FunctionProcess,
  { expectRun = true, withinMs = promisedMs, trigger = 'manual', runs: expectedRuns }: RecoveryExpectation = {},
): Promise<Recovery> {
  await story.idle();
  const breaches = [...(await brokenRefs(target, before, story.wanted)), ...(await unsound(target))];
  const interrupted = await world.jobs.get(key);
  const ms = await world.calm([key], worker, stuckMs);
  const after = await world.jobs.get(key);
  if (ms === undefined) breaches.push(`stuck: ${JSON.stringify(after)}`);
  else if (ms > withinMs) breaches.push(`took ${Math.round(ms / 1000)} s`);
  await story.idle();
  if (expectRun || (after?.requestedSeq ?? 0) > 0) {
    breaches.push(...(await missingRefs(target, story.wanted)), ...(await unsound(target)));
    if (story.lfsObject !== undefined && !(await lfsObjects()).includes(story.lfsObject)) breaches.push('the LFS object is missing');
    if (after?.updateStatus !== 'finished' || after.lastRun?.outcome !== 'success')
      breaches.push(`the record says ${after?.updateStatus}, ${after?.lastRun?.outcome} ${after?.lastError?.code ?? ''}`);
    const { items: runs } = await world.records.runs.list(mirror.id, { page: 1, perPage: 100 });
    const success = runs.find(({ outcome }) => outcome === 'success');
    if (success === undefined) breaches.push('no run on record was a success');
    else if (success.trigger.kind !== trigger) breaches.push(`the run says it was asked for by ${success.trigger.kind}`);
    const outcomes: Record<string, number> = {};
    for (const { outcome } of runs) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    if (expectedRuns !== undefined && !isDeepStrictEqual(outcomes, expectedRuns))
      breaches.push(`the runs on record are ${JSON.stringify(outcomes)}`);
    // One that had begun when its worker died has a record of its own.
    if (
      interrupted?.leaseToken != null &&
      interrupted.updateStatus === 'started' &&
      !runs.some(({ id }) => id.includes(interrupted.leaseToken ?? ''))
    )
      breaches.push('the interrupted run is not on record');
  }
  await world.records.projects.delete(key.projectId);
  return { ms, breaches };
}

/** Every secret that is found in what the processes wrote, or in `more`. */
export function shownSecrets(world: TortureWorld, more = ''): readonly string[] {
  const text = world.output() + more;
  return world.secretTexts.flatMap((secret) => {
    const forms = [
      secret,
      Buffer.from(secret).toString('base64').slice(0, -4),
      Buffer.from(`ada:${secret}`).toString('base64').slice(0, -4),
      encodeURIComponent(secret),
    ];
    return forms.some((form) => text.includes(form)) ? [`a secret is shown: ${secret.slice(0, 6)}...`] : [];
  });
}

/** How recoveries went, in words. */
export class RecoveryTimes {
  readonly #times: number[] = [];

  add({ ms }: Recovery): void {
    if (ms !== undefined) this.#times.push(ms);
  }

  toString(): string {
    const sorted = [...this.#times].sort((a, b) => a - b);
    if (sorted.length === 0) return 'no recoveries';
    const at = (share: number): number => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1000);
    return `${sorted.length} recoveries, median ${at(0.5)} s, longest ${at(1)} s`;
  }
}
