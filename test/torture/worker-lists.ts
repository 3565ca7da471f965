/** Large lists of refs in the worker as Lambda runs it: its own bundle, a process of 256 MB, heap and memory announced as the runtime does; over HTTP and SSH. */
import { createHash } from 'node:crypto';
import { encodePkt } from '../../lib/git/wire/pkt-line.ts';
import type { MirrorKey } from '../../lib/model/mirror.ts';
import { sampleMirror, sampleProject } from '../support/sample-records.ts';
import { type FunctionProcess, startFunction } from './function-process.ts';
import { first, many } from './hostile-cases.ts';
import { type Answers, pkts, startHostileServer } from './hostile-server.ts';
import { startHostileSshServer } from './hostile-ssh-server.ts';
import type { TorturePart } from './torture-part.ts';
import { TortureWorld } from './torture-world.ts';

const functionMiB = 256;
/** As Lambda's runtime sets them. */
const heap = [`--max-old-space-size=${Math.floor(functionMiB * 0.9)}`, `--max-semi-space-size=${Math.floor(functionMiB * 0.05)}`];
const MiB = 1024 * 1024;

interface Lists {
  readonly name: string;
  /** Refs of the source, refs of the target, and which value each of the target's has. */
  readonly source: number;
  readonly target: number;
  readonly valuesOfTarget: 'same' | 'other';
  /** Of each name, about. */
  readonly nameBytes?: number;
  readonly codes: readonly (string | undefined)[];
}

const shapes: readonly Lists[] = [
  { name: '50,000 refs on both ends, alike', source: 50_000, target: 50_000, valuesOfTarget: 'same', codes: [undefined] },
  { name: '50,000 refs on both ends, all to be overwritten', source: 50_000, target: 50_000, valuesOfTarget: 'other', codes: [undefined] },
  { name: '100,000 refs of a target, all too many', source: 1, target: 100_000, valuesOfTarget: 'other', codes: [undefined] },
  { name: '100,000 refs to be created', source: 100_000, target: 0, valuesOfTarget: 'same', codes: [undefined] },
  { name: 'names of 900 bytes, to be created', source: 26_000, target: 0, valuesOfTarget: 'same', nameBytes: 900, codes: [undefined] },
  {
    name: '500,000 refs on both ends',
    source: 500_000,
    target: 500_000,
    valuesOfTarget: 'same',
    codes: ['advertisement_too_large'],
  },
];

export const workerLists: TorturePart = {
  name: 'worker-lists',
  async run({ isQuick, report }) {
    if (isQuick) return;
    const world = await TortureWorld.open();
    try {
      for (const shape of shapes) {
        for (const carrier of ['http', 'ssh'] as const) {
          const seen = await runOnce(world, shape, carrier);
          const breaches = [
            ...(seen.isAlive ? [] : ['the worker died']),
            ...(seen.peakMiB > functionMiB ? [`it took ${seen.peakMiB} MB`] : []),
            ...(shape.codes.includes(seen.code) ? [] : [`it ended with ${seen.code}`]),
          ];
          report({
            fault: `${carrier}: ${shape.name}, in a worker of ${functionMiB} MB`,
            injected: 1,
            promised: `ends with the right code within ${functionMiB} MB`,
            seen: `${seen.outcome}, ${seen.code ?? 'no error'}, ${seen.peakMiB} MB`,
            breaches,
          });
        }
      }
    } finally {
      await world.close();
    }
  },
};

interface Seen {
  readonly isAlive: boolean;
  readonly outcome: string | undefined;
  readonly code: string | undefined;
  readonly peakMiB: number;
}

async function runOnce(world: TortureWorld, shape: Lists, carrier: 'http' | 'ssh'): Promise<Seen> {
  const [source, target] = [await startEnd(carrier, sourceAnswers(shape)), await startEnd(carrier, targetAnswers(shape))];
  let worker: FunctionProcess | undefined;
  try {
    const secret = async () =>
      ({ kind: 'own', secretName: await world.secrets.create('mirror', { username: 'git', password: 'word' }) }) as const;
    const ends = { credential: carrier === 'ssh' ? await secret() : null };
    const project = await world.records.projects.create(
      sampleProject({ repositoryUrl: source.url, hostKeys: source.hostKeys, ...ends }),
      world.now(),
    );
    if (project === undefined) throw new Error('no project');
    const settings = sampleMirror({ url: target.url, hostKeys: target.hostKeys, ...ends });
    const mirror = await world.records.mirrors.create(project.id, 'push', settings, {
      now: world.now(),
      dueAt: world.now() + 24 * 3600_000,
    });
    if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
    const key: MirrorKey = { projectId: project.id, mirror: mirror.mirror };
    const trigger = { kind: 'manual', who: 'torture' } as const;
    await world.jobs.request(key, { trigger, now: world.now(), startAt: world.now(), confirmDeletions: false, resume: true });
    const environment = { ...world.environment, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(functionMiB) };
    worker = await startFunction({ name: 'worker', environment, offsetMs: 0, nodeOptions: heap });
    await world.deliver(worker, JSON.stringify({ project: key.projectId, mirror: key.mirror }));
    const { isAlive } = worker;
    const peakMiB = isAlive ? Math.round((await worker.measure()).peakRss / MiB) : 0;
    const [after] = await world.mirrors([key]);
    return { isAlive, outcome: after?.lastRun?.outcome, code: after?.lastError?.code, peakMiB };
  } finally {
    await worker?.kill();
    await source.close();
    await target.close();
  }
}

async function startEnd(carrier: 'http' | 'ssh', answers: Answers) {
  if (carrier === 'ssh') {
    const server = await startHostileSshServer(answers);
    return { url: server.url.replace('git:word@', ''), hostKeys: [server.hostKey], close: () => server.close() };
  }
  const server = await startHostileServer(answers);
  return { url: `${server.origin}/x.git`, hostKeys: [], close: () => server.close() };
}

const nameOf = (index: number, bytes = 40): string => `refs/heads/${index}/`.padEnd(bytes, 'branch-with-a-name');
const value = (index: number): string => createHash('sha1').update(String(index)).digest('hex');

function sourceAnswers({ source, nameBytes }: Lists): Answers {
  const head = encodePkt(`${value(0)} HEAD symref-target:${nameOf(0, nameBytes)}\n`);
  return {
    'ls-refs': () => ({
      body: first(
        head,
        many(source, (index) => `${value(index)} ${nameOf(index, nameBytes)}\n`),
      ),
    }),
  };
}

/** Both of its services list all. */
function targetAnswers({ target, valuesOfTarget }: Lists): Answers {
  if (target === 0) return {};
  const shift = valuesOfTarget === 'same' ? 0 : 1_000_000;
  const list = (from = 0): Generator<Uint8Array> =>
    many(target - from, (index) => `${value(index + from + shift)} ${nameOf(index + from)}\n`);
  const capabilities = encodePkt(`${value(shift)} ${nameOf(0)}\0report-status side-band-64k delete-refs ofs-delta agent=made/1\n`);
  return {
    advertisement: (service) =>
      service === 'git-receive-pack' ? { body: first(pkts(`# service=${service}\n`), first(capabilities, list(1))) } : undefined,
    'ls-refs': () => ({ body: list() }),
  };
}
