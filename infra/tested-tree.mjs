/** Remembers which tree passed all tests, so that `npm run check` right after `npm test` does not run them again. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
// npm ci empties node_modules: other packages, other tests.
const stamp = join(root, 'node_modules/.cache/gitferry/tested-tree.json');

/** A digest of every file that git knows or would add, and of the Node that runs; undefined where git cannot say. */
export function treeDigest() {
  const digest = createHash('sha256').update(process.version);
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    for (const name of listed.toString('utf8').split('\0').filter(Boolean).sort()) {
      const path = join(root, name);
      digest.update(`\0${name}\0`).update(existsSync(path) ? readFileSync(path) : '');
    }
    return digest.digest('hex');
  } catch {
    return undefined;
  }
}

/** How many tests passed on this very tree; undefined = not all were run, or one failed. */
export function passedBefore() {
  try {
    const { tree, passed } = JSON.parse(readFileSync(stamp, 'utf8'));
    return tree === treeDigest() ? passed : undefined;
  } catch {
    return undefined;
  }
}

/** Call with the digest from before the run; it counts only if the tree is still the same. */
export function rememberPassed(tree, passed) {
  if (tree === undefined || tree !== treeDigest()) return;
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, JSON.stringify({ tree, passed }));
}

export function forgetPassed() {
  rmSync(stamp, { force: true });
}
