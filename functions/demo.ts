/** `npm run demo`: the main job on real repositories, one step after the other, on two Git servers made on the spot. Needs the git program. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseArguments } from '../lib/cli/parse-arguments.ts';
import { renderOutcome } from '../lib/cli/render.ts';
import { type LocalGitServer, startLocalGitServer } from '../lib/local/git-server.ts';
import type { RunOutcome } from '../lib/mirror/outcome.ts';
import { syncRepositories } from '../lib/mirror/sync.ts';
import { demoEnvironment, wireSync } from './wiring.ts';

const environment = demoEnvironment();
const write = (text: string): void => void process.stdout.write(text);

const run = promisify(execFile);

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
    await git(tmpdir(), 'clone', '--quiet', url, folder);
    return new Developer(folder);
  }

  async commit(branch: string, text: string): Promise<void> {
    const exists = (await git(this.#folder, 'branch', '--list', branch)) !== '';
    await git(this.#folder, 'checkout', '--quiet', ...(exists ? [branch] : ['-b', branch]));
    writeFileSync(join(this.#folder, `${branch.replaceAll('/', '-')}.txt`), `${text}\n`);
    await git(this.#folder, 'add', '.');
    await git(this.#folder, 'commit', '--quiet', '-m', text);
  }

  async run(...args: string[]): Promise<void> {
    await git(this.#folder, ...args);
  }
}

class Demo {
  readonly #folder = mkdtempSync(join(tmpdir(), 'gitferry-demo-'));
  readonly #servers: LocalGitServer[] = [];
  #step = 0;

  async play(): Promise<void> {
    const source = await this.#newServer('forge');
    const target = await this.#newServer('backup');
    write(`Two Git servers (git http-backend) are running:\n  source ${source.url}\n  target ${target.url}\n`);
    const ada = await Developer.clone(source.url, join(this.#folder, 'ada'));
    await ada.run('checkout', '--quiet', '-b', 'main');
    for (let number = 1; number <= 25; number++) await ada.commit('main', `change ${number}`);
    await ada.run('tag', '-a', 'v1.0', '-m', 'first release');
    await ada.commit('feature/search', 'search for things');
    await ada.run('push', '--quiet', 'origin', 'main', 'feature/search', 'v1.0');

    this.#explain('First mirror: the source makes one pack, gitferry streams it into the target. No clone, no disk.');
    await this.#sync(source.url, target.url);
    await this.#compare(source.path, target.path);

    this.#explain('Again: nothing has changed, so nothing is fetched and nothing is pushed.');
    await this.#sync(source.url, target.url);

    this.#explain('Ada pushes one commit. The next run carries just that.');
    await ada.run('checkout', '--quiet', 'main');
    await ada.commit('main', 'change 26');
    await ada.run('push', '--quiet', 'origin', 'main');
    await this.#sync(source.url, target.url);

    this.#explain('Somebody commits to the mirror. With --keep-divergent-refs that work is left alone, and the run says so.');
    const bob = await Developer.clone(target.url, join(this.#folder, 'bob'));
    await bob.run('checkout', '--quiet', 'feature/search');
    await bob.commit('feature/search', 'a commit that only the mirror has');
    await bob.run('push', '--quiet', 'origin', 'feature/search');
    await this.#sync(source.url, target.url, '--keep-divergent-refs');

    this.#explain('Without that option the mirror follows its source again (a compare-and-swap on the value that was seen).');
    await this.#sync(source.url, target.url);

    this.#explain('The feature is merged and its branch deleted at the source: the mirror deletes it too, because nothing is lost.');
    await ada.run('checkout', '--quiet', 'main');
    await ada.run('merge', '--quiet', '--no-edit', 'feature/search');
    await ada.run('push', '--quiet', 'origin', 'main', ':feature/search');
    await this.#sync(source.url, target.url);
    await this.#compare(source.path, target.path);
    write('\nTry it on your own repositories: npx gitferry sync https://host/source.git https://host/target.git --dry-run\n');
  }

  async end(): Promise<void> {
    for (const server of this.#servers) await server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #newServer(name: string): Promise<{ readonly url: string; readonly path: string }> {
    const path = join(this.#folder, name, 'project.git');
    await git(this.#folder, 'init', '--quiet', '--bare', '--initial-branch=main', path);
    const server = await startLocalGitServer(join(this.#folder, name), environment);
    this.#servers.push(server);
    return { url: `${server.origin}/project.git`, path };
  }

  #explain(text: string): void {
    write(`\n${++this.#step}. ${text}\n`);
  }

  async #sync(source: string, target: string, ...options: string[]): Promise<RunOutcome> {
    const args = ['sync', source, target, ...options];
    write(`$ npx gitferry ${args.join(' ')}\n`);
    const command = await parseArguments([...args, '--allow-address', '127.0.0.1/32'], {
      sourcePassword: undefined,
      targetPassword: undefined,
    });
    if (command.kind !== 'sync') throw new Error('the demo runs sync only');
    const { deps, close } = await wireSync(command);
    try {
      const outcome = await syncRepositories(command, deps);
      write(renderOutcome(outcome));
      if (outcome.outcome === 'failed') throw new Error(`the demo failed: ${outcome.error?.message ?? ''}`);
      return outcome;
    } finally {
      await close();
    }
  }

  /** What `git` itself sees in both repositories. */
  async #compare(source: string, target: string): Promise<void> {
    const [left, right] = await Promise.all([source, target].map((path) => git(path, 'for-each-ref', 'refs/heads', 'refs/tags')));
    await git(target, 'fsck', '--strict');
    if (left !== right) throw new Error('the demo failed: the refs differ');
    write(`git for-each-ref: ${left?.split('\n').length} refs, the same on both servers; git fsck: clean\n`);
  }
}

const demo = new Demo();
try {
  await demo.play();
} finally {
  await demo.end();
}
