/** SSH at both ends, with OpenSSH's own server: a first mirror beside the source pushing by itself, and the way to the first byte beside `ssh HOST true`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDeadline } from '../../lib/core/deadline.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { createSshTransport } from '../../lib/git/transport/ssh/ssh.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { contest } from './contest.ts';
import { createBare, makeRepository } from './made-repository.ts';
import { measureHere } from './measure.ts';
import type { Finding } from './report.ts';
import { repositoryBytes } from './repository-size.ts';
import { assertSameRefs, removeAll, type Workbench } from './workbench.ts';

const MB = 1_000_000;

/** A repository of 68 MB with 600 refs and 136,000 objects, by way of sshd at both ends. */
export async function benchSshMirror(bench: Workbench): Promise<Finding> {
  const { meter } = bench;
  const [source, target] = [bench.sourcePath('ssh.git'), bench.targetPath('ssh.git')];
  await makeRepository(source, { commits: 12_000, branches: 500, tags: 100, files: 3000, assetBytes: 45 * MB });
  const sshd = await startSshd();
  try {
    const knownHosts = await writeKnownHosts(bench, sshd);
    const url = (path: string): string => `ssh://${sshd.user}@127.0.0.1:${sshd.port}${path}`;
    const keys = ['--source-ssh-key', sshd.privateKeyFile, '--target-ssh-key', sshd.privateKeyFile, '--known-hosts', knownHosts];
    const turn = {
      prepare: () => createBare(target),
      async finish() {
        await assertSameRefs(source, target);
        await removeAll(target);
      },
    };
    const [gitferry, push] = await contest(
      [
        { name: 'gitferry', ...turn, run: () => meter.measure(bench.sync(url(source), url(target), keys)) },
        {
          name: "`git push --mirror` over ssh from the source's disk",
          ...turn,
          run: () =>
            meter.measure(
              `export GIT_SSH_COMMAND="${sshCommand(sshd, knownHosts)}"; ${meter.git(['-C', source, 'push', '-q', '--mirror', url(target)])}`,
            ),
        },
      ],
      { runs: bench.runs },
    );
    if (gitferry === undefined || push === undefined) throw new Error('nobody ran');
    const size = await repositoryBytes(source);
    return {
      title: `First mirror of ${Math.round(size / MB)} MB with 600 refs, SSH at both ends`,
      contenders: [gitferry, push],
      targets: [
        { what: "wall: against the source's own push over ssh", measured: gitferry.wallMs / push.wallMs, bound: 1.15, unit: '×' },
        { what: 'peak memory', measured: (gitferry.peakBytes ?? Number.NaN) / MB, bound: 160, unit: 'MB' },
      ],
    };
  } finally {
    await sshd.close();
    await removeAll(source, sshd.folder);
  }
}

/** From nothing to the first byte of git-upload-pack, in a warm process, beside OpenSSH's client with a command that does nothing. */
export async function benchSshConnect(bench: Workbench): Promise<Finding> {
  const repository = bench.sourcePath('connect.git');
  await createBare(repository);
  const sshd = await startSshd();
  try {
    const knownHosts = await writeKnownHosts(bench, sshd);
    const [gitferry, ssh] = await contest(
      [
        { name: 'gitferry: connect, sign in, first byte of git-upload-pack', run: () => measureHere(() => firstByte(sshd, repository)) },
        {
          name: '`ssh HOST true`',
          run: () => bench.meter.measure(`${sshCommand(sshd, knownHosts)} -p ${sshd.port} ${sshd.user}@127.0.0.1 true`),
        },
      ],
      { runs: bench.runs * 4 },
    );
    if (gitferry === undefined || ssh === undefined) throw new Error('nobody ran');
    return {
      title: 'SSH: from nothing to the first byte',
      contenders: [gitferry, ssh],
      targets: [{ what: 'wall: against `ssh HOST true`', measured: gitferry.wallMs / ssh.wallMs, bound: 1.5, unit: '×' }],
    };
  } finally {
    await sshd.close();
    await removeAll(repository, sshd.folder);
  }
}

async function firstByte(sshd: Sshd, repository: string): Promise<void> {
  const deadline = createDeadline(30_000);
  const credential = { username: sshd.user, password: '', privateKey: sshd.privateKey };
  const deps = { guard: createAddressGuard(['127.0.0.0/8']), deadline, hostKeys: sshd.hostKeys };
  const transport = createSshTransport(parseRepositoryUrl(sshd.url(repository), 'SOURCE').url, credential, deps);
  await transport.open('git-upload-pack', { protocol: 2 });
  await transport.close();
  deadline.clear();
}

async function writeKnownHosts({ folder }: Workbench, { hostKeys }: Sshd): Promise<string> {
  const file = join(folder, 'known_hosts');
  await writeFile(file, `${hostKeys.join('\n')}\n`);
  return file;
}

function sshCommand({ privateKeyFile }: Sshd, knownHosts: string): string {
  return `ssh -F none -i ${privateKeyFile} -o UserKnownHostsFile=${knownHosts} -o BatchMode=yes`;
}
