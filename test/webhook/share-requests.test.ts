import { describe, expect, it } from 'vitest';
import type { RequestResult, RequestRuns } from '../../lib/webhook/handle-delivery.ts';
import { shareRequests } from '../../lib/webhook/share-requests.ts';

const one = [{ projectId: 1, mirror: 1 }] as const;
const other = [{ projectId: 2, mirror: 1 }] as const;

/** Requests that end when the test says so. */
function held() {
  const begun: { readonly project: number | undefined; readonly who: string; end(answer: RequestResult): void; fail(): void }[] = [];
  const requestRuns: RequestRuns = (keys, who) =>
    new Promise((resolve, reject) => {
      begun.push({
        project: keys[0]?.projectId,
        who,
        end: (answer) => resolve(keys.map(() => answer)),
        fail: () => reject(new Error('out of reach')),
      });
    });
  return { begun, share: shareRequests(requestRuns) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('shareRequests', () => {
  it('gives an event that comes during a request one that begins after it, shared by all that come meanwhile', async () => {
    const { begun, share } = held();
    const first = share(one, 'github');
    const meanwhile = [share(one, 'github'), share(one, 'github'), share(one, 'github')];
    await settled();
    expect(begun).toHaveLength(1);
    begun[0]?.end('queued');
    expect(await first).toEqual(['queued']);
    await settled();
    expect(begun).toHaveLength(2);
    const later = share(one, 'github');
    begun[1]?.end('merged');
    expect(await Promise.all(meanwhile)).toEqual([['merged'], ['merged'], ['merged']]);
    await settled();
    expect(begun).toHaveLength(3);
    begun[2]?.end('merged');
    await later;
  });

  it('makes one for each where they come one at a time', async () => {
    const { begun, share } = held();
    for (let index = 0; index < 3; index++) {
      const answer = share(one, 'github');
      await settled();
      begun[index]?.end('merged');
      await answer;
      await settled();
    }
    expect(begun).toHaveLength(3);
  });

  it('shares nothing between projects and senders', async () => {
    const { begun, share } = held();
    const all = [share(one, 'github'), share(other, 'github'), share(one, 'gitlab')];
    expect(begun.map(({ project, who }) => [project, who])).toEqual([
      [1, 'github'],
      [2, 'github'],
      [1, 'gitlab'],
    ]);
    for (const request of begun) request.end('queued');
    await Promise.all(all);
  });

  it('tries again for those that waited when a request fails', async () => {
    const { begun, share } = held();
    const first = share(one, 'github');
    const second = share(one, 'github');
    begun[0]?.fail();
    await expect(first).rejects.toThrow('out of reach');
    await settled();
    begun[1]?.end('queued');
    expect(await second).toEqual(['queued']);
  });
});
