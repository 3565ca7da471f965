/** Ends a test run with a plain line `N passed, N failed`, and names what was left out and why. */
import type { Reporter, SerializedError, TestModule } from 'vitest/node';
import { forgetPassed, rememberPassed, treeDigest } from '../../infra/tested-tree.mjs';
import { reasonsForLeavingOut } from './programs.ts';

export class SummaryReporter implements Reporter {
  /** Of a run of everything: `vitest run` without a filter. */
  #tree: string | undefined;

  onTestRunStart(): void {
    this.#tree = process.argv.slice(2).join(' ') === 'run' && process.env['GITFERRY_TEST_AWS'] === undefined ? treeDigest() : undefined;
    if (this.#tree !== undefined) forgetPassed();
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A file that cannot be loaded, or a hook that failed, is a failure, though no test of it ran.
      for (const suite of [module, ...module.children.allSuites()]) if (suite.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) counts[test.result().state]++;
    }
    for (const reason of reasonsForLeavingOut()) process.stdout.write(`LEFT OUT: ${reason}\n`);
    if (counts.failed === 0 && counts.passed > 0) rememberPassed(this.#tree, counts.passed);
    const skipped = counts.skipped + counts.pending;
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`);
  }
}
