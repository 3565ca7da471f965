/** Kills the webhook, the "update now" function and the tick at each of its works before and after each of their AWS calls, with clocks that are right or two minutes off. */
import { createHmac, randomUUID } from 'node:crypto';
import { hookSecret, newHookToken } from '../../lib/model/hook-secret.ts';
import { hashToken } from '../../lib/model/token-hash.ts';
import { PseudoRandom } from '../bench/pseudo-random.ts';
import type { EndpointProxy } from './endpoint-proxy.ts';
import type { FunctionName, FunctionProcess } from './function-process.ts';
import { judgeRecovery, promised, promisedMs, type RecoveryExpectation, RecoveryTimes, shownSecrets } from './recovery.ts';
import { openStory, type Story, type StoryMirror } from './story.ts';
import type { TorturePart } from './torture-part.ts';
import { TortureWorld } from './torture-world.ts';

const skewsMs = [0, 120_000, -120_000];
/** None of these functions has so many steps. */
const mostPoints = 60;
/** Until the third tick: a tick that died leaves its work to the next. */
const afterADeadTickMs = 240_000;

interface Scene {
  readonly name: FunctionName;
  readonly fault: string;
  /** What the function is given; whatever has to be there before is made. */
  prepare(world: TortureWorld, subject: StoryMirror): Promise<unknown>;
  /** Whether this answer promises a run. */
  isAccepted(answer: unknown): boolean;
  readonly expectation: RecoveryExpectation;
}

const scenes: readonly Scene[] = [
  {
    name: 'webhook',
    fault: 'webhook killed before and after each of its AWS calls',
    prepare: delivery,
    isAccepted: (answer) => (answer as { statusCode?: number } | undefined)?.statusCode === 202,
    expectation: { trigger: 'event', runs: { success: 1 } },
  },
  {
    name: 'update-now',
    fault: '"update now" killed before and after each of its AWS calls',
    prepare: async (_, { key }) => ({ project: key.projectId, mirror: key.mirror }),
    isAccepted: (answer) => (answer as { status?: string } | undefined)?.status !== undefined,
    expectation: { trigger: 'manual', runs: { success: 1 } },
  },
  {
    name: 'schedule',
    fault: 'tick that sends a lost message again killed before and after each of its AWS calls',
    async prepare(world, { key }) {
      const trigger = { kind: 'manual', who: 'torture' } as const;
      await world.jobs.request(key, { trigger, now: world.now(), startAt: world.now(), confirmDeletions: false, resume: true });
      // Its message is lost.
      return tickAfter(world, world.nextTick);
    },
    isAccepted: () => true,
    expectation: { trigger: 'manual', withinMs: afterADeadTickMs, runs: { success: 1 } },
  },
  {
    name: 'schedule',
    fault: "tick that breaks a dead worker's lease killed before and after each of its AWS calls",
    async prepare(world, { key }) {
      const trigger = { kind: 'manual', who: 'torture' } as const;
      const [now, token] = [world.now(), randomUUID()];
      await world.jobs.request(key, { trigger, now, startAt: now, confirmDeletions: false, resume: true });
      await world.jobs.acquire(key, { token, now });
      await world.jobs.begin(key, token, now);
      const first = world.nextTick;
      world.advanceTo(first);
      await world.tick(first);
      return tickAfter(world, first);
    },
    isAccepted: () => true,
    expectation: { trigger: 'manual', withinMs: afterADeadTickMs, runs: { success: 1, failed: 1 } },
  },
  {
    name: 'schedule',
    fault: 'tick that starts a due run killed before and after each of its AWS calls',
    prepare: async (world, { mirror }) => tickAfter(world, mirror.dueAt ?? 0),
    isAccepted: () => true,
    expectation: { trigger: 'schedule', withinMs: afterADeadTickMs, runs: { success: 1 } },
  },
];

/** Some of them only: a regular expression on the fault. */
const chosen = new RegExp(process.env['GITFERRY_CRASH_SCENES'] ?? '');

