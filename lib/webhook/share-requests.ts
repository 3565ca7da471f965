/** Events that come for the same mirrors at the same time share one request, so that a burst costs as many writes as fit one after the other. */
import type { RequestResult, RequestRuns } from './handle-delivery.ts';

type Answers = Promise<readonly RequestResult[]>;

/** A request under way, and the one after it, for whoever came meanwhile. */
interface Line {
  readonly current: Answers;
  next?: Answers;
}

/**
 * A request is shared only by events that came before it was begun: the run that it leads to starts after all of them. Where events come one at a time, as
 * on Lambda, each makes its own.
 */
export function shareRequests(requestRuns: RequestRuns): RequestRuns {
  /** By mirrors and sender; empty when nothing is under way. */
  const lines = new Map<string, Line>();

  return async (keys, who) => {
    const name = JSON.stringify([who, keys.map(({ projectId, mirror }) => [projectId, mirror])]);
    const begin = (): Answers => {
      const line: Line = { current: requestRuns(keys, who) };
      lines.set(name, line);
      const end = (): void => {
        if (line.next === undefined) lines.delete(name);
      };
      line.current.then(end, end);
      return line.current;
    };
    const underWay = lines.get(name);
    if (underWay === undefined) return begin();
    underWay.next ??= underWay.current.then(begin, begin);
    return underWay.next;
  };
}
