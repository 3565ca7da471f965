/** DynamoDB, SQS and Secrets Manager that fail at each call of a run, a request and a tick, in every way, once or for as long as the SDK tries. */
import { randomUUID } from 'node:crypto';
import { PseudoRandom } from '../bench/pseudo-random.ts';
import type { EndpointCall, EndpointFault, EndpointProxy } from './endpoint-proxy.ts';
import type { FunctionProcess } from './function-process.ts';
import { judgeRecovery, promised, type Recovery, RecoveryTimes, shownSecrets } from './recovery.ts';
import { openStory, type Story } from './story.ts';
import type { TorturePart } from './torture-part.ts';
import { TortureWorld } from './torture-world.ts';

const faults: readonly EndpointFault[] = ['error', 'throttled', 'lost answer', 'lost request', 'twice', 'late', 'silence'];
/** The SDK asks four times. */
const burst = 5;
/** Each scene makes at least so many calls. */
const surelyMade = 3;

/** Where the faults are, and what happens around them. */
interface Scene {
  readonly name: string;
  /** Carries out what the faults are to hit, and judges. */
  play(world: TortureWorld, story: Story, hit: () => Hit): Promise<Recovery>;
}

/** Counts calls from now on, and spoils some. */
interface Hit {
  stop(): void;
}

export const endpointFaults: TorturePart = {
  name: 'endpoint-faults',
  async run({ seed, isQuick, report }) {
    const random = new PseudoRandom(seed);
    const world = await TortureWorld.open();
    const story = await openStory(world, 'http');
    try {
      const all = scenes(world);
      for (const fault of faults) {
        if (isQuick && fault === 'silence') continue;
        for (const scene of isQuick ? [random.pick(all)] : all) {
          const lengths = fault === 'late' || fault === 'twice' || fault === 'silence' ? [1] : [1, burst];
          for (const length of isQuick ? [random.pick(lengths)] : lengths) {
            const result = await everywhere(world, story, scene, { fault, length, random, count: isQuick ? 1 : undefined });
            const often = length === 1 ? '' : `, ${length} times in a row`;
            report({ ...result, fault: `AWS endpoint: ${fault} at each call of ${scene.name}${often}`, promised });
          }
        }
      }
    } finally {
      await story.close();
      await world.close();
    }
  },
};

interface Injection {
  readonly fault: EndpointFault;
  readonly length: number;
  readonly random: PseudoRandom;
  readonly count: number | undefined;
}

async function everywhere(world: TortureWorld, story: Story, scene: Scene, { fault, length, random, count }: Injection) {
  const breaches: string[] = [];
  const times = new RecoveryTimes();
  let injected = 0;
  let calls = 20;
  for (let index = 0; index < (count ?? calls); index++) {
    const from = count === undefined ? index + 1 : random.integer(1, surelyMade);
    let seen = 0;
    let where = '';
    const hit = (): Hit =>
      spoil(world, (call) => {
        seen++;
        if (seen < from || seen >= from + length) return undefined;
        injected++;
        where ||= call.operation;
        return fault;
      });
    const recovery = await scene.play(world, story, hit);
    // A run has no more calls than this, those that were repeated left out.
    if (count === undefined && where === '') calls = index;
    times.add(recovery);
    breaches.push(...recovery.breaches.map((breach) => `call ${from} (${where || 'none'}): ${breach}`));
  }
  breaches.push(...shownSecrets(world));
  return { injected, seen: `${times}`, breaches };
}

/** Asks for each call of every endpoint what is to happen to it. */
function spoil(world: TortureWorld, choose: (call: EndpointCall) => EndpointFault | undefined): Hit {
  const { dynamo, sqs, secrets } = world.proxies;
  const all: readonly EndpointProxy[] = [dynamo, sqs, secrets];
  for (const proxy of all) proxy.hooks = { before: choose };
  sqs.hooks = { before: choose, after: (call, status) => world.noteSent(call, status) };
  return {
    stop() {
      for (const proxy of all) proxy.hooks = {};
      sqs.hooks = { after: (call, status) => world.noteSent(call, status) };
    },
  };
}

/** Processes that stay for all faults of a scene, so that their caches and connections are those of a warm function. */
function scenes(world: TortureWorld): readonly Scene[] {
  let worker: FunctionProcess | undefined;
  let requester: FunctionProcess | undefined;
  const warmWorker = async (): Promise<FunctionProcess> => {
    worker ??= await world.start('worker');
    return worker;
  };
  return [
    {
      name: 'a run',
      async play(_, story, hit) {
        const process = await warmWorker();
        const subject = await story.newMirror();
        const now = world.now();
        const trigger = { kind: 'manual', who: 'torture' } as const;
        await world.jobs.request(subject.key, { trigger, now, startAt: now, confirmDeletions: false, resume: true });
        const { stop } = hit();
        await world.deliver(process, JSON.stringify({ project: subject.key.projectId, mirror: subject.key.mirror }));
        stop();
        return judgeRecovery(world, story, subject, process);
      },
    },
    {
      name: 'a request',
      async play(_, story, hit) {
        const process = await warmWorker();
        requester ??= await world.start('update-now');
        const subject = await story.newMirror();
        const { stop } = hit();
        const answer = await requester.invoke({ project: subject.key.projectId, mirror: subject.key.mirror }).catch(() => undefined);
        stop();
        return judgeRecovery(world, story, subject, process, { expectRun: answer !== undefined });
      },
    },
    {
      name: 'the tick that finds a dead worker',
      async play(_, story, hit) {
        const process = await warmWorker();
        const subject = await story.newMirror();
        const now = world.now();
        const trigger = { kind: 'manual', who: 'torture' } as const;
        await world.jobs.request(subject.key, { trigger, now, startAt: now, confirmDeletions: false, resume: true });
        const token = randomUUID();
        await world.jobs.acquire(subject.key, { token, now });
        await world.jobs.begin(subject.key, token, now);
        const first = world.nextTick;
        world.advanceTo(first);
        await world.tick(first);
        world.advanceTo(first + 60_000);
        const { stop } = hit();
        await world.tick(first + 60_000).catch(() => {});
        stop();
        return judgeRecovery(world, story, subject, process);
      },
    },
  ];
}
