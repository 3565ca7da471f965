/** A function of the service in a process of its own: imports its bundle, moves the clock, and hands over events as they come, several at once. */

// The clock of a process is the machine's, moved by what the harness says: hours pass in a moment, and two workers may disagree by minutes.
let offsetMs = Number(process.argv[3] ?? 0);
const MachineDate = globalThis.Date;
class MovedDate extends MachineDate {
  constructor(...given: [] | [number | string]) {
    if (given.length === 0) super(MachineDate.now() + offsetMs);
    else super(...given);
  }
  static override now(): number {
    return MachineDate.now() + offsetMs;
  }
}
globalThis.Date = MovedDate as unknown as DateConstructor;

interface Message {
  readonly id?: number;
  readonly event?: unknown;
  readonly timeoutMs?: number;
  readonly offsetMs?: number;
  readonly measure?: boolean;
}

const send = (message: unknown): void => void process.send?.(message);
const { handler } = (await import(process.argv[2] ?? '')) as { handler(event: unknown, context: unknown): Promise<unknown> };

process.on('message', async ({ id, event, timeoutMs = 900_000, offsetMs: moved, measure }: Message) => {
  if (moved !== undefined) {
    offsetMs = moved;
    return;
  }
  if (measure === true) {
    const collect = (globalThis as { gc?: () => void }).gc;
    collect?.();
    collect?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    return send({
      id,
      result: { rss, heapUsed, external, peakRss: process.resourceUsage().maxRSS * 1024, resources: process.getActiveResourcesInfo() },
    });
  }
  const end = performance.now() + timeoutMs;
  try {
    send({ id, result: await handler(event, { getRemainingTimeInMillis: () => end - performance.now() }) });
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    send({ id, error: { code, message: String(message) } });
  }
});
process.on('disconnect', () => process.exit());
send({ ready: true });

export {};
