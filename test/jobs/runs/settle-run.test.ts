import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorCatalogue } from '../../../lib/core/error-catalogue.ts';
import { serviceLimits } from '../../../lib/core/service-limits.ts';
import { askAgain, type FinishedRun, type Settlement, settleInterrupted, settleRun } from '../../../lib/jobs/runs/settle-run.ts';
import { defaultInstanceSettings } from '../../../lib/model/instance-settings.ts';
import type { Mirror } from '../../../lib/model/mirror.ts';
import { heldClock, hour, minute, noon, plainMirror } from '../../support/mirrors.ts';

const start = noon - 2000;
const noCounts = { created: 0, updated: 0, forced: 0, deleted: 0, diverged: 0, kept: 0, rejected: 0, raced: 0, unreadable: 0 };
const success: FinishedRun = {
  id: `${start}-token`,
  trigger: { kind: 'event', who: 'github' },
  startedAt: start,
  finishedAt: noon,
  outcome: 'success',
  error: null,
  counts: { ...noCounts, updated: 1 },
  bytes: 100,
  notes: [],
  heldBackDeletions: 0,
};
const errorOf = (code: ErrorCode) => ({ code, message: `${code}!`, hint: 'h' });
const failedWith = (code: ErrorCode, more: Partial<FinishedRun> = {}): FinishedRun => ({
  ...success,
  outcome: 'failed',
  error: errorOf(code),
  counts: noCounts,
  heldBackDeletions: undefined,
  ...more,
});
const partialWith = (code: ErrorCode, more: Partial<FinishedRun> = {}): FinishedRun => ({
  ...success,
  outcome: 'partial',
  error: errorOf(code),
  ...more,
});

const running: Mirror = {
  ...plainMirror,
  updateStatus: 'finished',
  lastUpdateStartedAt: noon - hour,
  lastUpdateAt: noon - hour,
  leaseToken: 'token',
  runTrigger: success.trigger,
};
const pull: Mirror = { ...running, direction: 'pull', mirror: 'pull' };
const deps = { settings: defaultInstanceSettings, clock: heldClock() };
const settle = (mirror: Partial<Mirror>, run: FinishedRun): Settlement => settleRun({ ...running, ...mirror }, run, deps);

describe('update_status', () => {
  it.each<[string, Partial<Mirror>, FinishedRun, string]>([
    ['a success', {}, success, 'finished'],
    ['a success of a pull mirror', pull, success, 'finished'],
    ['diverged refs of a push mirror', {}, partialWith('refs_diverged'), 'failed'],
    ['rejected refs of a push mirror', {}, partialWith('refs_rejected'), 'failed'],
    ['diverged refs of a pull mirror', pull, partialWith('refs_diverged'), 'finished'],
    ['a diverged default branch of a pull mirror', pull, partialWith('default_branch_diverged'), 'failed'],
    ['a pull mirror whose host refused half way', pull, partialWith('permission_denied'), 'failed'],
    ['an empty source of a push mirror', {}, partialWith('source_empty'), 'finished'],
    ['refused credentials', {}, failedWith('credentials_refused'), 'failed'],
    ['refused credentials of a pull mirror', pull, failedWith('credentials_refused'), 'failed'],
    ['a first time-out', {}, failedWith('timed_out'), 'to_retry'],
    ['a third time-out', { attempts: 2 }, failedWith('timed_out'), 'to_retry'],
    ['a fourth time-out', { attempts: 3 }, failedWith('timed_out'), 'failed'],
    ['a host that broke off after some refs', { attempts: 3 }, partialWith('connection_failed'), 'to_retry'],
    ['no time left after some refs', { attempts: 3 }, partialWith('deadline_exceeded'), 'to_retry'],
    ['no time left before any ref', { attempts: 3 }, failedWith('deadline_exceeded'), 'failed'],
  ])('after %s', (_, mirror, run, status) => {
    const { release } = settle(mirror, run);
    expect(release.status.updateStatus).toBe(status);
    expect(release.again === undefined).toBe(status !== 'to_retry');
    expect(release.status.lastUpdateAt).toBe(noon);
  });

  it.each(Object.keys(errorCatalogue) as ErrorCode[])('is to_retry after %s if that is worth a retry, and failed otherwise', (code) => {
    const { disposition } = errorCatalogue[code];
    expect(settle({}, failedWith(code)).release.status.updateStatus).toBe(disposition === 'retry' ? 'to_retry' : 'failed');
  });
});

