/** dulwich's smart HTTP server, from Debian's python3-dulwich, which only Debian's own interpreter finds. */
import { fileURLToPath } from 'node:url';
import { type ChildServer, startChildServer } from './child-server.ts';

const program = fileURLToPath(new URL('./dulwich_server.py', import.meta.url));

/** Serves the repositories below `root`, for fetches and pushes. */
export function startDulwichServer(root: string): Promise<ChildServer> {
  return startChildServer('/usr/bin/python3', ['-B', program, root]);
}
