/** The places that a run needs at the hosts it talks to: the source's before it begins, the target's when the source has answered. */
import type { Clock } from '../../core/clock.ts';
import { GitferryError } from '../../core/errors.ts';
import { parseRepositoryUrl } from '../../git/transport/repository-url.ts';
import type { InstanceSettings } from '../../model/instance-settings.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Project } from '../../model/project.ts';
import { isDownFor, mayProbe, silentSince, withProbe } from './host-health.ts';
import { type Guest, type HostView, openPlaces, type Slot } from './host-room.ts';
import type { Hosts } from './hosts.ts';

/** One host never has the last workers: two other hosts as full as this one find some. */
export function runsPerHost({ maxRunsPerHost }: Pick<InstanceSettings, 'maxRunsPerHost'>, workers = Number.POSITIVE_INFINITY): number {
  return Math.max(1, Math.min(maxRunsPerHost, Math.floor(workers / 3)));
}

export interface HostEnd {
  readonly host: string;
  readonly credentialId: number | null;
}

/** The hosts of a run, the source's first; one where both ends are at the same. A URL that cannot be read needs no place: the run will say what is wrong with it. */
export function hostsOf(mirror: Mirror, project: Project): readonly HostEnd[] {
  const ends = [
    { url: project.repositoryUrl, credential: project.credential },
    { url: mirror.url, credential: mirror.credential },
  ];
  if (mirror.direction === 'pull') ends.reverse();
  const all = ends.flatMap(({ url, credential }) => {
    const host = hostOf(url);
    return host === undefined ? [] : [{ host, credentialId: credential?.kind === 'shared' ? credential.credentialId : null }];
  });
  return all.filter(({ host }, index) => all.findIndex((other) => other.host === host) === index);
}

/** Why a run cannot go to a host now. */
export interface PlaceRefusal {
  readonly for: 'host_down' | 'room';
  readonly end: HostEnd;
  /** As it was read. */
  readonly view: HostView;
  /** Since when the host gives no answer, or now. */
  readonly since: number;
}

export interface HostPlacesDeps {
  readonly hosts: Hosts;
  readonly clock: Clock;
}

export interface Visitor {
  readonly mirror: Mirror;
  readonly leaseToken: string;
  readonly limit: number;
}

/** Holders older than this may have died: their mirrors are looked at where there is no other room. */
const longRunMs = 120_000;
/** Others take the same places at the same time; after so many looks the host is called full. */
const looks = 3;

export class HostPlaces {
  readonly #visitor: Visitor;
  readonly #deps: HostPlacesDeps;
  readonly #taken = new Map<string, number>();
  #late: HostEnd | undefined;
  /** Of the target, once the run has begun. */
  refusal: PlaceRefusal | undefined;

  constructor(visitor: Visitor, deps: HostPlacesDeps) {
    this.#visitor = visitor;
    this.#deps = deps;
  }

  /** Takes the source's place, and the target's if that has plenty: otherwise `admit` does. undefined = the run may begin. */
  async enter(ends: readonly HostEnd[]): Promise<PlaceRefusal | undefined> {
    const views = await Promise.all(ends.map(({ host }) => this.#deps.hosts.view(host)));
    for (const [index, end] of ends.entries()) {
      const view = views[index];
      const refusal = view === undefined ? undefined : await this.#doubt(end, view);
      if (refusal !== undefined) return refusal;
    }
    const [source, target] = ends;
    const [refusal, noPlenty] = await Promise.all([
      source === undefined ? undefined : this.#take(source, views[0]),
      // A source that is slow to answer holds nothing at the target that others could miss.
      target === undefined ? undefined : this.#take(target, views[1], Math.ceil(this.#visitor.limit / 2)),
    ]);
    if (noPlenty !== undefined) this.#late = target;
    return refusal;
  }

  /** Takes the target's place when the source has listed its refs, if the run has none yet. Throws `run_interrupted` where there is none; `refusal` then says why. */
  async admit(sourceListed: Promise<unknown>): Promise<void> {
    const end = this.#late;
    if (end === undefined) return;
    await sourceListed;
    this.#late = undefined;
    this.refusal = await this.#take(end);
    if (this.refusal !== undefined) throw new GitferryError('run_interrupted');
  }

  /** Gives all places back. Never rejects: one that cannot be given back is free when the lease has ended. Resolves with the hosts. */
  async leave(): Promise<readonly string[]> {
    const taken = [...this.#taken];
    this.#taken.clear();
    await Promise.allSettled(taken.map(([host, slot]) => this.#deps.hosts.free(host, slot, this.#visitor.leaseToken)));
    return taken.map(([host]) => host);
  }

  /** A host that gives no answer: this run waits, or is the one that asks it now. */
  async #doubt(end: HostEnd, read: HostView): Promise<PlaceRefusal | undefined> {
    const { mirror } = this.#visitor;
    const { clock, hosts } = this.#deps;
    for (let view = read; ; view = await hosts.view(end.host)) {
      if (!isDownFor(view.health, mirror.projectId)) return undefined;
      const now = clock.now();
      const since = silentSince(view.health, mirror.projectId) ?? now;
      if (!mayProbe(view.health, now, mirror.runTrigger?.kind === 'manual')) return { for: 'host_down', end, view, since };
      if (await hosts.note(view, withProbe(view.health, now))) return undefined;
    }
  }

  async #take(end: HostEnd, read?: HostView, below = this.#visitor.limit): Promise<PlaceRefusal | undefined> {
    const { mirror: key, leaseToken, limit } = this.#visitor;
    const { hosts, clock } = this.#deps;
    const guest: Guest = { key: { projectId: key.projectId, mirror: key.mirror }, credentialId: end.credentialId };
    let view = read ?? (await hosts.view(end.host));
    for (let look = 1; ; look++) {
      const now = clock.now();
      const open = openPlaces(view, guest, limit, now).filter((place) => 'was' in place || place.slot < below);
      for (const slot of shuffled(open).slice(0, looks)) {
        if (!(await hosts.take(end.host, slot, { ...guest, leaseToken, now }))) continue;
        this.#taken.set(end.host, slot.slot);
        return undefined;
      }
      const isOld = view.places.some(({ holder }) => holder !== undefined && now - holder.takenAt > longRunMs);
      if (look >= looks || (open.length === 0 && !(look === 1 && isOld))) return { for: 'room', end, view, since: now };
      view = await hosts.view(end.host);
      if (isOld) view = await hosts.living(view);
    }
  }
}

function hostOf(url: string): string | undefined {
  try {
    return parseRepositoryUrl(url, 'url').url.host.toLowerCase();
  } catch {
    return undefined;
  }
}

/** So that those who ask at once do not all try the same place first. */
function shuffled(slots: readonly Slot[]): readonly Slot[] {
  return slots
    .map((slot) => ({ slot, rank: Math.random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ slot }) => slot);
}
