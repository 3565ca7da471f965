/** Who may go to a host now, and which of those who wait comes next: places, shares of projects and credentials, order. Pure. */
import { limits } from '../../core/limits.ts';
import type { MirrorKey } from '../../model/mirror.ts';
import type { HostHealth } from './host-health.ts';

/** Who is, or wants to be, at a place. */
export interface Guest {
  readonly key: MirrorKey;
  /** Of the host's end; null = none, or one of the mirror's own. */
  readonly credentialId: number | null;
}

/** One of a host's numbered places: a run is there, or it is kept for one that was called. */
export interface HeldPlace {
  readonly slot: number;
  readonly holder: (Guest & { readonly leaseToken: string; readonly takenAt: number }) | undefined;
  readonly keptFor: (Guest & { readonly until: number }) | undefined;
  /** What its item says, for whoever takes it: also when the holder has died since. */
  readonly was: { readonly leaseToken: string } | { readonly keptUntil: number };
}

/** A place as it was read; without `was` it was empty. */
export type Slot = HeldPlace | { readonly slot: number };

/** A host as it was read: places that nobody has are not listed. */
export interface HostView {
  readonly host: string;
  readonly places: readonly HeldPlace[];
  readonly health: HostHealth;
  /** Of `health`, for its next change; 0 = nothing was noted yet. */
  readonly version: number;
  /** Of the last notices that were made of it, the newest first. */
  readonly newsIds?: readonly string[];
  /** Somebody may be in its waiting list. */
  readonly isAwaited: boolean;
}

/** A run in a host's waiting list. */
export interface WaitingRun extends Guest {
  /** Its place in the list: sorts by rank. */
  readonly entry: string;
  readonly rank: number;
  /** It has just asked in vain, and is not called before. */
  readonly notBefore: number;
}

/** Places that this guest may take, those kept for it first; each with what is there now. Empty = full, or others come first. */
export function openPlaces({ places }: HostView, guest: Guest, limit: number, now: number): readonly Slot[] {
  const own = places.filter(({ keptFor, holder }) => holder === undefined && keptFor !== undefined && isSame(keptFor.key, guest.key));
  if (own.length > 0) return own;
  const inUse = places.filter((place) => isInUse(place, now));
  if (hasItsShare(inUse, guest, limit)) return [];
  if (isFull({ places }, limit, now)) return [];
  const numbers = new Set(places.map(({ slot }) => slot));
  const empty = Array.from({ length: limit }, (_, slot) => ({ slot })).filter(({ slot }) => !numbers.has(slot));
  const lapsed = places.filter((place) => place.slot < limit && !isInUse(place, now));
  return [...empty, ...lapsed];
}

/** Whether there is no place for anybody, but for those whom one is kept for. */
export function isFull({ places }: Pick<HostView, 'places'>, limit: number, now: number): boolean {
  return places.filter((place) => place.slot < limit && isInUse(place, now)).length >= limit;
}

/**
 * In the order in which they should be called: of the project that has least here, then by rank. Without those that have just asked, and those whose project
 * or credential has its share.
 */
export function inTurn({ places }: HostView, waiting: readonly WaitingRun[], limit: number, now: number): readonly WaitingRun[] {
  const inUse = places.filter((place) => isInUse(place, now));
  const called = new Set(inUse.flatMap(({ keptFor }) => (keptFor === undefined ? [] : [nameOf(keptFor.key)])));
  const share = (run: WaitingRun): number => inUse.filter((place) => guestOf(place)?.key.projectId === run.key.projectId).length;
  return waiting
    .filter((run) => run.notBefore <= now && !called.has(nameOf(run.key)) && !hasItsShare(inUse, run, limit))
    .map((run) => ({ run, share: share(run) }))
    .sort((one, other) => one.share - other.share || one.run.rank - other.run.rank)
    .map(({ run }) => run);
}

/** Where a run stands that begins to wait: by age, pull mirrors (which have a schedule of minutes) some time behind push mirrors. */
export function rankOf(requestedAt: number, direction: 'push' | 'pull'): number {
  return requestedAt + (direction === 'pull' ? limits.pullsWaitLongerMs : 0);
}

/** A project gets a quarter of a host's places, a credential three quarters: none can shut out the others, however slow its runs are. */
function hasItsShare(inUse: readonly HeldPlace[], { key, credentialId }: Guest, limit: number): boolean {
  const guests = inUse.flatMap((place) => guestOf(place) ?? []).filter((guest) => !isSame(guest.key, key));
  const ofProject = guests.filter((guest) => guest.key.projectId === key.projectId).length;
  const ofCredential = credentialId === null ? 0 : guests.filter((guest) => guest.credentialId === credentialId).length;
  return ofProject >= Math.max(1, Math.floor(limit / 4)) || ofCredential >= Math.max(1, Math.ceil((limit * 3) / 4));
}

function guestOf({ holder, keptFor }: HeldPlace): Guest | undefined {
  return holder ?? keptFor;
}

/** A place that was kept is open again when its time is up; one that only a clock ahead of ours can have kept, at once. */
function isInUse({ holder, keptFor }: HeldPlace, now: number): boolean {
  if (holder !== undefined) return true;
  return keptFor !== undefined && keptFor.until >= now && keptFor.until <= now + limits.placeKeptMs;
}

function isSame(one: MirrorKey, other: MirrorKey): boolean {
  return one.projectId === other.projectId && one.mirror === other.mirror;
}

function nameOf({ projectId, mirror }: MirrorKey): string {
  return `${projectId}/${mirror}`;
}