describe('what is remembered', () => {
  it('success clears the error and says when', () => {
    const { release } = settle({ lastError: errorOf('timed_out'), failedRuns: 3, failingSince: noon - hour, attempts: 2 }, success);
    expect(release.status).toMatchObject({
      lastError: null,
      lastSuccessfulUpdateAt: noon,
      failedRuns: 0,
      failingSince: null,
      attempts: 0,
      lastRun: { id: success.id, outcome: 'success', counts: success.counts },
    });
  });

  it('a failure keeps its error and leaves the last success alone', () => {
    const { status } = settle({}, failedWith('credentials_refused')).release;
    expect(status).toMatchObject({ lastError: errorOf('credentials_refused'), failedRuns: 1, failingSince: noon });
    expect(status).not.toHaveProperty('lastSuccessfulUpdateAt');
    expect(status.lastRun).not.toHaveProperty('heldBackDeletions');
  });

  it('an error of a megabyte is cut at the end of a line', () => {
    const message = `Some refs:\n${'refs/heads/ünïcode\n'.repeat(50_000)}`;
    const run = partialWith('refs_diverged', { error: { code: 'refs_diverged', message, hint: 'h' } });
    const { status } = settle({}, run).release;
    const kept = status.lastError?.message ?? '';
    expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(16_400);
    expect(kept).toMatch(/refs\/heads\/ünïcode\n…$/);
    expect(Buffer.byteLength(status.lastRun?.error?.message ?? '')).toBeLessThanOrEqual(1_100);
  });

  it.each<[string, FinishedRun, number]>([
    ['held back once more', partialWith('refs_diverged', { heldBackDeletions: 12 }), 12],
    ['not held back any more', success, 0],
    ['not known, because the run did not get that far', failedWith('timed_out'), 30],
    ['not known after refused credentials', failedWith('credentials_refused'), 30],
  ])('deletions that are %s', (_, run, count) => {
    expect(settle({ heldBackDeletions: 30 }, run).release.status.heldBackDeletions).toBe(count);
  });
});

