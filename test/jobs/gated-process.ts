/** Processes whose every step against the table or the queue waits at a gate until somebody lets it pass, well or not. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { JobQueue, WakeUp } from '../../lib/jobs/requests/job-queue.ts';

export type ProcessKind = 'requester' | 'worker' | 'tick';
export type Way = 'well' | 'crash before' | 'crash after' | 'fail before' | 'fail after' | 'lose';
export type GateKind = 'table' | 'queue' | 'sync';

export interface Gate {
  readonly kind: GateKind;
  /** Never rejects: what goes wrong is the process's to hear. */
  proceed(way: Way): Promise<void>;
}

export interface GatedProcess {
  readonly kind: ProcessKind;
  readonly gates: Gate[];
  isCrashed: boolean;
  /** Slow: nothing of it goes on until it wakes up. */
  isAsleep: boolean;
  isFinished: boolean;
  /** Worker: the lease it took. */
  token: string | undefined;
  /** Requester: the step of its write. */
  wroteAt: number | undefined;
}

/** What a crashed process waits for. */
export const never = new Promise<never>(() => {});

export function newProcess(kind: ProcessKind): GatedProcess {
  return { kind, gates: [], isCrashed: false, isAsleep: false, isFinished: false, token: undefined, wroteAt: undefined };
}

export class Gates {
  /** Reading changes nothing: what counts is what may happen between that and the write. These pass by themselves. */
  readonly #reading: (() => Promise<void>)[] = [];

  /** Resolves with the effect's result when the step is let pass; never, if that is the process's last. */
  wait<T>(process: GatedProcess, kind: GateKind, effect: (way: Way) => Promise<T>): Promise<T> {
    return this.#hold(process, effect, kind === 'queue', (proceed) => process.gates.push({ kind, proceed }));
  }

  dynamo(process: GatedProcess, send: (command: never) => Promise<unknown>): DynamoDBDocumentClient {
    const gated = (command: object): Promise<unknown> => {
      const effect = (): Promise<unknown> => send(command as never);
      if (!(command instanceof QueryCommand)) return this.wait(process, 'table', effect);
      return this.#hold(process, effect, false, (proceed) => this.#reading.push(() => proceed('well')));
    };
    return { send: gated } as unknown as DynamoDBDocumentClient;
  }

  queue(process: GatedProcess, deliver: (wakeUps: readonly WakeUp[]) => void): JobQueue {
    return {
      send: async (wakeUps) => {
        const way = await this.wait(process, 'queue', async (chosen) => {
          if (chosen === 'well' || chosen === 'crash after') deliver(wakeUps);
          return chosen;
        });
        return way === 'fail before' ? wakeUps : [];
      },
    };
  }

  /** Until every process waits at a gate or has ended. */
  async flush(): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      const read = this.#reading.shift();
      if (read === undefined) return;
      await read();
    }
  }

  #hold<T>(
    process: GatedProcess,
    effect: (way: Way) => Promise<T>,
    /** The effect itself knows what each way means; nothing is thrown. */
    isQueue: boolean,
    put: (proceed: Gate['proceed']) => void,
  ): Promise<T> {
    if (process.isCrashed) return never;
    return new Promise((resolve, reject) => {
      put(async (way) => {
        try {
          const result = isQueue || !way.endsWith('before') ? await effect(way) : undefined;
          if (way.startsWith('crash')) return;
          if (!isQueue && way.startsWith('fail')) reject(new Error('made up'));
          else resolve(result as T);
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
