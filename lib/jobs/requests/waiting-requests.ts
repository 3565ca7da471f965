/** Requests that wait already, remembered by a process that does all the work on its table: an event for a mirror whose next run has not begun costs no write. */
import type { Mirror, MirrorKey } from '../../model/mirror.ts';
import type { MirrorJobs, UpdateRequest } from '../mirror-jobs.ts';

export interface RememberingJobs extends MirrorJobs {
  /** Somebody changed something: a mirror that waits may be disabled or gone, so that the next event for each asks the table again. */
  forget(): void;
}

interface Known {
  /** As it was when a request was last written, if no run has taken that up since. */
  waiting: Mirror | undefined;
  /** Names of refs that wait with it; undefined = a request that named none does, which is for all. */
  names: ReadonlySet<string> | undefined;
  /** Runs that try to begin just now, and all that ever did: what is written meanwhile may be seen to by them, or not. */
  beginning: number;
  begun: number;
}

/**
 * The same jobs, where no other process takes leases (one machine with its own table; never on Lambda). A run lists its source after it has taken its lease, so
 * that whatever came before that is carried by it: an event needs a write only if the last request may have been taken up.
 */
export function rememberWaiting(jobs: MirrorJobs): RememberingJobs {
  const all = new Map<string, Known>();
  const knownOf = ({ projectId, mirror }: MirrorKey): Known => {
    const name = `${projectId}/${mirror}`;
    const known = all.get(name) ?? { waiting: undefined, names: undefined, beginning: 0, begun: 0 };
    all.set(name, known);
    return known;
  };
  return {
    ...jobs,

    forget() {
      for (const [name, known] of all) {
        // A run that tries to begin is counted here until it has. An answer to a request that is on its way, older than the change, is kept with what is gone.
        if (known.beginning === 0) all.delete(name);
        known.waiting = undefined;
      }
    },

    async request(key, request) {
      const known = knownOf(key);
      if (known.waiting !== undefined && saysNothingNew(request, known.names)) return known.waiting;
      const names = known.waiting === undefined ? new Set<string>() : known.names;
      const { beginning, begun } = known;
      const before = await jobs.request(key, request);
      const mayBeTaken = beginning > 0 || known.begun !== begun;
      if (before !== undefined && !mayBeTaken) {
        known.waiting = { ...before, queuedAt: before.queuedAt ?? request.now };
        known.names = names === undefined || request.refs === undefined ? undefined : new Set([...names, ...request.refs]);
      }
      return before;
    },

    async acquire(key, lease) {
      const known = knownOf(key);
      known.waiting = undefined;
      known.begun++;
      known.beginning++;
      try {
        return await jobs.acquire(key, lease);
      } finally {
        known.beginning--;
      }
    },
  };
}

/** A request without names is new where those before it have named theirs: the run must look at all. */
function saysNothingNew({ trigger, confirmDeletions, resume, refs }: UpdateRequest, names: ReadonlySet<string> | undefined): boolean {
  const isNamed = names === undefined || refs?.every((ref) => names.has(ref)) === true;
  return trigger.kind === 'event' && !confirmDeletions && !resume && isNamed;
}
