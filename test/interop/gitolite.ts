/** gitolite with rules of its own, behind an sshd that lets every key in as gitolite's forced command only. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gitEnvironment } from '../support/git.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';

const run = promisify(execFile);

export interface Gitolite {
  /** Its folder is the account's home, and holds all. Its key belongs to gitolite's user `mirror`. */
  readonly sshd: Sshd;
  /** Folder of a repository. */
  repository(name: string): string;
}

/** Starts it with these lines of gitolite.conf. */
export async function startGitolite(rules: readonly string[]): Promise<Gitolite> {
  const sshd = await startSshd({ authorizedKeys: '.ssh/authorized_keys' });
  const home = sshd.folder;
  for (const folder of ['conf', 'logs']) await mkdir(join(home, '.gitolite', folder), { recursive: true });
  await writeFile(join(home, '.gitolite', 'conf', 'gitolite.conf'), `${rules.join('\n')}\n`);
  // A key's user is its file's name.
  await copyFile(`${sshd.privateKeyFile}.pub`, join(home, 'mirror.pub'));
  await run('gitolite', ['setup', '-pk', join(home, 'mirror.pub')], { env: { ...gitEnvironment, HOME: home, USER: sshd.user } });
  return { sshd, repository: (name) => join(home, 'repositories', `${name}.git`) };
}
