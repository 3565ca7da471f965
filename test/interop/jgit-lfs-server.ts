/** JGit's LFS server in Jetty, from Debian's jars, started as a single-file Java program. */
import { fileURLToPath } from 'node:url';
import { type ChildServer, startChildServer } from './child-server.ts';

const jars = [
  ...['', '.lfs', '.lfs.server'].map((part) => `org.eclipse.jgit${part}`),
  ...['gson', 'httpcore', 'httpclient', 'slf4j-api', 'slf4j-nop', 'servlet-api'],
  ...['server', 'servlet', 'http', 'io', 'util', 'security'].map((part) => `jetty9-${part}`),
];
const program = fileURLToPath(new URL('./JGitLfsServer.java', import.meta.url));

/** Keeps its objects in `root`; its LFS URL is `url('lfs')`. */
export function startJGitLfsServer(root: string): Promise<ChildServer> {
  const classPath = jars.map((jar) => `/usr/share/java/${jar}.jar`).join(':');
  return startChildServer('java', ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', classPath, program, root]);
}