describe('retries', () => {
  const waits = (mirror: Partial<Mirror>, run: FinishedRun): number => (settle(mirror, run).release.again?.startAt ?? Number.NaN) - noon;

  it.each([
    [0, 30_000, 45_000],
    [1, 60_000, 90_000],
    [2, 120_000, 180_000],
  ])('wait longer after each attempt (%i before)', (attempts, least, most) => {
    const waited = waits({ attempts }, failedWith('timed_out'));
    expect(waited).toBeGreaterThanOrEqual(least);
    expect(waited).toBeLessThanOrEqual(most);
    expect(settle({ attempts }, failedWith('timed_out')).release.status.attempts).toBe(attempts + 1);
  });

  it.each([
    ['longer than the backoff', 600, 600_000],
    ['shorter than the backoff', 1, 37_500],
    ['a year', 31_536_000, 6 * hour],
  ])('wait as the host asks: %s', (_, retryAfterSeconds, waited) => {
    expect(waits({}, failedWith('rate_limited', { retryAfterSeconds }))).toBe(waited);
  });

  it('go on at once where the time ran out on the way, and that is no attempt', () => {
    const { release } = settle({ attempts: 2 }, partialWith('deadline_exceeded'));
    expect(release.again?.startAt).toBe(noon);
    expect(release.status.attempts).toBe(0);
  });

  it('do not count an attempt that moved refs', () => {
    expect(settle({ attempts: 3 }, partialWith('connection_failed')).release.status.attempts).toBe(3);
  });

  it('keep what asked for the run and its confirmation', () => {
    const { release } = settle({ runConfirmDeletions: true }, failedWith('timed_out'));
    expect(release.again).toMatchObject({ trigger: { ...success.trigger, retry: true }, confirmDeletions: true });
  });

  it('a run counts once, after its last attempt', () => {
    expect(settle({ failedRuns: 5, attempts: 0 }, failedWith('timed_out')).release.status).not.toHaveProperty('failedRuns');
    expect(settle({ failedRuns: 5, attempts: 3 }, failedWith('timed_out')).release.status.failedRuns).toBe(6);
  });

  it('never end in more than four attempts without progress', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom<ErrorCode>('timed_out', 'server_error', 'run_interrupted', 'rate_limited'), { minLength: 4 }),
        (codes) => {
          let mirror = running;
          const ended = codes.findIndex((code) => {
            const run = failedWith(code);
            const { release } = code === 'run_interrupted' ? settleInterrupted(mirror, run, deps) : settleRun(mirror, run, deps);
            mirror = { ...mirror, ...release.status };
            return release.again === undefined;
          });
          expect(ended).toBe(serviceLimits.attempts - 1);
        },
      ),
    );
  });
});

describe('interrupted runs', () => {
  it('are repeated at once, then with backoff, and count as attempts', () => {
    const first = settleInterrupted(running, failedWith('run_interrupted'), deps);
    expect(first.release).toMatchObject({ again: { startAt: noon }, status: { updateStatus: 'to_retry', attempts: 1 } });
    const second = settleInterrupted({ ...running, attempts: 1 }, failedWith('run_interrupted'), deps);
    expect(second.release.again?.startAt).toBeGreaterThanOrEqual(noon + 30_000);
    const last = settleInterrupted({ ...running, attempts: 3 }, failedWith('run_interrupted'), deps);
    expect(last.release).toMatchObject({ status: { updateStatus: 'failed', failedRuns: 1, lastError: { code: 'run_interrupted' } } });
    expect(last.release.again).toBeUndefined();
  });

  it('from inside leave no trace but the request', () => {
    expect(askAgain({ ...running, runConfirmDeletions: true }, noon + 5000, noon)).toEqual({
      status: { updateStatus: 'finished', lastUpdateStartedAt: noon - hour },
      now: noon,
      nextDueAt: noon + 5000,
      followUpAt: noon + 5000,
      again: { startAt: noon + 5000, trigger: success.trigger, confirmDeletions: true, since: noon },
    });
  });
});

describe('pausing', () => {
  it.each<[string, Partial<Mirror>, FinishedRun, boolean]>([
    ['14 failures over a day', { failedRuns: 13, failingSince: noon - 24 * hour }, failedWith('credentials_refused'), true],
    ['13 failures over a week', { failedRuns: 12, failingSince: noon - 168 * hour }, failedWith('credentials_refused'), false],
    ['14 failures within a day', { failedRuns: 13, failingSince: noon - 24 * hour + 1 }, failedWith('credentials_refused'), false],
    [
      '14 failures within an hour, and one more a day later',
      { failedRuns: 14, failingSince: noon - 25 * hour },
      failedWith('dns_failed', {}),
      false,
    ],
    ['a last attempt', { failedRuns: 13, failingSince: noon - 25 * hour, attempts: 3 }, failedWith('dns_failed'), true],
    ['a partial run', { failedRuns: 13, failingSince: noon - 25 * hour }, partialWith('refs_diverged'), false],
    ['a success', { failedRuns: 13, failingSince: noon - 25 * hour }, success, false],
  ])('after %s', (_, mirror, run, pauses) => {
    const { release, pauses: told } = settle(mirror, run);
    expect(release.status.paused ?? false).toBe(pauses);
    expect(told).toBe(pauses);
    expect(release.nextDueAt === null).toBe(pauses);
  });

  it('counts interrupted runs', () => {
    const mirror = { ...running, attempts: 3, failedRuns: 13, failingSince: noon - 25 * hour };
    expect(settleInterrupted(mirror, failedWith('run_interrupted'), deps).release.status.paused).toBe(true);
  });

  it('starts counting anew after a partial run', () => {
    expect(settle({ failedRuns: 13, failingSince: noon - 25 * hour }, partialWith('refs_rejected')).release.status).toMatchObject({
      failedRuns: 0,
      failingSince: null,
    });
  });
});

