/** Everything at once and by chance: workers killed, frozen and with wrong clocks, endpoints that fail, a queue that loses, doubles, delays and reorders. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mirror, MirrorKey } from '../../lib/model/mirror.ts';
import { PseudoRandom } from '../bench/pseudo-random.ts';
import { git } from '../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../support/git-http-server.ts';
import { sampleMirror, sampleProject } from '../support/sample-records.ts';
import type { EndpointFault } from './endpoint-proxy.ts';
import type { FunctionProcess } from './function-process.ts';
import { unsound } from './judge-target.ts';
import { shownSecrets } from './recovery.ts';
import type { TorturePart } from './torture-part.ts';
import { TortureWorld } from './torture-world.ts';
import { startWireProxy, type WireProxy } from './wire-proxy.ts';

const mirrorCount = 8;
const workerCount = 3;
const skewsMs = [-120_000, 0, 120_000] as const;
/** After the last fault a request by hand has this long. */
const recoveryMs = 180_000;
const endpointKinds: readonly EndpointFault[] = ['error', 'throttled', 'lost answer', 'lost request', 'twice', 'late'];
const password = 'StormPassw0rd-41aa';

interface StormMirror {
  readonly key: MirrorKey;
  readonly source: string;
  readonly target: string;
  /** Every value that main of the source ever had, in order. */
  readonly history: string[];
  /** The last request that was answered. */
  acceptedSeq: number;
}

export const storm: TorturePart = {
  name: 'storm',
  async run({ seed, minutes, isQuick, report }) {
    const world = await TortureWorld.open();
    const weather = await Storm.open(world, new PseudoRandom(seed));
    try {
      await weather.rage(isQuick ? { leastFaults: 20 } : { ms: minutes * 60_000 });
      const { counts, seen, breaches } = await weather.clearUp();
      const promised =
        'every ref only ever forward, targets fsck-clean, no accepted request without its run or a recorded failure; a request after it done in 3 minutes';
      for (const [fault, injected] of Object.entries(counts).sort())
        report({ fault: `by chance: ${fault}`, injected, promised, seen: 'see below', breaches: [] });
      report({ fault: 'all of these together', injected: 0, promised, seen, breaches });
    } finally {
      await weather.close();
      await world.close();
    }
  },
};

class Storm {
  readonly #world: TortureWorld;
  readonly #random: PseudoRandom;
  readonly #servers: readonly GitHttpServer[];
  readonly #wires: readonly WireProxy[];
  readonly #mirrors: readonly StormMirror[];
  readonly #counts: Record<string, number> = {};
  readonly #breaches: string[] = [];
  readonly #frozen = new Set<FunctionProcess>();
  readonly #underWay = new Set<Promise<unknown>>();
  #workers: FunctionProcess[] = [];
  #requester: FunctionProcess | undefined;
  #isRaging = true;
  #requests = 0;

  private constructor(
    world: TortureWorld,
    random: PseudoRandom,
    servers: readonly GitHttpServer[],
    wires: readonly WireProxy[],
    mirrors: readonly StormMirror[],
  ) {
    this.#world = world;
    this.#random = random;
    this.#servers = servers;
    this.#wires = wires;
    this.#mirrors = mirrors;
  }

  static async open(world: TortureWorld, random: PseudoRandom): Promise<Storm> {
    const basic = { username: 'ada', password };
    world.secretTexts.push(password);
    const roots = ['storm-s', 'storm-t'].map((name) => join(world.folder, name));
    await Promise.all(roots.map((root) => mkdir(root)));
    const servers = await Promise.all(roots.map((root) => startGitHttpServer({ root, basic, config: ['core.logAllRefUpdates=always'] })));
    const wires = await Promise.all(servers.map(({ port }) => startWireProxy(port)));
    const [sourceRoot = '', targetRoot = ''] = roots;
    const [from, to] = wires.map(({ port }) => `http://127.0.0.1:${port}`);
    const credential = { kind: 'own', secretName: await world.secrets.create('mirror', basic) } as const;
    await world.records.settings.update({ pushMinIntervalSeconds: 0 });
    const mirrors: StormMirror[] = [];
    for (let n = 0; n < mirrorCount; n++) {
      const [source, target] = [join(sourceRoot, `${n}.git`), join(targetRoot, `${n}.git`)];
      for (const path of [source, target]) await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
      const project = await world.records.projects.create(sampleProject({ repositoryUrl: `${from}/${n}.git`, credential }), world.now());
      if (project === undefined) throw new Error('no project');
      const at = { now: world.now(), dueAt: world.now() + 6 * 3600_000 };
      const mirror = await world.records.mirrors.create(
        project.id,
        'push',
        sampleMirror({ url: `${to}/${n}.git`, credential, lfs: 'off' }),
        at,
      );
      if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
      mirrors.push({ key: { projectId: project.id, mirror: mirror.mirror }, source, target, history: [], acceptedSeq: 0 });
    }
    const storm = new Storm(world, random, servers, wires, mirrors);
    for (const mirror of mirrors) await storm.#commit(mirror);
    return storm;
  }

