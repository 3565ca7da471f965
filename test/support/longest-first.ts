/** The order of the test files: those that are known to take long first, because one that begins last makes everything wait for it. */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By how long they take on a quiet machine of two cores: above about eight seconds. */
const long = [
  'notify/host-outage',
  'notify/deliver',
  'e2e/service-push',
  'torture/event-loop',
  'e2e/lying-sources',
  'e2e/reporter-addresses',
  'console/browser-journey',
  'e2e/canary',
  'interop/jgit',
  'torture/torture',
  'e2e/service-restart',
  'e2e/kill',
  'e2e/rules-push',
  'e2e/refusals',
  'jobs/life.property',
  'api/create-api',
  'interop/dulwich',
  'torture/hostile-servers',
  'e2e/broken-connections',
  'e2e/service-credentials',
  'infra/smoke',
  'console/browser-pages',
  'console/typed-secrets',
  'e2e/service-providers',
  'e2e/service-git-lfs',
  'e2e/service-ssh',
  'e2e/console-browser',
  'e2e/service-sso',
  'console/single-sign-on',
  'packages/packages',
].map((name) => `test/${name}.test.ts`);

export class LongestFirst extends BaseSequencer {
  /** Isolated files before those that share a process, which can then be kept from file to file; otherwise as Vitest would. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      const place = long.indexOf(relative(this.ctx.config.root, moduleId).replaceAll('\\', '/'));
      return place >= 0 ? place : long.length + (project.config.isolate ? 0 : 1);
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
