/** History questions to the source server, against `git merge-base --is-ancestor` in a clone that is there already. */
import { wireSync } from '../../functions/command-wiring.ts';
import { History } from '../../lib/git/client/ask-history.ts';
import { type ContainmentQuestion, questionKey } from '../../lib/git/client/history-questions.ts';
import { UploadPack } from '../../lib/git/client/upload-pack.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { git } from '../support/git.ts';
import { contest } from './contest.ts';
import { branchName, makeRepository } from './made-repository.ts';
import { measureHere } from './measure.ts';
import type { Finding } from './report.ts';
import { removeAll, type Workbench } from './workbench.ts';

const pairCount = 100;
const deletionCount = 500;

export async function benchHistoryQuestions(bench: Workbench): Promise<Finding> {
  const path = bench.sourcePath('history.git');
  await makeRepository(path, { commits: 40_000, branches: deletionCount + 1, tags: 0, files: 500, assetBytes: 0 });
  const values = await oidsOf(path, ['refs/heads/main', ...branches()]);
  const [main = '', ...tips] = values;
  const grandparents = await oidsOf(
    path,
    branches().map((ref) => `${ref}~2`),
  );
  // Every second branch of the target is an ancestor of the source's, every other has commits that the source lacks there.
  const pairs = tips
    .slice(0, pairCount)
    .map((within, index) => ({ commit: (index % 2 === 0 ? grandparents[index] : tips[index + 1]) ?? '', within }));
  const oldMain = (await git(path, ['rev-list', '--first-parent', 'refs/heads/main'])).split('\n');
  const candidates = tips.map((tip, index) => ({ commit: (index % 2 === 0 ? oldMain[index * 50] : tip) ?? '', within: main }));

  const ask = (questions: readonly ContainmentQuestion[]) => (): Promise<void> =>
    askServer(bench.sourceUrl('history.git'), values, questions);
  const inClone = (questions: readonly ContainmentQuestion[]) => (): Promise<void> => askClone(path, questions);
  const contender = (name: string, work: () => Promise<void>) => ({ name, run: () => measureHere(work) });
  const contenders = await contest(
    [
      contender(`gitferry asks the source: ${pairCount} branches, fast-forward or diverged?`, ask(pairs)),
      contender(`${pairCount} × \`git merge-base --is-ancestor\` in a clone`, inClone(pairs)),
      contender(`gitferry asks the source: ${deletionCount} candidates for deletion`, ask(candidates)),
      contender(`${deletionCount} × \`git merge-base --is-ancestor\` in a clone`, inClone(candidates)),
    ],
    { runs: bench.runs },
  );
  await removeAll(path);
  return {
    title: 'History questions, 40,000 commits on the main branch',
    contenders,
    targets: [],
  };
}

function branches(): string[] {
  return Array.from({ length: deletionCount }, (_, index) => branchName(index + 1));
}

async function oidsOf(path: string, revisions: readonly string[]): Promise<string[]> {
  return (await git(path, ['rev-parse', ...revisions])).split('\n');
}

/** A connection of its own, the advertisement, and the questions; each must be decided. */
async function askServer(href: string, listed: readonly string[], questions: readonly ContainmentQuestion[]): Promise<void> {
  const endpoint = { url: parseRepositoryUrl(href, 'source').url, credential: undefined, hostKeys: [] };
  const { deps, close } = await wireSync({ source: endpoint, target: endpoint, allowAddresses: ['127.0.0.0/8'], timeoutSeconds: 600 });
  try {
    const source = await UploadPack.open(deps.connect('source', deps.deadline));
    const answers = await new History(source, new Set(listed), deps.deadline.signal).contained(questions, { decisive: true });
    const undecided = questions.filter((question) => typeof answers.get(questionKey(question)) !== 'string');
    if (undecided.length > 0) throw new Error(`${undecided.length} questions were not answered`);
  } finally {
    await close();
  }
}

async function askClone(path: string, questions: readonly ContainmentQuestion[]): Promise<void> {
  for (const { commit, within } of questions) await git(path, ['merge-base', '--is-ancestor', commit, within]).catch(() => {});
}
