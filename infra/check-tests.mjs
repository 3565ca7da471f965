/** The tests as the last step of `npm run check`: run, unless this very tree has just passed all of them (`npm test` always runs). */
import { spawnSync } from 'node:child_process';
import { passedBefore } from './tested-tree.mjs';

const passed = passedBefore();
if (passed === undefined) {
  process.exitCode = spawnSync('npm', ['test'], { stdio: 'inherit' }).status ?? 1;
} else {
  process.stdout.write(`Tests: this tree has passed them since it was last changed.\n${passed} passed, 0 failed\n`);
}
