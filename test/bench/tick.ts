/** The schedule's tick over 100,000 mirrors: what it reads, and how long it takes with 1,000 and with 5,000 of them due. */
import { BatchWriteCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { createAwsClients } from '../../lib/aws/clients.ts';
import { createResources } from '../../lib/aws/create-resources.ts';
import { createHosts } from '../../lib/aws/hosts.ts';
import { createJobQueue } from '../../lib/aws/job-queue.ts';
import { itemOfMirror } from '../../lib/aws/mirrors/mirror-item.ts';
import { createMirrorJobs } from '../../lib/aws/mirrors/mirror-jobs.ts';
import { createRecords } from '../../lib/aws/records.ts';
import { createDeadline } from '../../lib/core/deadline.ts';
import { createLog } from '../../lib/core/log.ts';
import { dueShards } from '../../lib/jobs/mirror-jobs.ts';
import { type TickSummary, tick } from '../../lib/jobs/tick/tick.ts';
import { startAwsEndpointsThread } from '../../lib/local/aws-endpoints-thread.ts';
import { heldClock, hour, noon, plainMirror } from '../support/mirrors.ts';
import { awsEnvironment } from '../support/service.ts';
import type { Finding, Target } from './report.ts';

const mirrors = 100_000;
const batchItems = 25;
const concurrentBatches = 4;
const tickMs = 60_000;
/** An index page has 1 MB: at most this many of its rows. */
const rowsPerPage = 3_000;

interface Ticked extends TickSummary {
  readonly ms: number;
  readonly queries: number;
  readonly requests: number;
}

export async function benchTick(): Promise<Finding> {
  const endpoints = await startAwsEndpointsThread(undefined, new URL('aws-endpoints-worker.js', import.meta.url));
  Object.assign(process.env, awsEnvironment(endpoints));
  const clients = createAwsClients();
  const tableName = 'gitferry-bench';
  const log = createLog(() => {}, 'error');
  const clock = heldClock();
  let queries = 0;
  let requests = 0;
  const dynamo = Object.assign(Object.create(clients.dynamo), {
    send(command: object) {
      requests++;
      if (command instanceof QueryCommand) queries++;
      return clients.dynamo.send(command as never);
    },
  });

  async function ticked(): Promise<Ticked> {
    const records = createRecords({ dynamo: clients.dynamo, tableName, clock });
    const deps = {
      jobs: createMirrorJobs({ dynamo, tableName }),
      queue: createJobQueue({ sqs: clients.sqs, queueUrl, log }),
      hosts: createHosts({ dynamo, tableName }),
      records,
      clock,
      log,
    };
    const deadline = createDeadline(tickMs);
    queries = 0;
    requests = 0;
    const started = performance.now();
    const summary = await tick({ time: clock.now(), deadline }, deps);
    deadline.clear();
    return { ...summary, ms: performance.now() - started, queries, requests };
  }

  const queueUrl = await createResources(clients, tableName, 'gitferry-bench');
  try {
    // 1,000 are due at noon, 5,000 an hour later, the others never as far as this goes.
    const dueAt = (n: number): number => (n % 100 === 0 ? noon : n % 100 <= 5 ? noon + hour : noon + 1000 * hour);
    await putMirrors(clients.dynamo, tableName, dueAt);
    clock.set(noon - hour);
    const idle = await ticked();
    clock.set(noon);
    const thousand = await ticked();
    clock.set(noon + hour);
    const fiveThousand = await ticked();
    return {
      title: `A tick over ${mirrors.toLocaleString('en')} mirrors`,
      contenders: [],
      targets: [
        requestsTarget('requests to the table with nothing due', idle, dueShards),
        requestsTarget('queries with 1,000 due', { requests: thousand.queries }, dueShards + Math.ceil(1_000 / rowsPerPage)),
        requestsTarget('requests to the table with 1,000 due', thousand, thousand.due + thousand.queries),
        // Those of the first tick are due again by then: nobody has run them.
        { what: '1,000 due', measured: thousand.ms, bound: tickMs, unit: 'ms' },
        {
          what: `5,000 due, and ${fiveThousand.resent.toLocaleString('en')} messages sent again`,
          measured: fiveThousand.ms,
          bound: tickMs,
          unit: 'ms',
        },
        requestsTarget('mirrors it left to the next tick', { requests: 6_000 - fiveThousand.started - fiveThousand.resent }, 0),
      ],
    };
  } finally {
    clients.close();
    await endpoints.close();
  }
}

function requestsTarget(what: string, { requests }: { readonly requests: number }, bound: number): Target {
  return { what, measured: requests, bound, unit: 'requests' };
}

async function putMirrors(
  dynamo: ReturnType<typeof createAwsClients>['dynamo'],
  tableName: string,
  dueAt: (n: number) => number,
): Promise<void> {
  let next = 1;
  async function putBatches(): Promise<void> {
    while (next <= mirrors) {
      const first = next;
      next += batchItems;
      const items = Array.from({ length: Math.min(batchItems, mirrors - first + 1) }, (_, n) => {
        const id = first + n;
        return { PutRequest: { Item: itemOfMirror({ ...plainMirror, id, mirror: id, projectId: id, dueAt: dueAt(id) }) } };
      });
      await dynamo.send(new BatchWriteCommand({ RequestItems: { [tableName]: items } }));
    }
  }
  await Promise.all(Array.from({ length: concurrentBatches }, putBatches));
}
