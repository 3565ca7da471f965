/** Kills a process at every step of its work: each piece on the wires to both Git servers, each call of DynamoDB, SQS and Secrets Manager, before and after. */
import { PseudoRandom } from '../bench/pseudo-random.ts';
import type { FunctionProcess } from './function-process.ts';
import { judgeRecovery, promised, RecoveryTimes, shownSecrets } from './recovery.ts';
import { type Carrier, openStory, type Story } from './story.ts';
import type { TorturePart } from './torture-part.ts';
import { TortureWorld } from './torture-world.ts';

/** A story has fewer steps than this. */
const mostPoints = 2_000;
/** In `npm test`: each costs about a second; another seed each time gets around, and the planted bugs are the property test's business. */
const quickPoints: Readonly<Record<Carrier, number>> = { http: 2, ssh: 1 };

export const crashPoints: TorturePart = {
  name: 'crash-points',
  async run({ seed, isQuick, report }) {
    const random = new PseudoRandom(seed);
    const world = await TortureWorld.open();
    try {
      for (const carrier of ['http', 'ssh'] as const) {
        const story = await openStory(world, carrier);
        try {
          const result = await killEverywhere(world, story, { random, count: isQuick ? quickPoints[carrier] : undefined });
          report({
            ...result,
            fault: `worker killed at each step of a run over ${carrier === 'http' ? 'HTTP, LFS included' : 'SSH'}`,
            promised,
          });
        } finally {
          await story.close();
        }
      }
    } finally {
      await world.close();
    }
  },
};

interface Killing {
  readonly injected: number;
  readonly seen: string;
  readonly breaches: readonly string[];
}

/** `count`: so many steps taken by chance; all without it. */
async function killEverywhere(
  world: TortureWorld,
  story: Story,
  { random, count }: { readonly random: PseudoRandom; readonly count: number | undefined },
): Promise<Killing> {
  const breaches: string[] = [];
  const times = new RecoveryTimes();
  // Without a kill, to know how many steps there are.
  const whole = await killAt(world, story, mostPoints);
  breaches.push(...whole.breaches);
  let injected = 0;
  const steps = whole.steps;
  const chosen = count === undefined ? undefined : Array.from({ length: count }, () => random.integer(1, steps));
  const kinds: Record<string, number> = {};
  for (let index = 0; chosen === undefined || index < chosen.length; index++) {
    const point = chosen?.[index] ?? index + 1;
    const { killedAt, recovery, breaches: found } = await killAt(world, story, point);
    // All steps have had their turn: the run ended before this one.
    if (killedAt === undefined && chosen === undefined) break;
    if (killedAt === undefined) continue;
    injected++;
    const kind = killedAt.split(':')[0] ?? '';
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    if (recovery !== undefined) times.add(recovery);
    breaches.push(...found.map((breach) => `step ${point} (${killedAt}): ${breach}`));
  }
  breaches.push(...shownSecrets(world));
  const where = Object.entries(kinds).map(([kind, times]) => `${times} ${kind}`);
  return { injected, seen: `${steps} steps; killed at ${where.join(', ')}; ${times}`, breaches };
}

async function killAt(world: TortureWorld, story: Story, point: number) {
  const subject = await story.newMirror();
  const worker = await world.freshWorker();
  const crash = watch(world, story, point, worker);
  await world.jobs.request(subject.key, {
    trigger: { kind: 'manual', who: 'torture' },
    now: world.now(),
    startAt: world.now(),
    confirmDeletions: false,
    resume: true,
  });
  await world.deliver(worker, JSON.stringify({ project: subject.key.projectId, mirror: subject.key.mirror }));
  crash.stop();
  const next = worker.isAlive ? worker : await world.freshWorker();
  const recovery = await judgeRecovery(world, story, subject, next);
  await worker.kill();
  await next.kill();
  return { killedAt: crash.killedAt(), steps: crash.steps(), recovery, breaches: recovery.breaches };
}

/** Counts the steps, and kills at this one. */
function watch(world: TortureWorld, story: Story, point: number, worker: FunctionProcess) {
  let steps = 0;
  let killedAt: string | undefined;
  let isOver = false;
  const step = async (what: string): Promise<void> => {
    if (isOver || killedAt !== undefined || ++steps !== point) return;
    killedAt = what;
    await worker.kill();
  };
  const { dynamo, sqs, secrets } = world.proxies;
  const hooksOf = (name: string) => ({
    before: async ({ operation }: { operation: string }) => {
      await step(`before ${name}: ${operation}`);
      return undefined;
    },
    after: ({ operation }: { operation: string }) => step(`after ${name}: ${operation}`),
  });
  dynamo.hooks = hooksOf('DynamoDB calls');
  secrets.hooks = hooksOf('Secrets Manager calls');
  const ofSqs = hooksOf('SQS calls');
  sqs.hooks = {
    before: ofSqs.before,
    async after(call, status) {
      world.noteSent(call, status);
      await ofSqs.after(call);
    },
  };
  for (const [index, wire] of story.wires.entries()) {
    const name = index === 0 ? 'source' : 'target';
    wire.hooks = {
      async onPiece(direction, bytes) {
        await step(`pieces ${direction === 'to server' ? 'to' : 'from'} the ${name}: ${bytes} bytes`);
        return undefined;
      },
    };
  }
  return {
    killedAt: () => killedAt,
    steps: () => steps,
    stop() {
      isOver = true;
      dynamo.hooks = {};
      secrets.hooks = {};
      sqs.hooks = { after: (call, status) => world.noteSent(call, status) };
      for (const wire of story.wires) wire.hooks = {};
    },
  };
}
