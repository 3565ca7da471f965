/** An account with a password that exists for one sshd only: nss_wrapper shows it files of its own in place of /etc/passwd and /etc/shadow. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programs } from './programs.ts';

/** The account has the tester's own user id, and this password. */
export const passwordAccount = { user: 'mirror', password: 'right pass@word%40' } as const;

/** Of that password, as `openssl passwd -6 -salt gitferrytest` makes it. */
const passwordHash = '$6$gitferrytest$YgVzYkrVMGUNLCklzWBgCu0pxwxuZ4C3kjXEVLRYixMAlvtNBEjJLe3NUvSYqDbDK21NzwxKji..pg/iBHGP11';

/** The environment in which sshd knows the account, which lives in `folder`. */
export async function withPasswordAccount(folder: string): Promise<NodeJS.ProcessEnv> {
  const { user } = passwordAccount;
  const file = (name: string): string => join(folder, `account-${name}`);
  const account = `${user}:x:${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}::${folder}:/bin/sh\n`;
  // sshd needs an account of its own, which is among the machine's.
  await writeFile(file('passwd'), `${await readFile('/etc/passwd', 'utf8')}${account}`);
  await writeFile(file('group'), await readFile('/etc/group', 'utf8'));
  await writeFile(file('shadow'), `${user}:${passwordHash}:19000:0:99999:7:::\n`);
  return {
    LD_PRELOAD: programs.nssWrapper.path,
    NSS_WRAPPER_PASSWD: file('passwd'),
    NSS_WRAPPER_GROUP: file('group'),
    NSS_WRAPPER_SHADOW: file('shadow'),
  };
}
