/** One Git and LFS server as a process of its own, so that its work is not counted with the client's: prints its origin, ends with its standard input. */
import { join } from 'node:path';
import { startGitHttpServer } from '../support/git-http-server.ts';
import { lfsServer } from '../support/lfs-server.ts';
import { lfsObjects } from './lfs-objects.ts';

const root = process.argv[2] ?? '.';
const lfs = lfsServer({ root: join(root, lfsObjects) });
const server = await startGitHttpServer({ root, intercept: lfs.handle });
process.stdout.write(`${server.origin}\n`);
process.stdin.on('end', () => process.exit()).resume();
