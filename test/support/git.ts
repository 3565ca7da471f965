/** Runs the git program in tests, with nothing of the machine's own configuration. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * For GIT_CONFIG_GLOBAL: nothing to read, and `git config --global` fails. /dev/null would be replaced by a file, where root runs the tests: git writes a
 * configuration by renaming a new file over it.
 */
export const noGitConfig = '/nonexistent/gitconfig';

export const gitEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: noGitConfig,
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.org',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.org',
  GIT_AUTHOR_DATE: '1700000000 +0000',
  GIT_COMMITTER_DATE: '1700000000 +0000',
  LC_ALL: 'C',
};

/** Standard output of `git -C folder args`, without the last line feed. Rejects with standard error. */
export function git(
  folder: string,
  args: readonly string[],
  { input, env }: { input?: string | Uint8Array; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      'git',
      ['-C', folder, ...args],
      { env: { ...gitEnvironment, ...env }, maxBuffer: 1 << 28, encoding: 'utf8' },
      (error, stdout, stderr) =>
        error === null ? resolve(stdout.replace(/\n$/, '')) : reject(new Error(`git ${args.join(' ')}: ${stderr}`)),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}

/** A temporary folder; the caller removes it. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'gitferry-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Branches and tags (or all refs below `prefixes`) of a repository as `name → oid`. */
export async function refsOf(
  repository: string,
  prefixes: readonly string[] = ['refs/heads', 'refs/tags'],
): Promise<Record<string, string>> {
  const text = await git(repository, ['for-each-ref', '--format=%(refname) %(objectname)', ...prefixes]);
  return Object.fromEntries(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ') as [string, string]),
  );
}
