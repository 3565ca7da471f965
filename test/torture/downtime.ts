/** The service is killed while repositories are pushed to, and their hosts never send a failed delivery again: when is everything current after its start? */
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { git, temporaryFolder } from '../support/git.ts';
import { startGitHttpServer } from '../support/git-http-server.ts';
import { type RunningService, startService, until } from '../support/service.ts';
import type { TorturePart } from './torture-part.ts';

const repositories = 40;
const awayMs = 60_000;
const currentWithinMs = 5 * 60_000;

export const downtime: TorturePart = {
  name: 'downtime',
  async run({ isQuick, report }) {
    const count = isQuick ? 6 : repositories;
    const folder = await temporaryFolder();
    const server = await startGitHttpServer({ root: folder.path });
    // The same place before and after, as hosts know it.
    let service = await startService({ folder: folder.path, environment: { GITFERRY_LOG_LEVEL: 'error' } });
    try {
      const made: Pushed[] = [];
      for (let n = 0; n < count; n++) made.push(await mirrored(service, server, folder.path, n));
      await Promise.all(made.map((each) => isCurrent(each, currentWithinMs)));
      await service.end('SIGKILL');
      const pushes = Promise.all(made.map(({ source }) => commit(source)));
      await new Promise((resolve) => setTimeout(resolve, isQuick ? 1_000 : awayMs));
      await pushes;
      const lost = await Promise.all(made.map((each) => delivered(each).catch(() => 'lost')));
      service = await startService({ folder: folder.path, environment: { GITFERRY_LOG_LEVEL: 'error' } });
      const startedAt = performance.now();
      const times = await Promise.all(
        made.map(async (each) => {
          await isCurrent(each, currentWithinMs * 2);
          return performance.now() - startedAt;
        }),
      );
      const longest = Math.round(Math.max(...times) / 1000);
      report({
        fault: `killed for ${isQuick ? 1 : awayMs / 1000} s while ${count} repositories are pushed to; no delivery comes again`,
        injected: lost.filter((answer) => answer === 'lost').length,
        promised: `every mirror is current within ${currentWithinMs / 60_000} minutes after the start`,
        seen: `all current ${longest} s after the start`,
        breaches: longest * 1000 > currentWithinMs ? [`${longest} s`] : [],
      });
    } catch (error) {
      throw new Error(`${String(error)}\n${service.output().slice(-3000)}`);
    } finally {
      await service.end('SIGKILL');
      await server.close();
      await folder.remove();
    }
  },
};

interface Pushed {
  readonly source: string;
  readonly target: string;
  readonly hook: { readonly url: string; readonly secret: string };
  readonly repositoryUrl: string;
}

async function mirrored(service: RunningService, server: { url(repository: string): string }, root: string, n: number): Promise<Pushed> {
  const [source, target] = [join(root, `source${n}.git`), join(root, `target${n}.git`)];
  for (const path of [source, target]) await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  await commit(source);
  const repositoryUrl = server.url(`source${n}.git`);
  const { id } = (await service.api('POST', '/projects', { path: `pushed/${n}`, repository_url: repositoryUrl })).body;
  const hook = (await service.api('POST', `/projects/${id}/incoming_hooks`, { provider: 'github' })).body;
  await service.api('POST', `/projects/${id}/remote_mirrors`, { url: server.url(`target${n}.git`), enabled: true });
  return { source, target, hook: { url: hook.url, secret: hook.secret }, repositoryUrl };
}

/** Rejects while the service is away. */
async function delivered({ source, hook, repositoryUrl }: Pushed): Promise<string> {
  const after = await git(source, ['rev-parse', 'refs/heads/main']);
  const body = JSON.stringify({ ref: 'refs/heads/main', before: '0'.repeat(40), after, repository: { clone_url: repositoryUrl } });
  const signature = `sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}`;
  const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signature };
  const answer = await fetch(hook.url, { method: 'POST', headers, body });
  return String(answer.status);
}

async function isCurrent({ source, target }: Pushed, withinMs: number): Promise<void> {
  const wanted = await git(source, ['rev-parse', 'refs/heads/main']);
  const at = async (): Promise<string> => git(target, ['rev-parse', '--verify', '--quiet', 'refs/heads/main']).catch(() => '');
  await until(target, async () => ((await at()) === wanted ? true : undefined), withinMs);
}

async function commit(path: string): Promise<void> {
  const parent = await git(path, ['rev-parse', '--verify', '--quiet', 'refs/heads/main']).catch(() => '');
  const tree = await git(path, ['mktree'], { input: '' });
  const oid = await git(path, ['commit-tree', tree, ...(parent === '' ? [] : ['-p', parent]), '-m', String(process.hrtime.bigint())]);
  await git(path, ['update-ref', 'refs/heads/main', oid]);
}
