/** Keeps a lease alive while a run goes on, and says when it is lost. */

export interface HeartbeatTiming {
  readonly beatMs: number;
  /** A holder that could not renew for this long takes its lease for lost; the tick needs longer to find a lease dead. */
  readonly giveUpMs: number;
}

/** Three quarters of the time are for an answer: on a busy machine one of 18 seconds was seen. */
export const heartbeatTiming: HeartbeatTiming = { beatMs: 10_000, giveUpMs: 40_000 };

const readingMs = 100;

export interface HeartbeatDeps {
  /** false = the lease is somebody else's. Rejections are tried again. */
  renew(): Promise<boolean>;
  /** After each beat that went well. */
  onBeat(): void;
  /** Once. */
  onLost(): void;
}

export interface Heartbeat {
  readonly isLost: boolean;
  /** No beat is under way when it resolves. */
  stop(): Promise<void>;
}

/** Sends a beat every `beatMs`, or as soon as the one before is answered, on the monotonic clock; several times as often while renewing fails. */
export function startHeartbeat({ renew, onBeat, onLost }: HeartbeatDeps, { beatMs, giveUpMs }: HeartbeatTiming): Heartbeat {
  let stopped = false;
  let isLost = false;
  let isReading = false;
  // Counted from when a renewal was sent, not from its answer: the tick may see it as early as that.
  let renewedAt = performance.now();
  let beating: Promise<void> = Promise.resolve();
  let beatTimer: NodeJS.Timeout | undefined;
  let lossTimer: NodeJS.Timeout | undefined;

  function lose(): void {
    if (stopped || isLost) return;
    isLost = true;
    clearTimeout(beatTimer);
    clearTimeout(lossTimer);
    onLost();
  }

  /** After a pause of the whole process timers come before the answers that have arrived meanwhile: those are read first. */
  function loseSoon(): void {
    if (isReading) return;
    isReading = true;
    setTimeout(() => {
      isReading = false;
      if (performance.now() - renewedAt >= giveUpMs) lose();
    }, readingMs).unref();
  }

  function schedule(waitMs: number): void {
    clearTimeout(lossTimer);
    lossTimer = setTimeout(loseSoon, Math.max(0, renewedAt + giveUpMs - performance.now())).unref();
    beatTimer = setTimeout(() => {
      beating = beat();
    }, waitMs).unref();
  }

  async function beat(): Promise<void> {
    const sentAt = performance.now();
    try {
      if (!(await renew())) return lose();
      renewedAt = sentAt;
    } catch {
      if (!stopped && !isLost) schedule(beatMs / 8);
      return;
    }
    if (stopped || isLost) return;
    onBeat();
    // Counted from the sending as well: otherwise two slow answers in a row would lose a lease that nobody else wants.
    schedule(Math.max(0, sentAt + beatMs - performance.now()));
  }

  schedule(beatMs);
  return {
    get isLost() {
      return isLost;
    },
    async stop() {
      stopped = true;
      clearTimeout(beatTimer);
      clearTimeout(lossTimer);
      await beating;
    },
  };
}
