import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { SummaryReporter } from './test/support/summary-reporter.ts';

/** Without servers, browsers or processes of their own: one process runs one after the other, and loads what they need once. */
const light = [
  'core',
  'model',
  'mirror',
  'net',
  'webhook',
  'docs',
  'data',
  'console/components',
  'console/pages',
  'git/wire',
  'git/pack',
  'jobs',
  'aws',
  'api',
];
const lightFiles = light.map((folder) => `test/${folder}/**/*.test.ts`);
const allFiles = ['test/**/*.test.ts'];

export default defineConfig({
  test: {
    // Real servers on a busy machine of two cores: slow is not wrong.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    setupFiles: ['test/support/fixed-seed.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: [process.env['CI'] === 'true' ? 'verbose' : 'default', new SummaryReporter()],
    projects: [
      { extends: true, test: { name: 'isolated', include: allFiles, exclude: lightFiles } },
      { extends: true, test: { name: 'light', include: lightFiles, isolate: false } },
    ],
  },
});
