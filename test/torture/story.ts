/** The small story that is broken off at every step: a push that creates, updates, forces and deletes, an LFS object with it; over HTTP, or over SSH. */
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mirror, MirrorKey } from '../../lib/model/mirror.ts';
import { git, refsOf } from '../support/git.ts';
import { startGitHttpServer } from '../support/git-http-server.ts';
import { pointerTo } from '../support/lfs-scenario.ts';
import { type LfsTestServer, lfsServer } from '../support/lfs-server.ts';
import { sampleMirror, sampleProject } from '../support/sample-records.ts';
import { startSshTestServer } from '../support/ssh-test-server.ts';
import type { TortureWorld } from './torture-world.ts';
import { startWireProxy, type WireProxy } from './wire-proxy.ts';

export type Carrier = 'http' | 'ssh';

export interface StoryMirror {
  readonly key: MirrorKey;
  readonly mirror: Mirror;
  readonly target: string;
  /** What the target had before. */
  readonly before: Readonly<Record<string, string>>;
  lfsObjects(): Promise<readonly string[]>;
}

export interface Story {
  readonly source: string;
  /** What the target has to have in the end. */
  readonly wanted: Readonly<Record<string, string>>;
  readonly lfsObject: string | undefined;
  /** Before the source's and the target's server. */
  readonly wires: readonly [WireProxy, WireProxy];
  /** A project and a mirror of their own, the target as it is before; nothing is requested. */
  newMirror(): Promise<StoryMirror>;
  idle(): Promise<void>;
  close(): Promise<void>;
}

const credentials = {
  source: { username: 'ada', password: 'SourcePassw0rd-8f2c' },
  target: { username: 'ada', password: 'TargetPassw0rd-77d1' },
};
const large = Buffer.alloc(30_000, 'an LFS object of some size ');

export async function openStory(world: TortureWorld, carrier: Carrier): Promise<Story> {
  const folder = join(world.folder, carrier);
  const roots = { source: join(folder, 's'), target: join(folder, 't') };
  await mkdir(roots.source, { recursive: true });
  await mkdir(roots.target, { recursive: true });
  const [source, template] = [join(roots.source, 'app.git'), join(folder, 'template.git')];
  await makeRepositories(source, template, carrier === 'http');
  const wanted = await refsOf(source);
  const before = await refsOf(template);
  world.secretTexts.push(credentials.source.password, credentials.target.password);
  const servers = carrier === 'http' ? await httpServers(folder, roots) : await sshServers();
  const lfsObject = carrier === 'http' ? await servers.lfs('source').put(large) : undefined;
  const wires = [await startWireProxy(servers.ports[0]), await startWireProxy(servers.ports[1])] as const;
  const url = (end: 0 | 1, path: string): string =>
    carrier === 'http'
      ? `http://127.0.0.1:${wires[end].port}/${path}`
      : `ssh://127.0.0.1:${wires[end].port}${join(end === 0 ? roots.source : roots.target, path)}`;
  const keysOf = (end: 0 | 1): string[] => servers.hostKeys[end].map((line) => line.replace(/^\S+/, `[127.0.0.1]:${wires[end].port}`));
  const own = async (end: 'source' | 'target') =>
    ({ kind: 'own', secretName: await world.secrets.create('mirror', credentials[end]) }) as const;
  const [sourceCredential, targetCredential] = [await own('source'), await own('target')];
  let targets = 0;
  return {
    source,
    wanted,
    lfsObject,
    wires,
    async newMirror() {
      const name = `m${++targets}.git`;
      const target = join(roots.target, name);
      await cp(template, target, { recursive: true });
      const project = await world.records.projects.create(
        sampleProject({
          path: `torture/${carrier}-${targets}`,
          repositoryUrl: url(0, 'app.git'),
          credential: sourceCredential,
          hostKeys: keysOf(0),
        }),
        world.now(),
      );
      if (project === undefined) throw new Error('no project');
      const settings = sampleMirror({ url: url(1, name), credential: targetCredential, hostKeys: keysOf(1) });
      const mirror = await world.records.mirrors.create(project.id, 'push', settings, {
        now: world.now(),
        dueAt: world.now() + 24 * 3600_000,
      });
      if (mirror === undefined || mirror === 'exists') throw new Error('no mirror');
      return {
        key: { projectId: project.id, mirror: mirror.mirror },
        mirror,
        target,
        before,
        lfsObjects: () => servers.lfs(name).objects(),
      };
    },
    idle: servers.idle,
    async close() {
      await Promise.all(wires.map((wire) => wire.close()));
      await servers.close();
    },
  };
}

