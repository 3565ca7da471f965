/** `npm run demo`: the main job on real repositories: the whole service beside two real Git servers made on the spot. Needs the git program. */
import { execFile } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LocalGitServer, startLocalGitServer } from '../lib/local/git-server.ts';
import { type LocalService, startLocalService } from './local.ts';
import { demoEnvironment, demoSettings } from './wiring.ts';

const demoFolder = mkdtempSync(join(tmpdir(), 'gitferry-demo-'));
const gitConfig = join(demoFolder, 'gitconfig');
writeFileSync(gitConfig, '');
const environment = demoEnvironment(gitConfig);
const write = (text: string): void => void process.stdout.write(text);
const run = promisify(execFile);
/** Longer than this, and something is broken. */
const longestWaitMs = 60_000;

/** Not the synchronous form: the servers that git talks to live in this process. */
async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', ['-C', folder, ...args], { env: environment });
  return stdout.trim();
}

/** A clone in which somebody works: commits and pushes like a person would. */
class Developer {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async clone(url: string, folder: string): Promise<Developer> {
    await git(demoFolder, 'clone', '--quiet', url, folder);
    return new Developer(folder);
  }

  /** Commits to a branch and pushes it; resolves with the commit. */
  async push(branch: string, ...texts: string[]): Promise<string> {
    const exists = (await git(this.#folder, 'branch', '--list', branch)) !== '';
    await git(this.#folder, 'checkout', '--quiet', ...(exists ? [branch] : ['-B', branch]));
    for (const text of texts) {
      writeFileSync(join(this.#folder, `${branch.replaceAll('/', '-')}.txt`), `${text}\n`);
      await git(this.#folder, 'add', '.');
      await git(this.#folder, 'commit', '--quiet', '-m', text);
    }
    await git(this.#folder, 'push', '--quiet', 'origin', branch);
    return git(this.#folder, 'rev-parse', 'HEAD');
  }

  async tag(name: string): Promise<void> {
    await git(this.#folder, 'tag', '-a', name, '-m', `release ${name}`);
    await git(this.#folder, 'push', '--quiet', 'origin', name);
  }
}

interface Repository {
  readonly url: string;
  readonly path: string;
}

interface Hook {
  readonly url: string;
  readonly secret: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a script that shows JSON answers
type Json = any;

class Demo {
  readonly #servers: LocalGitServer[] = [];
  #service: LocalService | undefined;
  #step = 0;

  /** Resolves with the service's address and token. */
  async play(): Promise<LocalService> {
    const [forge, backup] = [await this.#newServer('forge'), await this.#newServer('backup')];
    const [app, upstream, mirror] = [await forge('app'), await forge('upstream'), await backup('app')];
    this.#service = await startLocalService(demoSettings(join(demoFolder, 'data')));
    write(`Two Git servers (git http-backend) and gitferry are running in this process:\n`);
    write(`  forge    ${app.url}   the project, and ${upstream.url}\n  backup   ${mirror.url}\n  gitferry ${this.#service.origin}\n`);
    // Runs of one mirror start at least 10 seconds apart unless this is set: a demo should not make people wait.
    await this.#api('PUT', '/application/settings', { push_min_interval: 1 });
    const ada = await Developer.clone(app.url, join(demoFolder, 'ada'));
    await ada.push('main', ...Array.from({ length: 25 }, (_, index) => `change ${index + 1}`));
    await ada.push('feature/search', 'search for things');
    await ada.tag('v1.0');

    this.#explain('The repository becomes a project, with a push mirror. Its first run starts by itself.');
    const project = await this.#api('POST', '/projects', { path: 'demo/app', repository_url: app.url });
    const mirrors = `/projects/${project.id}/remote_mirrors`;
    const { id } = await this.#api('POST', mirrors, { url: mirror.url, enabled: true, keep_divergent_refs: true });
    await this.#untilSettled(`${mirrors}/${id}`);
    await this.#showRun(`${mirrors}/${id}/runs`);
    await this.#compare(app, mirror);

    this.#explain('A webhook, as GitHub sends them. Ada pushes a commit; the forge delivers a signed event.');
    const hook: Hook = await this.#api('POST', `/projects/${project.id}/incoming_hooks`, { provider: 'github' });
    write(`   the URL to paste at the forge: ${hook.url.replace(/[^/]{16}$/, '...')}\n`);
    await this.#untilNextMayStart(`${mirrors}/${id}`);
    const commit = await ada.push('main', 'change 26');
    await this.#deliverAndWait(hook, app, 'main', mirror, commit);
    await this.#untilSettled(`${mirrors}/${id}`);

    this.#explain('A pull mirror: release branches of an upstream come into the project, and go on to the backup from there.');
    const vendor = await Developer.clone(upstream.url, join(demoFolder, 'vendor'));
    await vendor.push('release/1', 'a release of the upstream');
    await this.#api('PUT', `/projects/${project.id}/mirror/pull`, { enabled: true, url: upstream.url, mirror_branch_regex: '^release/' });
    await this.#untilSettled(`/projects/${project.id}/mirror/pull`);
    await this.#showRun(`/projects/${project.id}/mirror/pull/runs`);
    await this.#untilNextMayStart(`${mirrors}/${id}`);
    await this.#deliverAndWait(hook, app, 'release/1', mirror, await git(upstream.path, 'rev-parse', 'release/1'));
    await this.#untilSettled(`${mirrors}/${id}`);

    this.#explain(
      'Somebody commits to the backup, and Ada to the same branch. With keep_divergent_refs nothing is lost, and the mirror says so.',
    );
    const bob = await Developer.clone(mirror.url, join(demoFolder, 'bob'));
    await git(join(demoFolder, 'bob'), 'checkout', '--quiet', 'feature/search');
    await bob.push('feature/search', 'a commit that only the backup has');
    await ada.push('feature/search', 'search faster');
    await this.#updateNow(`${mirrors}/${id}`);
    const failed = await this.#api('GET', `${mirrors}/${id}`);
    write(`   update_status: ${failed.update_status}\n   last_error: ${failed.last_error.replaceAll('\n', '\n     ')}\n`);
    write(`   hint: ${failed.last_run.error.hint}\n`);

    this.#explain('The mirror is told to overwrite, and updated now.');
    await this.#api('PUT', `${mirrors}/${id}`, { keep_divergent_refs: false });
    await this.#updateNow(`${mirrors}/${id}`);
    await this.#showRun(`${mirrors}/${id}/runs`);
    await this.#compare(app, mirror);
    return this.#service;
  }

  async end(): Promise<void> {
    await this.#service?.close();
    for (const server of this.#servers) await server.close();
    rmSync(demoFolder, { recursive: true, force: true });
  }

  /** Resolves with what makes a new repository there. */
  async #newServer(name: string): Promise<(repository: string) => Promise<Repository>> {
    const root = join(demoFolder, name);
    const server = await startLocalGitServer(root, environment);
    this.#servers.push(server);
    return async (repository) => {
      const path = join(root, `${repository}.git`);
      await git(demoFolder, 'init', '--quiet', '--bare', '--initial-branch=main', path);
      return { path, url: `${server.origin}/${repository}.git` };
    };
  }

  #explain(text: string): void {
    write(`\n${++this.#step}. ${text}\n`);
  }

  async #api(method: string, path: string, body?: object): Promise<Json> {
    const { origin = '', adminToken = '' } = this.#service ?? {};
    const answer = await fetch(`${origin}/api/v4${path}`, {
      method,
      headers: { 'private-token': adminToken, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (method !== 'GET') write(`   ${method} /api/v4${path} ${body === undefined ? '' : JSON.stringify(body)} -> ${answer.status}\n`);
    if (!answer.ok) throw new Error(`the demo failed: ${method} ${path} answers ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async #deliverAndWait(hook: Hook, repository: Repository, branch: string, target: Repository, commit: string): Promise<void> {
    const body = JSON.stringify({
      ref: `refs/heads/${branch}`,
      after: commit,
      repository: { clone_url: repository.url, full_name: 'demo/app' },
    });
    const startedAt = performance.now();
    const answer = await fetch(hook.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': `sha256=${createHmac('sha256', hook.secret).update(body).digest('hex')}`,
      },
      body,
    });
    write(`   POST /hooks/... (X-Hub-Signature-256) -> ${answer.status} ${await answer.text()}\n`);
    await this.#until(async () => (await git(target.path, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`)) === commit);
    write(`   ${branch} is at ${commit.slice(0, 10)} on the mirror ${Math.round(performance.now() - startedAt)} ms after the delivery\n`);
  }

  async #updateNow(mirror: string): Promise<void> {
    const before = (await this.#api('GET', mirror)).last_run?.id;
    await this.#api('POST', `${mirror}/sync`);
    await this.#until(async () => (await this.#api('GET', mirror)).last_run?.id !== before);
    await this.#untilSettled(mirror);
  }

  async #untilSettled(mirror: string): Promise<void> {
    await this.#until(async () => ['finished', 'failed'].includes((await this.#api('GET', mirror)).update_status));
  }

  /** Until a second has passed since the mirror's last start, so that what is measured is not that wait. */
  async #untilNextMayStart(mirror: string): Promise<void> {
    const startedAt = Date.parse((await this.#api('GET', mirror)).last_update_started_at);
    await this.#until(async () => Date.now() > startedAt + 1_000);
  }

  async #until(isDone: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + longestWaitMs;
    while (!(await isDone())) {
      if (performance.now() > end) throw new Error('the demo failed: nothing happened for a minute');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #showRun(runs: string): Promise<void> {
    const [latest] = await this.#api('GET', runs);
    const { outcome, duration_ms: durationMs, bytes, refs } = await this.#api('GET', `${runs}/${latest.id}`);
    write(`   run: ${outcome}, ${bytes} bytes in ${durationMs} ms\n`);
    for (const { ref, result, reason } of refs) write(`     ${result.padEnd(9)} ${ref}${reason === null ? '' : ` (${reason})`}\n`);
  }

  /** What `git` itself sees in both repositories. */
  async #compare(left: Repository, right: Repository): Promise<void> {
    const [ours, theirs] = await Promise.all([left, right].map(({ path }) => git(path, 'for-each-ref', 'refs/heads', 'refs/tags')));
    await git(right.path, 'fsck', '--strict');
    if (ours !== theirs) throw new Error('the demo failed: the refs differ');
    write(`   git for-each-ref: ${ours?.split('\n').length} refs, the same on both servers; git fsck: clean\n`);
  }
}

const options = process.argv.slice(2);
const unknown = options.find((option) => option !== '--exit');
if (unknown !== undefined) {
  process.stderr.write(`unknown option ${unknown}; usage: npm run demo [-- --exit]\n`);
  process.exit(2);
}
const demo = new Demo();
let isOver = false;
const end = async (): Promise<void> => {
  if (isOver) return;
  isOver = true;
  await demo.end();
  process.exit();
};
// Whoever was reading has gone.
process.stdout.on('error', () => void end());
process.once('SIGINT', () => void end());
process.once('SIGTERM', () => void end());
try {
  const { origin, adminToken } = await demo.play();
  if (options.includes('--exit')) await end();
  write(
    `\nThe console is at ${origin} until Ctrl-C; sign in with the token\n  ${adminToken}\nor try the API:\n  curl -H 'PRIVATE-TOKEN: ${adminToken}' ${origin}/api/v4/projects\n`,
  );
} catch (error) {
  if (!isOver) {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 1;
    await end();
  }
}
