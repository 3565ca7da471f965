/** Programs that some suites need beside Node and git. Where one is missing its suite is left out, loudly; in CI (CI=true) that is an error. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Program {
  /** Where it is, or undefined. */
  readonly path: string | undefined;
  /** What is not tested without it. */
  readonly suite: string;
  readonly debianPackage: string;
}

function onPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

export const programs = {
  nginx: { path: onPath('nginx'), suite: 'interop with git behind nginx', debianPackage: 'nginx-light' },
} satisfies Record<string, Program>;

/** One line per suite that cannot run here. */
export function reasonsForLeavingOut(): string[] {
  return Object.entries(programs)
    .filter(([, { path }]) => path === undefined)
    .map(([name, { suite, debianPackage }]) => `${suite}: the program ${name} is missing (Debian package ${debianPackage})`);
}

/** Whether a suite that needs this program runs here. Throws in CI, where nothing may be left out. */
export function isAvailable(name: keyof typeof programs): boolean {
  const { path, suite } = programs[name];
  if (path === undefined && process.env['CI'] === 'true') throw new Error(`CI leaves nothing out: ${name} is needed for ${suite}`);
  return path !== undefined;
}
