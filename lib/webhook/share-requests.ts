/** Events that come for the same mirrors at the same time share one request, so that a burst costs as many writes as fit one after the other. */
import type { RequestResult, RequestRuns } from './handle-delivery.ts';

type SharedRequests = Promise<readonly RequestResult[]>;

/** A request under way, and the one after it, for whoever came meanwhile. */
interface Line {
  readonly current: SharedRequests;
  next?: SharedRequests;
  /** Of all that share the next one; undefined = any. */
  refs?: readonly string[] | undefined;
}

/**
 * A request is shared only by events that came before it was begun: the run that it leads to starts after all of them. Where events come one at a time, as
 * on Lambda, each makes its own.
 */
export function shareRequests(requestRuns: RequestRuns): RequestRuns {
  /** By mirrors and sender; empty when nothing is under way. */
  const lines = new Map<string, Line>();

  return async (keys, who, refs) => {
    const name = JSON.stringify([who, keys.map(({ projectId, mirror }) => [projectId, mirror])]);
    const begin = (all: readonly string[] | undefined): SharedRequests => {
      const line: Line = { current: requestRuns(keys, who, all) };
      lines.set(name, line);
      const end = (): void => {
        if (line.next === undefined) lines.delete(name);
      };
      line.current.then(end, end);
      return line.current;
    };
    const underWay = lines.get(name);
    if (underWay === undefined) return begin(refs);
    const others = underWay.next === undefined ? [] : underWay.refs;
    underWay.refs = others === undefined || refs === undefined ? undefined : [...new Set([...others, ...refs])];
    const beginNext = (): SharedRequests => begin(underWay.refs);
    underWay.next ??= underWay.current.then(beginNext, beginNext);
    return underWay.next;
  };
}