  async close(): Promise<void> {
    for (const process of this.#frozen) process.thaw();
    await Promise.all(this.#wires.map((wire) => wire.close()));
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** For so long, or until there were so many faults. */
  async rage({ ms = 0, leastFaults = 0 }: { readonly ms?: number; readonly leastFaults?: number }): Promise<void> {
    this.#spoilEndpoints();
    for (const wire of this.#wires) wire.hooks = { onPiece: () => this.#perhapsKill('worker killed at a piece on the wire', 0.004) };
    const end = performance.now() + ms;
    while (performance.now() < end || Object.values(this.#counts).reduce((sum, each) => sum + each, 0) < leastFaults) {
      await this.#keepWorkers();
      await this.#act();
    }
    this.#isRaging = false;
  }

  /** The faults end; what was begun ends; what is left over is judged. */
  async clearUp(): Promise<{
    readonly counts: Readonly<Record<string, number>>;
    readonly seen: string;
    readonly breaches: readonly string[];
  }> {
    const world = this.#world;
    const { dynamo, sqs, secrets } = world.proxies;
    dynamo.hooks = {};
    secrets.hooks = {};
    sqs.hooks = { after: (call, status) => world.noteSent(call, status) };
    for (const wire of this.#wires) wire.hooks = {};
    // The frozen ones wake up minutes after their leases were judged, and go on as if nothing had been.
    for (const process of this.#frozen) process.thaw();
    await Promise.all(this.#underWay);
    const worker = await world.freshWorker();
    const keys = this.#mirrors.map(({ key }) => key);
    const settled = await world.calm(keys, worker, 2 * 3600_000);
    if (settled === undefined) this.#breaches.push('a mirror is stuck');
    for (const mirror of this.#mirrors) await this.#judgeAccepted(mirror);
    await Promise.all(this.#mirrors.map((mirror) => this.#commit(mirror)));
    await Promise.all(keys.map((key) => this.#ask(key)));
    const ms = await world.calm(keys, worker, recoveryMs * 4);
    if (ms === undefined || ms > recoveryMs) this.#breaches.push(`a request after the storm took ${ms ?? 'for ever'} ms`);
    for (const server of this.#servers) await server.idle();
    for (const mirror of this.#mirrors) await this.#judgeEnd(mirror);
    this.#breaches.push(...shownSecrets(world));
    const runs = await Promise.all(
      this.#mirrors.map(async ({ key }) => (await world.records.runs.list(Number(key.mirror), { page: 1, perPage: 1 })).total ?? 0),
    );
    const seen = `${this.#requests} requests accepted, ${runs.reduce((sum, each) => sum + each, 0)} runs recorded; at rest ${Math.round((settled ?? 0) / 1000)} s after the last fault; the requests after it done in ${Math.round((ms ?? 0) / 1000)} s`;
    return { counts: this.#counts, seen, breaches: this.#breaches };
  }

  // ---- what happens

  async #act(): Promise<void> {
    const random = this.#random;
    const world = this.#world;
    const dice = random.next();
    if (dice < 0.3) {
      const mirror = random.pick(this.#mirrors);
      await this.#commit(mirror);
      this.#begin(this.#request(mirror));
    } else if (dice < 0.75) {
      this.#deliverSome();
      await new Promise((resolve) => setTimeout(resolve, 20));
    } else if (dice < 0.88) {
      const next = world.nextTick;
      world.advanceTo(next);
      this.#begin(world.tick(next));
    } else if (dice < 0.92) {
      this.#freezeOne();
    } else if (dice < 0.96) {
      for (const process of this.#frozen) process.thaw();
      this.#frozen.clear();
    } else {
      await this.#perhapsKill('worker killed at any moment', 1);
    }
  }

  async #commit({ source, history }: StormMirror): Promise<void> {
    const parent = history.at(-1);
    const tree = await git(source, ['mktree'], { input: '' });
    const oid = await git(source, [
      'commit-tree',
      tree,
      ...(parent === undefined ? [] : ['-p', parent]),
      '-m',
      `${history.length} ${this.#random.next()}`,
    ]);
    await git(source, ['update-ref', 'refs/heads/main', oid]);
    history.push(oid);
  }

  /** A request that is answered must be carried out. */
  async #request(mirror: StormMirror): Promise<void> {
    if (this.#requester?.isAlive !== true) this.#requester = await this.#world.start('update-now');
    const wanted = mirror.history.length;
    const answer = await this.#requester.invoke({ project: mirror.key.projectId, mirror: mirror.key.mirror });
    if (typeof answer !== 'object') return;
    this.#requests++;
    mirror.acceptedSeq = Math.max(mirror.acceptedSeq, wanted);
  }

  #deliverSome(): void {
    const world = this.#world;
    const random = this.#random;
    const bodies = [...world.takeAvailable()].sort(() => random.next() - 0.5);
    if (bodies.length > 1) this.#count('messages reordered', bodies.length);
    for (const body of bodies) {
      const dice = random.next();
      if (dice < 0.1) this.#count('message lost');
      else if (dice < 0.2) {
        this.#count('message late');
        world.messages.push({ body, availableAt: world.now() + random.integer(10_000, 300_000) });
      } else if (dice < 0.3) {
        this.#count('message doubled');
        this.#deliver(body);
        this.#deliver(body);
      } else this.#deliver(body);
    }
  }

  #deliver(body: string): void {
    const awake = this.#workers.filter((worker) => worker.isAlive && !this.#frozen.has(worker));
    if (awake.length > 0) this.#begin(this.#world.deliver(this.#random.pick(awake), body));
  }

  #freezeOne(): void {
    const awake = this.#workers.filter((worker) => worker.isAlive && !this.#frozen.has(worker));
    if (awake.length < 2) return;
    const worker = this.#random.pick(awake);
    worker.freeze();
    this.#frozen.add(worker);
    this.#count('worker frozen for minutes');
  }

  async #perhapsKill(what: string, chance: number): Promise<undefined> {
    if (!this.#isRaging || this.#random.next() >= chance) return undefined;
    const victims = this.#workers.filter(({ isAlive }) => isAlive);
    if (victims.length === 0) return undefined;
    const victim = this.#random.pick(victims);
    this.#frozen.delete(victim);
    this.#count(what);
    await victim.kill();
    return undefined;
  }

  async #keepWorkers(): Promise<void> {
    this.#workers = this.#workers.filter(({ isAlive }) => isAlive);
    while (this.#workers.length < workerCount) {
      const skewMs = skewsMs[this.#workers.length % skewsMs.length] ?? 0;
      if (skewMs !== 0) this.#count('worker with a clock that is 2 minutes off');
      this.#workers.push(await this.#world.start('worker', { skewMs }));
    }
  }

  #spoilEndpoints(): void {
    const world = this.#world;
    const { dynamo, sqs, secrets } = world.proxies;
    const before = async (): Promise<EndpointFault | undefined> => {
      if (!this.#isRaging) return undefined;
      await this.#perhapsKill('worker killed at an AWS call', 0.004);
      if (this.#random.next() > 0.04) return undefined;
      const fault = this.#random.pick(endpointKinds);
      this.#count(`AWS call: ${fault}`);
      return fault;
    };
    dynamo.hooks = { before };
    secrets.hooks = { before };
    sqs.hooks = { before, after: (call, status) => world.noteSent(call, status) };
  }

  #begin(work: Promise<unknown>): void {
    const done: Promise<unknown> = work.catch(() => {}).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  #count(fault: string, times = 1): void {
    this.#counts[fault] = (this.#counts[fault] ?? 0) + times;
  }

  #ask(key: MirrorKey): Promise<unknown> {
    const now = this.#world.now();
    const trigger = { kind: 'manual', who: 'torture' } as const;
    return this.#world.jobs.request(key, { trigger, now, startAt: now, confirmDeletions: false, resume: true }).then(() => {
      this.#world.messages.push({ body: JSON.stringify({ project: key.projectId, mirror: key.mirror }), availableAt: now });
    });
  }

  // ---- what is looked at

  async #judgeAccepted({ key, target, history, acceptedSeq }: StormMirror): Promise<void> {
    const mirror = (await this.#world.jobs.get(key)) as Mirror;
    const at = history.indexOf(await git(target, ['rev-parse', '--verify', '--quiet', 'refs/heads/main']).catch(() => '')) + 1;
    // Four attempts that all died: the record says so, and the next request or schedule mends it.
    const gaveUp = mirror.updateStatus === 'failed' && mirror.lastError !== null;
    if (at < acceptedSeq && !gaveUp)
      this.#breaches.push(`an accepted request was lost: the target has ${at} of ${acceptedSeq}, ${mirror.updateStatus}`);
    if (mirror.updateStatus === 'started' || mirror.updateStatus === 'to_retry')
      this.#breaches.push(`at rest, and its status is ${mirror.updateStatus}`);
  }

  async #judgeEnd({ key, target, history }: StormMirror): Promise<void> {
    const mirror = (await this.#world.jobs.get(key)) as Mirror;
    const log = await git(target, ['log', '--walk-reflogs', '--format=%H', 'refs/heads/main']).catch(() => '');
    const moves = log
      .split('\n')
      .filter(Boolean)
      .reverse()
      .map((oid) => history.indexOf(oid));
    if (moves.some((at, index) => at < 0 || at < (moves[index - 1] ?? -1))) this.#breaches.push(`main went back: ${moves.join(' ')}`);
    if (history[moves.at(-1) ?? -1] !== history.at(-1))
      this.#breaches.push(`the target has commit ${moves.at(-1)} of ${history.length - 1}`);
    if (mirror.updateStatus !== 'finished') this.#breaches.push(`the record says ${mirror.updateStatus} ${mirror.lastError?.code}`);
    this.#breaches.push(...(await unsound(target)));
  }
}
