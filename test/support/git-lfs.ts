/** git-lfs as its users run it: pushes large files, clones, and checks every object; nothing of this machine's configuration, and no questions. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { gitEnvironment } from './git.ts';

const run = promisify(execFile);

export interface GitLfsWork {
  /** Adds these files as large ones, commits, and pushes main with its objects. */
  push(files: Readonly<Record<string, Buffer>>): Promise<void>;
  /** Pushes one object by its name, as the hint about missing ones says. */
  pushObject(oid: string): Promise<void>;
}

export interface GitLfs {
  /** A repository that pushes to this URL. */
  work(url: string): Promise<GitLfsWork>;
  /** Clones, lets `git lfs fsck` check all, and resolves with the folder. `settings`: `name=value`. */
  clone(url: string, settings?: readonly string[]): Promise<string>;
}

let folders = 0;

/** Works below `folder`; `env` is for all of it, such as GIT_SSL_CAINFO or GIT_SSH_COMMAND. */
export function gitLfs(folder: string, env: NodeJS.ProcessEnv = {}): GitLfs {
  const filter = ['clean=git-lfs clean -- %f', 'smudge=git-lfs smudge -- %f', 'process=git-lfs filter-process', 'required=true'];
  const settings = [...filter.map((setting) => `filter.lfs.${setting}`), 'lfs.locksverify=false'].map((setting) =>
    setting.split(/=(.*)/, 2),
  );
  const configuration = Object.fromEntries(
    settings.flatMap(([name, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, name],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  );
  const git = async (place: string, args: readonly string[]): Promise<string> => {
    // git-lfs keeps what it needs below HOME.
    const all = { ...gitEnvironment, HOME: folder, GIT_CONFIG_COUNT: String(settings.length), ...configuration, ...env };
    return (await run('git', [...args], { cwd: place, env: all })).stdout;
  };
  return {
    async work(url) {
      const place = join(folder, `work-${++folders}`);
      await mkdir(place);
      await git(place, ['init', '--quiet', '--initial-branch=main', '.']);
      // The hook that pushes objects before refs.
      await git(place, ['lfs', 'install', '--local']);
      await writeFile(join(place, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
      return {
        async push(files) {
          for (const [name, content] of Object.entries(files)) await writeFile(join(place, name), content);
          await git(place, ['add', '.']);
          await git(place, ['commit', '--quiet', '-m', Object.keys(files).join()]);
          await git(place, ['push', '--quiet', url, 'main']);
        },
        async pushObject(oid) {
          await git(place, ['lfs', 'push', '--object-id', url, oid]);
        },
      };
    },
    async clone(url, more = []) {
      const place = join(folder, `clone-${++folders}`);
      await git(folder, ['clone', '--quiet', ...more.flatMap((setting) => ['-c', setting]), url, place]);
      expect(await git(place, ['lfs', 'fsck'])).toContain('Git LFS fsck OK');
      return place;
    },
  };
}
