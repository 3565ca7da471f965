/** Ends a test run with a plain line `N passed, N failed`, and names what was left out and why. */
import type { Reporter, TestModule } from 'vitest/node';
import { reasonsForLeavingOut } from './programs.ts';

export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) counts[test.result().state]++;
    }
    for (const reason of reasonsForLeavingOut()) process.stdout.write(`LEFT OUT: ${reason}\n`);
    const skipped = counts.skipped + counts.pending;
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`);
  }
}
