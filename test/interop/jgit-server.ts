/** JGit's smart HTTP servlet in Jetty, from Debian's jars, started as a single-file Java program. */
import { fileURLToPath } from 'node:url';
import { type ChildServer, startChildServer } from './child-server.ts';

const jars = [
  'org.eclipse.jgit',
  'org.eclipse.jgit.http.server',
  'javaewah',
  'slf4j-api',
  'slf4j-nop',
  'servlet-api',
  ...['server', 'servlet', 'http', 'io', 'util', 'security'].map((part) => `jetty9-${part}`),
];
const program = fileURLToPath(new URL('./JGitServer.java', import.meta.url));

/** Serves the repositories below `root`; those with `http.receivepack` take pushes. */
export function startJGitServer(root: string): Promise<ChildServer> {
  const classPath = jars.map((jar) => `/usr/share/java/${jar}.jar`).join(':');
  return startChildServer('java', ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classPath, program, root]);
}
