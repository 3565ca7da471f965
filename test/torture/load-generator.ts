/** Sends requests at a rate that does not wait for answers, in a process of its own, and says how long each took from when it was due. */
import { Agent, request } from 'node:http';

export interface LoadRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Load {
  readonly requests: readonly LoadRequest[];
  readonly perSecond: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly sent: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  /** By second of the load: the longest of those that were due in it, milliseconds. */
  readonly longestBySecond: readonly number[];
  /** By place in `requests`: when the last one that was answered with 202 was sent, milliseconds since 1970. */
  readonly lastAccepted: readonly number[];
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

process.on('message', async (load: Load) => process.send?.(await generate(load)));
process.on('disconnect', () => process.exit());

async function generate({ requests, perSecond, seconds }: Load): Promise<LoadResult> {
  const statuses: Record<string, number> = {};
  const lastAccepted: number[] = requests.map(() => 0);
  const answers: Promise<number>[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < perSecond * seconds; index++) {
    const due = startedAt + (index * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    const place = index % requests.length;
    const sentAt = Date.now();
    answers.push(
      post(requests[place] as LoadRequest).then((status) => {
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status === '202') lastAccepted[place] = Math.max(lastAccepted[place] ?? 0, sentAt);
        return performance.now() - due;
      }),
    );
  }
  const inOrder = await Promise.all(answers);
  const longestBySecond = Array.from({ length: seconds }, (_, second) =>
    Math.round(Math.max(...inOrder.slice(second * perSecond, (second + 1) * perSecond))),
  );
  const times = inOrder.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { sent: times.length, statuses, p50Ms: at(0.5), p99Ms: at(0.99), longestMs: at(1), longestBySecond, lastAccepted };
}

/** The status, or what went wrong with the connection. */
function post({ url, headers, body }: LoadRequest): Promise<string> {
  return new Promise((resolve) => {
    const call = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(String(answer.statusCode)));
    });
    call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    call.end(body);
  });
}