describe('news', () => {
  it.each<[string, Partial<Mirror>, FinishedRun, Settlement['news']]>([
    ['a first failure', {}, failedWith('credentials_refused'), 'failing'],
    ['one more', { failing: true }, failedWith('credentials_refused'), undefined],
    ['an attempt that is tried again', {}, failedWith('timed_out'), undefined],
    ['a partial push after a failure', { failing: true }, partialWith('refs_diverged'), undefined],
    ['recovery', { failing: true }, success, 'recovered'],
    ['one more success', {}, success, undefined],
  ])('after %s', (_, mirror, run, news) => {
    expect(settle(mirror, run).news).toBe(news);
  });

  it('is told once each time, whatever the attempts between', () => {
    const runs = [success, failedWith('timed_out'), failedWith('timed_out'), failedWith('timed_out'), failedWith('timed_out')];
    let mirror = running;
    const told = [...runs, ...runs.slice(1), success, success].flatMap((run) => {
      const { release, news } = settleRun(mirror, run, deps);
      mirror = { ...mirror, ...release.status };
      return news ?? [];
    });
    expect(told).toEqual(['failing', 'recovered']);
  });
});

describe('the next run', () => {
  const hours = (run: FinishedRun, mirror: Partial<Mirror>, random: number): number => {
    const clock = { now: () => noon, random: () => random };
    return ((settleRun({ ...running, ...mirror }, run, { ...deps, clock }).release.nextDueAt ?? 0) - noon) / hour;
  };

  it.each<[string, FinishedRun, Partial<Mirror>, number, number]>([
    ['a push mirror is reconciled', success, {}, 5.4, 6],
    ['a failing push mirror is, too', failedWith('credentials_refused'), { failedRuns: 9 }, 5.4, 6],
    ['a pull mirror pulls', success, pull, 0.5, 0.525],
    ['after one failure', failedWith('credentials_refused'), pull, 0.8, 1],
    ['after two', failedWith('credentials_refused'), { ...pull, failedRuns: 1 }, 1.6, 2],
    ['after many', failedWith('credentials_refused'), { ...pull, failedRuns: 12 }, 4, 5],
    ['after ever so many', failedWith('credentials_refused'), { ...pull, failedRuns: 5000 }, 4, 5],
  ])('is due when %s', (_, run, mirror, least, most) => {
    expect(hours(run, mirror, 0)).toBeGreaterThanOrEqual(least - 1e-9);
    expect(hours(run, mirror, 0)).toBeLessThanOrEqual(most + 1e-9);
    expect(hours(run, mirror, 0.999)).toBeGreaterThanOrEqual(least - 1e-9);
    expect(hours(run, mirror, 0.999)).toBeLessThanOrEqual(most + 1e-9);
    expect(hours(run, mirror, 0)).not.toBe(hours(run, mirror, 0.999));
  });

  it.each([
    ['right after a short run', 2000, 8000],
    ['at once after a long one', minute, 0],
  ])('that was asked for meanwhile starts %s', (_, took, waits) => {
    expect(settle({}, { ...success, startedAt: noon - took }).release.followUpAt).toBe(noon + waits);
  });
});
