import { appendFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { gitLfs } from '../support/git-lfs.ts';
import { oidOf } from '../support/lfs-scenario.ts';
import { type LfsServerOptions, type LfsTestServer, lfsServer } from '../support/lfs-server.ts';
import { lfsAccount, startLfsSshd } from '../support/lfs-sshd.ts';
import { isAvailable } from '../support/programs.ts';
import { until } from '../support/service.ts';
import {
  createHook,
  createProject,
  deliverPush,
  ok,
  type ServiceScenario,
  serviceScenario,
  type TestRepository,
} from '../support/service-scenario.ts';
import { certificates } from '../support/tls.ts';

const authority = fileURLToPath(new URL('../data/tls/authority.pem', import.meta.url));

interface End extends Pick<TestRepository, 'path' | 'url'> {
  readonly lfs: LfsTestServer;
  readonly objects: string;
  /** As the API wants it. */
  readonly access: object;
}

interface Ends {
  readonly source: End;
  readonly target: End;
  /** URLs for git-lfs, and what it needs to get there. */
  readonly urls: { readonly source: string; readonly target: string };
  readonly environment: NodeJS.ProcessEnv;
  readonly scenario: ServiceScenario;
  /** Operations that were asked for over SSH. */
  asked(): Promise<string[]>;
}

const trusting = { NODE_EXTRA_CA_CERTS: authority };
const [source, target] = ['source', 'target'] as const;

async function servedEnd({ folder, forge }: ServiceScenario, name: string, options: Omit<LfsServerOptions, 'root'>): Promise<End> {
  const objects = join(folder, `${name}-objects`);
  const lfs = lfsServer({ root: objects, verify: true, ...options });
  const basic = { username: 'ada', password: 'hunter22' };
  const { repository } = await forge(name, { tls: certificates.loopback, basic, intercept: lfs.handle });
  const { path, url } = await repository('app');
  return { path, url, lfs, objects, access: { username: basic.username, password: basic.password } };
}

async function overHttps(): Promise<Ends> {
  const scenario = await serviceScenario(trusting);
  const signedIn = { basic: { username: 'ada', password: 'hunter22' } };
  const ends = { source: await servedEnd(scenario, source, signedIn), target: await servedEnd(scenario, target, signedIn) };
  const withUser = (url: string): string => url.replace('://', '://ada:hunter22@');
  return {
    ...ends,
    scenario,
    urls: { source: withUser(ends.source.url), target: withUser(ends.target.url) },
    environment: { GIT_SSL_CAINFO: authority },
    asked: async () => [],
  };
}

/** Git over SSH, and LFS where SSH says. */
async function overSsh(): Promise<Ends> {
  const scenario = await serviceScenario(trusting);
  const signedIn = { basic: lfsAccount };
  const served = { source: await servedEnd(scenario, source, signedIn), target: await servedEnd(scenario, target, signedIn) };
  const lfsUrls = { source: `${served.source.url}/info/lfs`, target: `${served.target.url}/info/lfs` };
  const { sshd, environment, asked } = await startLfsSshd(scenario.folder, lfsUrls);
  const { api } = scenario.service;
  const key = ok(
    await api('POST', '/credentials', {
      name: 'deploy',
      username: sshd.user,
      auth_method: 'ssh_public_key',
      allowed_urls: [`ssh://${new URL(sshd.url('/x')).host}/`],
    }),
  );
  await appendFile(join(sshd.folder, 'authorized_keys'), `${key.public_key}\n`);
  const access = { auth_method: 'ssh_public_key', credential_id: key.id, host_keys: sshd.hostKeys };
  const [from, to] = [served.source, served.target].map((end): End => ({ ...end, url: sshd.url(end.path), access })) as [End, End];
  const withUser = (url: string): string => url.replace('://', `://${sshd.user}@`);
  const urls = { source: withUser(from.url), target: withUser(to.url) };
  return { scenario, source: from, target: to, urls, environment: { ...environment, GIT_SSL_CAINFO: authority }, asked };
}

const [a, b, c, d] = ['first', 'second', 'lost for a while', 'beside it'].map((text) => Buffer.from(`the ${text}`)) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

/** The objects that a server was asked about since the last call, batch by batch. */
function batches({ log }: LfsTestServer): string[][] {
  return log.splice(0).flatMap(({ kind, oids }) => (kind === 'batch' ? [[...oids].sort()] : []));
}

describe.skipIf(!isAvailable('gitLfs') || !isAvailable('sshd'))(
  'what git-lfs pushes to the source, it finds at the mirror, all of it right',
  () => {
    it.each([
      ['HTTPS', overHttps, 0],
      ['SSH', overSsh, 1],
    ] as const)(
      'over %s: after the first run, after one new pointer, after a failure, and when that is repaired',
      async (_, connect, perRun) => {
        const { scenario, source, target, urls, environment, asked } = await connect();
        const { api } = scenario.service;
        const lfs = gitLfs(scenario.folder, environment);
        const work = await lfs.work(urls.source);
        await work.push({ 'a.bin': a });
        for (const end of [source, target]) end.lfs.log.length = 0;
        await asked();

        ok(await api('PUT', '/application/settings', { push_min_interval: 0 }));
        const project = await createProject(scenario.service, 'group/app', source.url, source.access);
        const { id } = ok(await api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, ...target.access }));
        const mirror = `/projects/${project}/remote_mirrors/${id}`;
        const hook = await createHook(scenario.service, project);
        let runs = 0;
        /** The next run, when it is over. */
        const nextRun = async () => {
          runs++;
          return until(`run ${runs}`, async () => {
            const done = ok(await api('GET', `${mirror}/runs`));
            return done.length >= runs && done[0].outcome !== null ? done[0] : undefined;
          });
        };
        const event = async () => {
          await deliverPush(scenario.service, hook, { url: urls.source } as TestRepository);
          return nextRun();
        };
        const expectClone = async (files: Readonly<Record<string, Buffer>>): Promise<void> => {
          const clone = await lfs.clone(urls.target);
          for (const [name, content] of Object.entries(files)) expect((await readFile(join(clone, name))).equals(content)).toBe(true);
          target.lfs.log.length = 0;
          await asked();
        };

        expect(await nextRun()).toMatchObject({ outcome: 'success', lfs: { moved: 1, skipped: 0, failed: 0 } });
        expect((await asked()).sort()).toEqual(['download', 'upload'].slice(0, 2 * perRun));
        expect([batches(source.lfs), batches(target.lfs)]).toEqual([[[oidOf(a)]], [[oidOf(a)]]]);
        await expectClone({ 'a.bin': a });

        await work.push({ 'b.bin': b });
        for (const end of [source, target]) end.lfs.log.length = 0;
        expect(await event()).toMatchObject({ outcome: 'success', lfs: { moved: 1, failed: 0 } });
        expect([batches(source.lfs), batches(target.lfs)]).toEqual([[[oidOf(b)]], [[oidOf(b)]]]);

        await work.push({ 'c.bin': c, 'd.bin': d });
        await rm(join(source.objects, oidOf(c)));
        for (const end of [source, target]) end.lfs.log.length = 0;
        expect(await event()).toMatchObject({ outcome: 'partial', lfs: { moved: 1, failed: 1 } });
        expect(batches(target.lfs)).toEqual([[oidOf(c), oidOf(d)].sort()]);

        // Nothing new: what failed is all that is asked for.
        await work.pushObject(oidOf(c));
        for (const end of [source, target]) end.lfs.log.length = 0;
        await asked();
        expect(await event()).toMatchObject({ outcome: 'success', lfs: { moved: 1, failed: 0 } });
        expect((await asked()).sort()).toEqual(['download', 'upload'].slice(0, 2 * perRun));
        expect([batches(source.lfs), batches(target.lfs)]).toEqual([[[oidOf(c)]], [[oidOf(c)]]]);
        await expectClone({ 'a.bin': a, 'b.bin': b, 'c.bin': c, 'd.bin': d });
        expect(scenario.service.output()).not.toMatch(/hunter22|from-ssh|very-secret/);
      },
    );
  },
);