export const functionCrashes: TorturePart = {
  name: 'function-crashes',
  async run({ seed, isQuick, report }) {
    const random = new PseudoRandom(seed);
    const world = await TortureWorld.open();
    const story = await openStory(world, 'http');
    try {
      const worker = await world.start('worker');
      for (const scene of isQuick ? [random.pick(scenes)] : scenes.filter(({ fault }) => chosen.test(fault))) {
        const breaches: string[] = [];
        const times = new RecoveryTimes();
        let [injected, accepted] = [0, 0];
        for (const skewMs of isQuick ? [random.pick(skewsMs)] : skewsMs) {
          for (let point = isQuick ? random.integer(1, 4) : 1; point < mostPoints; point++) {
            const { killedAt, isAccepted, recovery } = await killAt(world, story, scene, { point, skewMs, worker });
            times.add(recovery);
            if (isAccepted) accepted++;
            breaches.push(...recovery.breaches.map((breach) => `step ${point} (${killedAt ?? 'no kill'}), clock ${skewMs} ms: ${breach}`));
            // All steps have had their turn.
            if (killedAt === undefined) break;
            injected++;
            if (isQuick) break;
          }
        }
        breaches.push(...shownSecrets(world));
        report({
          fault: `${scene.fault}, clock right and 2 minutes off`,
          injected,
          promised: `${promised} (so much later as the clock of one that died unanswered is ahead)`,
          seen: `${accepted} accepted; ${times}`,
          breaches,
        });
      }
    } finally {
      await story.close();
      await world.close();
    }
  },
};

async function killAt(
  world: TortureWorld,
  story: Story,
  scene: Scene,
  { point, skewMs, worker }: { readonly point: number; readonly skewMs: number; readonly worker: FunctionProcess },
) {
  const subject = await story.newMirror();
  const event = await scene.prepare(world, subject);
  const victim = await world.start(scene.name, { skewMs });
  let [steps, isOver] = [0, false];
  let killedAt: string | undefined;
  const step = async (what: string): Promise<undefined> => {
    if (isOver || killedAt !== undefined || ++steps !== point) return undefined;
    killedAt = what;
    await victim.kill();
    return undefined;
  };
  const proxies: readonly EndpointProxy[] = Object.values(world.proxies);
  for (const proxy of proxies) {
    proxy.hooks = {
      before: ({ operation }) => step(`before ${operation}`),
      async after(call, status) {
        // What SQS has taken will be delivered, whatever becomes of the sender.
        world.noteSent(call, status);
        await step(`after ${call.operation}`);
      },
    };
  }
  const answer: unknown = await victim.invoke(event).catch(() => undefined);
  isOver = true;
  for (const proxy of proxies) proxy.hooks = {};
  world.proxies.sqs.hooks = { after: (call, status) => world.noteSent(call, status) };
  await victim.kill();
  const isAccepted = scene.isAccepted(answer);
  // One that died unanswered with a clock that is ahead has left a time behind at which the tick looks at it: so much later.
  const withinMs = (scene.expectation.withinMs ?? promisedMs) + Math.max(0, skewMs);
  const recovery = await judgeRecovery(world, story, subject, worker, { ...scene.expectation, expectRun: isAccepted, withinMs });
  return { killedAt, isAccepted, recovery };
}

/** The event of a tick that finds due what a clock that is right finds due at this time: one two minutes behind does so only then. */
function tickAfter(world: TortureWorld, time: number): unknown {
  world.advanceTo(time + 180_000);
  return { 'detail-type': 'Scheduled Event', time: new Date(world.now()).toISOString() };
}

/** A push event of GitHub's, signed with the hook's secret, as API Gateway hands it over. */
async function delivery(world: TortureWorld, { key, mirror }: StoryMirror): Promise<unknown> {
  const token = newHookToken(key.projectId);
  const hook = await world.records.hooks.create(key.projectId, { provider: 'github', tokenHash: hashToken(token) }, world.now());
  const project = await world.records.projects.get(key.projectId);
  if (hook === undefined || project === undefined) throw new Error(`no hook for mirror ${mirror.id}`);
  const secret = hookSecret(await world.secrets.signingKey(), hook);
  world.secretTexts.push(secret);
  const body = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: project.path, clone_url: project.repositoryUrl } });
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const rawPath = `/hooks/${token}`;
  return {
    version: '2.0',
    routeKey: 'POST /hooks/{token}',
    rawPath,
    rawQueryString: '',
    headers: { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signature },
    requestContext: {
      http: { method: 'POST', path: rawPath, sourceIp: '192.0.2.1', protocol: 'HTTP/1.1' },
      domainName: 'hooks.example.org',
    },
    body,
    isBase64Encoded: false,
  };
}
