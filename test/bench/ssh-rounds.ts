/** Round trips over SSH at both ends, nothing to do and one new commit, with OpenSSH's own server. */
import { startSshd } from '../support/sshd.ts';
import { makeWithRefs } from './event.ts';
import { addCommits } from './made-repository.ts';
import type { Finding } from './report.ts';
import { countRounds, openLine } from './rounds.ts';
import { copyRepository, removeAll, type Workbench } from './workbench.ts';

const main = 'refs/heads/main';

export async function benchSshRounds(bench: Workbench): Promise<Finding> {
  const source = await makeWithRefs(bench, 'rounds.git', 300);
  const target = bench.targetPath('rounds.git');
  await copyRepository(source, target);
  const sshd = await startSshd();
  try {
    const credential = { username: sshd.user, password: '', privateKey: sshd.privateKey };
    const openAt = (delayMs: number) =>
      openLine(
        { source: sshd.port, target: sshd.port },
        (side, port) => ({
          url: `ssh://127.0.0.1:${port}${side === 'source' ? source : target}`,
          credential,
          hostKeys: sshd.hostKeys.map((key) => key.replace(String(sshd.port), String(port))),
        }),
        delayMs,
      );
    let label = 0;
    const change = (): Promise<void> => addCommits(source, [main], `round ${label++}`);
    const noOp = await countRounds(openAt, { change: async () => {}, runs: bench.runs });
    const commit = await countRounds(openAt, { change, runs: bench.runs });
    const [toSource, toTarget] = noOp.firstConnections;
    return {
      title: 'Round trips over SSH at both ends, 300 refs',
      contenders: [],
      targets: [
        { what: 'nothing to do, nothing kept (TCP not counted)', measured: noOp.cold, bound: 5, unit: 'round trips' },
        { what: 'nothing to do, connections kept', measured: noOp.warm, bound: 2, unit: 'round trips' },
        { what: 'one commit, nothing kept', measured: commit.cold, bound: 7, unit: 'round trips' },
        { what: 'one commit, connections kept', measured: commit.warm, bound: 4, unit: 'round trips' },
        { what: 'connections an end, nothing kept', measured: Math.max(toSource, toTarget), bound: 1, unit: 'connections' },
        { what: 'new connections, connections kept', measured: Math.max(...noOp.last.connections), bound: 0, unit: 'connections' },
      ],
    };
  } finally {
    await sshd.close();
    await removeAll(source, target, sshd.folder);
  }
}
