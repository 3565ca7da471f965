/** One Git server as a process of its own, so that its work is not counted with the client's: prints its origin, ends with its standard input. */
import { startGitHttpServer } from '../support/git-http-server.ts';

const server = await startGitHttpServer({ root: process.argv[2] ?? '.' });
process.stdout.write(`${server.origin}\n`);
process.stdin.on('end', () => process.exit()).resume();
