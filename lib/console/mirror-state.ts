/** A mirror's health in one word, the worst first. */
import type { Mirror } from '../model/mirror.ts';
import type { MirrorDigest } from '../model/overview.ts';

/** The worst first: this is the order of the overview. */
export const mirrorStates = ['paused', 'failing', 'retrying', 'running', 'waiting', 'healthy', 'disabled'] as const;
export type MirrorState = (typeof mirrorStates)[number];

/**
 * `paused`: failed so often that it waits for a person. `failing`: the last run failed. `retrying`: it failed and is tried again by itself. `waiting`: never run.
 * `disabled`: paused by somebody.
 */
export function mirrorState({ enabled, paused, updateStatus }: Pick<MirrorDigest, 'enabled' | 'paused' | 'updateStatus'>): MirrorState {
  if (updateStatus === 'started') return 'running';
  if (!enabled) return 'disabled';
  if (paused) return 'paused';
  switch (updateStatus) {
    case 'failed':
      return 'failing';
    case 'to_retry':
      return 'retrying';
    case 'finished':
      return 'healthy';
    case 'none':
      return 'waiting';
  }
}

export const stateLabels: Readonly<Record<MirrorState, string>> = {
  paused: 'Paused after failures',
  failing: 'Failing',
  retrying: 'Retrying',
  running: 'Running',
  waiting: 'Not run yet',
  healthy: 'Healthy',
  disabled: 'Paused',
};

/** Whether somebody who looks again soon may see it otherwise: a run is under way, or a request waits whose time has come or comes within a minute. */
export function isMoving(
  { enabled, leaseToken, queuedAt, queuedFor }: Pick<Mirror, 'enabled' | 'leaseToken' | 'queuedAt' | 'queuedFor'>,
  now: number,
): boolean {
  return leaseToken !== null || (enabled && queuedAt !== null && (queuedFor ?? queuedAt) <= now + 60_000);
}
