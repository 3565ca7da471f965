import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../lib/core/error-catalogue.ts';
import { limits } from '../../../lib/core/limits.ts';
import {
  afterAnswer,
  afterNoAnswer,
  type HostHealth,
  healthy,
  isDownFor,
  isUnwell,
  mayProbe,
  meaningForHost,
  silentSince,
  withProbe,
} from '../../../lib/jobs/hosts/host-health.ts';
import { hour, minute, noon } from '../../support/mirrors.ts';

const key = (projectId: number) => ({ projectId, mirror: 1 });

interface Step {
  readonly project: number;
  readonly code?: ErrorCode;
  readonly at: number;
  readonly retryAfterSeconds?: number;
}

/** What is noted of a host after these runs; without a code the host has answered. */
function healthAfter(...steps: readonly Step[]): { readonly health: HostHealth; readonly faults: readonly string[] } {
  let health = healthy;
  const faults: string[] = [];
  for (const { project, code, at, retryAfterSeconds } of steps) {
    if (code === undefined) {
      health = afterAnswer(health, key(project), at) ?? health;
      continue;
    }
    const noted = afterNoAnswer(health, { key: key(project), code, retryAfterSeconds, now: at });
    health = noted.health;
    faults.push(noted.fault);
  }
  return { health, faults };
}

const failing = (code: ErrorCode, ...projects: readonly number[]): Step[] =>
  projects.map((project, index) => ({ project, code, at: noon + index * 1000 }));

describe('a host', () => {
  it.each<[string, readonly Step[], boolean, readonly boolean[]]>([
    ['that nobody complains of is up', [], false, [false, false]],
    ['is up after two failures', failing('connection_failed', 1, 2), false, [false, false]],
    ['is down after three failures of different mirrors', failing('timed_out', 1, 2, 3), true, [true, true]],
    ['is down after three refused connections of one mirror', failing('connection_failed', 1, 1, 1), true, [true, true]],
    ['is down for that project alone after three times 500 of one mirror', failing('server_error', 1, 1, 1), false, [true, false]],
    ['is up again after one answer', [...failing('timed_out', 1, 2, 3), { project: 9, at: noon + minute }], false, [false, false]],
  ])('%s', (_, steps, isDown, ofProjects) => {
    const { health } = healthAfter(...steps);
    expect(health.downSince !== null).toBe(isDown);
    expect([isDownFor(health, 1), isDownFor(health, 2)]).toEqual(ofProjects);
  });

  it('is down since the first of the failures', () => {
    const { health } = healthAfter(...failing('timed_out', 1, 2, 3));
    expect([health.downSince, silentSince(health, 7)]).toEqual([noon, noon]);
  });

  it('that answers others makes a failure the own one of its mirror, until that gets an answer', () => {
    const steps: Step[] = [
      { project: 1, code: 'server_error', at: noon },
      { project: 2, at: noon + 1000 },
      { project: 1, code: 'server_error', at: noon + 2000 },
      { project: 1, code: 'server_error', at: noon + 3000 },
      { project: 1, at: noon + 4000 },
      { project: 1, code: 'server_error', at: noon + 5000 },
    ];
    const { health, faults } = healthAfter(...steps);
    expect(faults).toEqual(['host', 'own', 'own', 'host']);
    expect(isDownFor(health, 1)).toBe(false);
  });

  it('costs no write where nobody doubts that it answers', () => {
    expect(afterAnswer(healthy, key(1), noon)).toBeUndefined();
    const { health } = healthAfter(...failing('timed_out', 1, 2, 3), { project: 1, at: noon + minute });
    expect(isUnwell(health)).toBe(false);
  });

  it('is not asked before it said, but never later than six hours', () => {
    const rate = (retryAfterSeconds: number) =>
      healthAfter(...[1, 2, 3].map((project): Step => ({ project, code: 'rate_limited', at: noon, retryAfterSeconds }))).health.probeAt -
      noon;
    expect(rate(600)).toBe(600_000);
    expect(rate(10)).toBe(limits.hostProbeMs);
    expect(rate(1_000_000)).toBe(limits.retryAfterSeconds * 1000);
  });

  it('is asked by one run a minute, by hand somewhat sooner, and more seldom after an hour', () => {
    const { health } = healthAfter(...failing('timed_out', 1, 2, 3));
    const asked = withProbe(health, noon + minute);
    expect(mayProbe(asked, noon + minute + 1000, false)).toBe(false);
    expect(mayProbe(asked, noon + minute + 1000, true)).toBe(false);
    expect(mayProbe(asked, noon + minute + limits.hostProbeByHandMs, true)).toBe(true);
    expect(mayProbe(asked, noon + 2 * minute, false)).toBe(true);
    expect(withProbe(health, noon + 2 * hour).probeAt - noon - 2 * hour).toBe(limits.hostLongProbeMs);
  });

  it('is asked at once where a clock ahead of ours has said when', () => {
    const { health } = healthAfter(...failing('timed_out', 1, 2, 3));
    expect(mayProbe(withProbe(health, noon + hour), noon + minute, false)).toBe(true);
  });

  it('is remembered with a bounded number of failures', () => {
    const projects = Array.from({ length: limits.hostFailuresKept + 20 }, (_, project) => project);
    expect(healthAfter(...failing('timed_out', ...projects)).health.failures).toHaveLength(limits.hostFailuresKept);
  });
});

it.each<[ErrorCode, string]>([
  ['dns_failed', 'no answer'],
  ['server_error', 'no answer'],
  ['rate_limited', 'no answer'],
  ['credentials_refused', 'answer'],
  ['repository_not_found', 'answer'],
  ['protocol_error', 'answer'],
  ['deadline_exceeded', 'nothing'],
  ['address_blocked', 'nothing'],
])('%s is %s of the host', (code, meaning) => {
  expect(meaningForHost(code)).toBe(meaning);
});
