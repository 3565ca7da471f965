/** `npm start`: the whole service on this machine until it is interrupted. */
import { toGitferryError } from '../lib/core/errors.ts';
import { startLocalService } from './local.ts';
import { localSettings } from './wiring.ts';

try {
  const service = await startLocalService(localSettings());
  const { origin, adminTokenFile } = service;
  let isEnding = false;
  const end = (): void => {
    // Asked twice: at once.
    if (isEnding) process.exit(130);
    isEnding = true;
    process.stderr.write('Ending: running jobs are stopped and will be done after the next start.\n');
    service.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${toGitferryError(error).message}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  if (adminTokenFile !== undefined) process.stderr.write(`The first owner token is in ${adminTokenFile}\n`);
  // Whoever reads this may end it at once.
  process.stdout.write(`gitferry is ready on ${origin}\n`);
} catch (error) {
  const { message, hint } = toGitferryError(error);
  process.stderr.write(`gitferry did not start: ${message}\n${hint}\n`);
  process.exitCode = 1;
}
