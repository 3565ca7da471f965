#!/usr/bin/env node
/** The command line's way in: `gitferry sync`, `gitferry host-keys` and what goes with them. */
import { setFlagsFromString } from 'node:v8';
import { runHostKeysCommand } from '../lib/cli/host-keys-command.ts';
import { parseArguments } from '../lib/cli/parse-arguments.ts';
import { printUsageError, runSyncCommand } from '../lib/cli/sync-command.ts';
import { usage } from '../lib/cli/usage.ts';
import { GitferryError, toGitferryError } from '../lib/core/errors.ts';
import { version } from '../lib/core/version.ts';
import { createEnvironmentRedactor, detectForCommand, wireSync } from './command-wiring.ts';
import { commandSettings } from './wiring.ts';

// V8 in Node 20 takes a sixth of a command's CPU to optimize functions that a command of a second needs no more by then: it begins later, with what long runs
// stay in. Later versions have no such flag.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--interrupt-budget=1000000');

async function main(args: readonly string[]): Promise<number> {
  const settings = commandSettings();
  const json = args.includes('--json');
  let command: Awaited<ReturnType<typeof parseArguments>>;
  try {
    command = await parseArguments(args, settings);
  } catch (error) {
    return printUsageError(toGitferryError(error), createEnvironmentRedactor(settings), { json }, process);
  }
  if (command.kind === 'help') process.stdout.write(usage);
  if (command.kind === 'version') process.stdout.write(`${version}\n`);
  if (command.kind === 'host-keys') return runHostKeysCommand(() => detectForCommand(command), command, process);
  if (command.kind !== 'sync') return 0;

  // Loaded only now: --help and mistakes are answered at once.
  const { syncRepositories } = await import('../lib/mirror/sync.ts');
  const { deps, close } = await wireSync(command);
  const onInterrupt = (): void => deps.deadline.abort(new GitferryError('run_interrupted'));
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  const { direction, rules, dryRun, lfs } = command;
  try {
    return await runSyncCommand(
      (onProgress) => syncRepositories({ direction, rules, dryRun, lfs }, { ...deps, onProgress }),
      command,
      process,
    );
  } finally {
    await close();
  }
}

process.exitCode = await main(process.argv.slice(2));
