/** Watches the mirrors of a made-up world from outside: which requests were accepted, which runs followed, and who held which lease. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { mirrorOfItem } from '../../lib/aws/mirrors/mirror-item.ts';
import { keys } from '../../lib/aws/table/table.ts';
import type { Clock } from '../../lib/core/clock.ts';
import type { Mirror } from '../../lib/model/mirror.ts';
import type { TestAws } from '../support/aws.ts';
import type { GatedProcess } from './gated-process.ts';

interface Accepted {
  readonly mirror: number;
  readonly step: number;
}

interface Completed {
  readonly mirror: number;
  readonly startedAtStep: number;
}

/** Five minutes, and what it takes to find that a worker has died and to repeat its run, which may be twice in the way. */
const lateMs = 11 * 60_000;

export class Witness {
  readonly #aws: TestAws;
  readonly #projectId: number;
  readonly #clock: Clock;
  readonly #mirrors = new Map<number, Mirror>();
  readonly #accepted: Accepted[] = [];
  readonly #completed: Completed[] = [];
  /** The step in which the present lease of a mirror was taken. */
  readonly #takenAt = new Map<number, number>();
  /** When the present lease of a mirror was taken or last renewed. */
  readonly #alive = new Map<number, number>();
  readonly #violations: string[] = [];
  step = 0;
  lostEvents = 0;
  /** Mirrors that waited for their host when it came back for good, and until when they are to be updated. */
  readonly #awaited = new Map<number, number>();

  constructor(aws: TestAws, projectId: number, clock: Clock) {
    this.#aws = aws;
    this.#projectId = projectId;
    this.#clock = clock;
  }

  get mirrors(): readonly Mirror[] {
    return [...this.#mirrors.values()];
  }

  get figures(): { readonly accepted: number; readonly completed: number } {
    return { accepted: this.#accepted.length, completed: this.#completed.length };
  }

  add(mirror: Mirror): void {
    this.#mirrors.set(mirror.id, mirror);
  }

  /** As it was after the last step. */
  mirror(id: number): Mirror {
    return this.#mirrors.get(id)!;
  }

  noteAccepted(mirror: number, { wroteAt }: GatedProcess): void {
    if (wroteAt === undefined) this.#violations.push('a request was accepted that is not in the table');
    else this.#accepted.push({ mirror, step: wroteAt });
  }

  /** An event that nobody took: something is to be compared with what it told, all the same. */
  noteLostEvent(mirror: number): void {
    this.#accepted.push({ mirror, step: this.step });
    this.lostEvents++;
  }

  noteCompleted(mirror: number, startedAtStep: number): void {
    this.#completed.push({ mirror, startedAtStep });
    const until = this.#awaited.get(mirror);
    if (until !== undefined && this.#clock.now() > until) this.#violations.push('a mirror was late after its host was back');
    this.#awaited.delete(mirror);
  }

  /** No more faults from now on. */
  noteCalm(): void {
    for (const { id, waiting } of this.mirrors) if (waiting !== null) this.#awaited.set(id, this.#clock.now() + lateMs);
  }

  noteBeat(mirror: number): void {
    this.#alive.set(mirror, this.#clock.now());
  }

  /** What must not be when all has come to rest; `minutes` is how long that took. */
  problems(minutes: number | undefined): readonly string[] {
    const isServed = ({ mirror, step }: Accepted): boolean =>
      this.#completed.some((run) => run.mirror === mirror && run.startedAtStep > step);
    return [
      ...this.#violations,
      ...this.#accepted.filter((request) => !isServed(request)).map(() => 'no run was started after an accepted request'),
      ...(minutes === undefined ? ['a mirror waits for ever'] : []),
    ];
  }

  /** After a step of this process against the table: what has become of the leases, and by whose hand. */
  async look(process: GatedProcess): Promise<void> {
    const { Items: items } = await this.#aws.clients.dynamo.send(
      new QueryCommand({
        TableName: this.#aws.tableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': keys.project(this.#projectId).pk },
        ConsistentRead: true,
      }),
    );
    for (const after of items!.map(mirrorOfItem)) {
      const before = this.mirror(after.id);
      this.#mirrors.set(after.id, after);
      if (after.requestedSeq > before.requestedSeq && process.kind === 'requester') process.wroteAt = this.step;
      if (after.leaseToken !== before.leaseToken) this.#judge(before, after, process);
    }
  }

  #judge(before: Mirror, after: Mirror, process: GatedProcess): void {
    if (before.leaseToken === null) {
      process.token = after.leaseToken ?? undefined;
      this.noteBeat(after.id);
      this.#takenAt.set(after.id, this.step);
    } else if (after.leaseToken !== null) {
      this.#violations.push('a lease was taken that somebody held');
      process.token = after.leaseToken;
    } else if (process.kind !== 'worker') {
      this.#judgeBroken(before, after);
    } else if (process.token !== before.leaseToken) {
      this.#violations.push('a lease was given back by somebody who did not hold it');
    }
  }

  #judgeBroken(before: Mirror, after: Mirror): void {
    if (this.#clock.now() - this.#alive.get(after.id)! < 50_000) {
      this.#violations.push('a lease was broken although its holder was alive less than 50 seconds ago');
    }
    if (after.doneSeq === before.doneSeq) return;
    // Given up: the fourth worker in a row has died of it, and its status says so.
    if (before.attempts < 3 || after.updateStatus !== 'failed') this.#violations.push('a run was given up too soon');
    this.noteCompleted(after.id, this.#takenAt.get(after.id)!);
  }
}