/** main is behind, `new` and a tag are missing, `forced` is elsewhere, `gone` is too much. */
async function makeRepositories(source: string, target: string, withLfs: boolean): Promise<void> {
  for (const path of [source, target]) await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  const commit = (branch: string, mark: number, from: number | undefined, file: string, text: string): string =>
    `commit refs/heads/${branch}\nmark :${mark}\ncommitter T <t@e> ${1700000000 + mark} +0000\ndata 1\nx\n${from === undefined ? '' : `from :${from}\n`}M 100644 inline ${file}\ndata ${text.length}\n${text}\n`;
  const filler = 'some text that is in the file\n'.repeat(200);
  const common = commit('main', 1, undefined, 'a', 'a') + commit('main', 2, 1, 'b', 'b');
  const theirs = `${common}reset refs/heads/gone\nfrom :1\n${commit('forced', 3, 1, 'elsewhere', 'x')}`;
  const ours =
    common +
    commit('main', 5, 2, 'c', filler) +
    (withLfs ? commit('main', 6, 5, 'large.bin', pointerTo(large)) : '') +
    commit('new', 7, 2, 'd', filler) +
    commit('forced', 8, 2, 'e', 'e') +
    'tag v1\nfrom :5\ntagger T <t@e> 1700000009 +0000\ndata 2\nv1\n';
  await git(target, ['fast-import', '--quiet'], { input: theirs });
  await git(source, ['fast-import', '--quiet'], { input: ours });
}

interface Servers {
  readonly ports: readonly [number, number];
  readonly hostKeys: readonly [readonly string[], readonly string[]];
  lfs(name: string): LfsTestServer;
  idle(): Promise<void>;
  close(): Promise<void>;
}

async function httpServers(folder: string, roots: { readonly source: string; readonly target: string }): Promise<Servers> {
  const stores = new Map<string, LfsTestServer>();
  const lfs = (name: string): LfsTestServer => {
    const store =
      stores.get(name) ??
      lfsServer({ root: join(folder, 'objects', name), basic: name === 'source' ? credentials.source : credentials.target });
    stores.set(name, store);
    return store;
  };
  const source = await startGitHttpServer({ root: roots.source, basic: credentials.source, intercept: lfs('source').handle });
  const target = await startGitHttpServer({
    root: roots.target,
    basic: credentials.target,
    intercept: (exchange) => lfs((exchange.request.url ?? '').split('/')[1] ?? '').handle(exchange),
  });
  return {
    ports: [source.port, target.port],
    hostKeys: [[], []],
    lfs,
    async idle() {
      await source.idle();
      await target.idle();
    },
    async close() {
      await source.close();
      await target.close();
    },
  };
}

async function sshServers(): Promise<Servers> {
  const options = (end: 'source' | 'target') => ({
    methods: ['password'] as const,
    user: credentials[end].username,
    password: credentials[end].password,
  });
  const [source, target] = [await startSshTestServer(options('source')), await startSshTestServer(options('target'))];
  return {
    ports: [source.port, target.port],
    hostKeys: [source.hostKeys, target.hostKeys],
    lfs: () => {
      throw new Error('no LFS over SSH here');
    },
    async idle() {
      await source.idle();
      await target.idle();
    },
    async close() {
      await source.close();
      await target.close();
    },
  };
}
