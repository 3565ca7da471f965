/** OpenSSH's sshd with a shell that knows `git-lfs-authenticate`, as the big hosts' shells do, and remembers what it was asked. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Sshd, startSshd } from './sshd.ts';

/** What signs in at the LFS servers. */
export const lfsAccount = { username: 'lfs', password: 'from-ssh' } as const;

export interface LfsSshd {
  readonly sshd: Sshd;
  /** For git and git-lfs. */
  readonly environment: NodeJS.ProcessEnv;
  /** The operations that git-lfs-authenticate was asked for since the last call. */
  asked(): Promise<string[]>;
}

/** `lfsUrls`: part of a repository's path → where its LFS server is. Ends with the test. */
export async function startLfsSshd(folder: string, lfsUrls: Readonly<Record<string, string>>): Promise<LfsSshd> {
  const [shell, commands, knownHosts] = ['shell', 'commands', 'known_hosts'].map((name) => join(folder, name)) as [string, string, string];
  const { username, password } = lfsAccount;
  const header = { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
  const answers = Object.entries(lfsUrls).map(
    ([part, href]) => `  git-lfs-authenticate*${part}*) echo '${JSON.stringify({ href, header, expires_in: 600 })}' ;;`,
  );
  const script = [
    '#!/bin/sh',
    `echo "$SSH_ORIGINAL_COMMAND" >> '${commands}'`,
    'case "$SSH_ORIGINAL_COMMAND" in',
    ...answers,
    '  *) exec sh -c "$SSH_ORIGINAL_COMMAND" ;;',
    'esac',
    '',
  ];
  await writeFile(shell, script.join('\n'), { mode: 0o755 });
  const sshd = await startSshd({ config: [`ForceCommand ${shell}`] });
  onTestFinished(async () => {
    await sshd.close();
    await rm(sshd.folder, { recursive: true, force: true });
  });
  await writeFile(knownHosts, `${sshd.hostKeys.join('\n')}\n`);
  return {
    sshd,
    environment: {
      GIT_SSH_COMMAND: `ssh -F none -i ${sshd.privateKeyFile} -o IdentitiesOnly=yes -o UserKnownHostsFile=${knownHosts}`,
    },
    async asked() {
      const lines = (await readFile(commands, 'utf8').catch(() => '')).split('\n');
      await rm(commands, { force: true });
      return lines.filter((line) => line.startsWith('git-lfs')).map((line) => line.split(' ').at(-1) ?? '');
    },
  };
}
