/** The places that a run needs: one slot at each of the hosts it talks to, all or none. */
import { parseRepositoryUrl } from '../git/transport/repository-url.ts';
import type { InstanceSettings } from '../model/instance-settings.ts';
import type { HostSlots, NoSlot, SlotHolder } from './host-slots.ts';

/** One host never has the last workers: two other hosts as full as this one find some. */
export function runsPerHost({ maxRunsPerHost }: Pick<InstanceSettings, 'maxRunsPerHost'>, workers = Number.POSITIVE_INFINITY): number {
  return Math.max(1, Math.min(maxRunsPerHost, Math.floor(workers / 3)));
}

export interface HostPlaces {
  /** Never rejects: a slot that cannot be given back is taken over when the lease has ended. */
  free(): Promise<void>;
}

/** `promised` or `full` = at one of the hosts there is no room now. A URL that cannot be read needs no place: the run will say what is wrong with it. */
export async function takeHostPlaces(
  urls: readonly string[],
  holder: SlotHolder,
  limit: number,
  slots: HostSlots,
): Promise<HostPlaces | NoSlot> {
  const taken: { readonly host: string; readonly slot: number }[] = [];
  const places: HostPlaces = {
    async free() {
      await Promise.allSettled(taken.map(({ host, slot }) => slots.free(host, slot, holder.leaseToken)));
    },
  };
  try {
    // Always in the same order: two that each want the place of the other would both get none.
    for (const host of [...new Set(urls.flatMap(hostOf))].sort()) {
      const slot = await slots.take(host, holder, limit);
      if (typeof slot === 'string') {
        await places.free();
        return slot;
      }
      taken.push({ host, slot });
    }
  } catch (error) {
    await places.free();
    throw error;
  }
  return places;
}

function hostOf(url: string): string[] {
  try {
    return [parseRepositoryUrl(url, 'url').url.host.toLowerCase()];
  } catch {
    return [];
  }
}
