/** The transports of one run: one a side, kept to its end, with their requests counted. */
import { createDeadline } from '../core/deadline.ts';
import { limits } from '../core/limits.ts';
import type { ListShare } from '../git/client/list-memory.ts';
import type { Oid } from '../git/object-id.ts';
import { countedTransport } from '../git/transport/counted-transport.ts';
import type { Transport } from '../git/transport/transport.ts';
import type { Side } from '../lfs/lfs-status.ts';
import { listedValues } from './list-target.ts';
import type { SyncDeps } from './sync-input.ts';

export class RunTransports {
  readonly #deps: Pick<SyncDeps, 'connect' | 'deadline'>;
  readonly #transports = new Map<Side, Transport>();
  /** Sent to both sides until now. */
  requests = 0;

  constructor(deps: Pick<SyncDeps, 'connect' | 'deadline'>) {
    this.#deps = deps;
  }

  /** The side's transport: it remembers redirects and what the host refuses. `address`: where redirects led to before; counts for a new one only. */
  connect(side: Side, address?: string): Transport {
    const open = (): Transport => this.#counted(this.#deps.connect(side, this.#deps.deadline, address));
    const transport = this.#transports.get(side) ?? open();
    this.#transports.set(side, transport);
    return transport;
  }

  /** Lists the target once more; when the run's own time is up, in a little extra time. */
  async relistTarget(lists: ListShare): Promise<ReadonlyMap<string, Oid>> {
    if (!this.#deps.deadline.signal.aborted) return listedValues(this.connect('target'), lists);
    const extra = createDeadline(limits.relistMs);
    const transport = this.#counted(this.#deps.connect('target', extra));
    try {
      return await listedValues(transport, lists);
    } finally {
      extra.clear();
      await transport.close();
    }
  }

  /** Ends both; what is asked for afterwards is made anew. */
  async close(): Promise<void> {
    const transports = [...this.#transports.values()];
    this.#transports.clear();
    await Promise.all(transports.map((transport) => transport.close()));
  }

  #counted(transport: Transport): Transport {
    return countedTransport(transport, () => {
      this.requests++;
    });
  }
}
