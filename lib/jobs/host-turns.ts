/** Whose turn it is at a host whose places are all in use: some of them are given in order, to projects that have least there, then by age. Pure. */
import type { MirrorKey } from '../model/mirror.ts';

/** A waiting run that has put its name to a place. */
export interface Turn {
  readonly key: MirrorKey;
  /** When the run was asked for, milliseconds since 1970. */
  readonly since: number;
  /** The name counts until then: who waits comes again before, and renews it. */
  readonly until: number;
}

export interface Place {
  readonly slot: number;
  /** Whose run is there; undefined = nobody's, or one that is dead. */
  readonly holder: MirrorKey | undefined;
  readonly next: Turn | undefined;
}

/** Longer than the wait of one who is next (`promised` in run-job.ts), a queue's delay included. */
export const turnMs = 12_000;

/**
 * A quarter of the places is given in order, at least one. Not all: a place that is kept for somebody stands empty until they come again, some seconds,
 * and a host with hundreds of short runs waiting should not be idle half of the time.
 */
export function orderedPlaces(limit: number): number {
  return Math.max(1, Math.floor(limit / 4));
}

/** Where `asker` may go now: nobody is there, and nobody is next who should come first. The place that is kept for them comes first. */
export function openPlaces(places: readonly Place[], asker: Turn, now: number): readonly Place[] {
  const open = places.filter((place) => place.holder === undefined && mayPass(places, place, asker, now));
  return [...open.filter(({ next }) => isOf(next, asker.key)), ...open.filter(({ next }) => !isOf(next, asker.key))];
}

/** The place that `asker` should put their name to; undefined = others come first at each. All places are in use, or kept. */
export function placeToWaitFor(places: readonly Place[], asker: Turn, limit: number, now: number): Place | undefined {
  const ordered = places.filter(({ slot }) => slot < orderedPlaces(limit));
  const own = ordered.find(({ next }) => isOf(next, asker.key));
  if (own !== undefined) return own;
  const passable = ordered.filter((place) => mayPass(places, place, asker, now));
  return passable.find(({ next }) => !counts(places, next, now)) ?? passable[0];
}

function mayPass(places: readonly Place[], { next }: Place, asker: Turn, now: number): boolean {
  if (next === undefined || isOf(next, asker.key) || !counts(places, next, now)) return true;
  const older = asker.since < next.since;
  // Passing a mirror of one's own project changes nobody's share.
  if (next.key.projectId === asker.key.projectId) return older;
  const [mine, theirs] = [shareOf(places, asker.key.projectId, now) + 1, shareOf(places, next.key.projectId, now)];
  return mine < theirs || (mine === theirs && older);
}

/** Not those whose run has found a place elsewhere, nor times that only another clock can have set: no wrong clock keeps a place empty. */
function counts(places: readonly Place[], next: Turn | undefined, now: number): next is Turn {
  if (next === undefined || next.until < now || next.until > now + turnMs) return false;
  return !places.some(({ holder }) => holder !== undefined && isSame(holder, next.key));
}

/** Places that a project has, or is next at. */
function shareOf(places: readonly Place[], projectId: number, now: number): number {
  const held = places.filter(({ holder }) => holder?.projectId === projectId).length;
  return held + places.filter(({ next }) => next?.key.projectId === projectId && counts(places, next, now)).length;
}

function isOf(next: Turn | undefined, key: MirrorKey): boolean {
  return next !== undefined && isSame(next.key, key);
}

function isSame(one: MirrorKey, other: MirrorKey): boolean {
  return one.projectId === other.projectId && one.mirror === other.mirror;
}
