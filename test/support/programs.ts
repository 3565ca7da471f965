/** Programs that some suites need beside Node and git. Where one is missing its suite is left out, loudly; in CI (CI=true) that is an error. */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Program {
  /** Where it is, or undefined. */
  readonly path: string | undefined;
  /** What is not tested without it. */
  readonly suite: string;
  readonly debianPackages: string;
}

function onPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function allOf(...paths: readonly (string | undefined)[]): string | undefined {
  return paths.every((path) => path !== undefined && existsSync(path)) ? paths[0] : undefined;
}

/** In Debian's folder of this processor's libraries. */
function aLibrary(name: string): string | undefined {
  const processor = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string];
  return allOf(`/usr/lib/${processor}-linux-gnu/${name}`);
}

/** CAP_SYS_ADMIN is the 21st bit, capabilities(7). */
function mayMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> 21n) & 1n) === 1n;
}

export const programs = {
  jgit: {
    // javac's package, because java starts the server from its source.
    path: allOf(
      '/usr/share/java/org.eclipse.jgit.http.server.jar',
      '/usr/share/java/jetty9-servlet.jar',
      '/usr/share/java/slf4j-nop.jar',
      onPath('java'),
      onPath('javac'),
    ),
    suite: 'interop with JGit',
    debianPackages: 'default-jdk-headless libjgit-java',
  },
  dulwich: {
    path: allOf('/usr/lib/python3/dist-packages/dulwich/web.py', '/usr/bin/python3'),
    suite: 'interop with dulwich',
    debianPackages: 'python3-dulwich',
  },
  pythonGitlab: {
    path: allOf('/usr/lib/python3/dist-packages/gitlab/__init__.py', '/usr/bin/python3'),
    suite: 'python-gitlab against the API',
    debianPackages: 'python3-gitlab',
  },
  sshd: {
    path: allOf(onPath('sshd'), onPath('ssh'), onPath('ssh-keygen'), onPath('ssh-keyscan')),
    suite: "SSH against OpenSSH's sshd",
    debianPackages: 'openssh-server openssh-client',
  },
  nssWrapper: {
    path: aLibrary('libnss_wrapper.so'),
    suite: 'SSH with passwords against sshd',
    debianPackages: 'libnss-wrapper',
  },
  gitolite: {
    path: allOf('/usr/share/gitolite3/gitolite-shell', onPath('gitolite')),
    suite: 'interop with gitolite',
    debianPackages: 'gitolite3',
  },
  compiler: {
    // Lambda's own Node runs on Linux.
    path: process.platform === 'linux' ? allOf(onPath('g++'), onPath('make'), onPath('python3')) : undefined,
    suite: 'the packages for Lambda, driven',
    debianPackages: 'g++ make python3',
  },
  mount: {
    path: mayMount() ? onPath('mount') : undefined,
    suite: 'a full disk',
    debianPackages: 'mount; as root, on Linux, with the right to mount',
  },
  gitLfs: { path: onPath('git-lfs'), suite: 'LFS as git-lfs sees it', debianPackages: 'git-lfs' },
  nginx: { path: onPath('nginx'), suite: 'interop with git behind nginx', debianPackages: 'nginx-light' },
  chromium: { path: onPath('chromium'), suite: 'the console in a browser', debianPackages: 'chromium' },
} satisfies Record<string, Program>;

/** One line per suite that cannot run here. */
export function reasonsForLeavingOut(): string[] {
  return Object.entries(programs)
    .filter(([, { path }]) => path === undefined)
    .map(([name, { suite, debianPackages }]) => `${suite}: ${name} is missing (apt-get install ${debianPackages})`);
}

/** Whether a suite that needs this program runs here. Throws in CI, where nothing may be left out. */
export function isAvailable(name: keyof typeof programs): boolean {
  const { path, suite } = programs[name];
  if (path === undefined && process.env['CI'] === 'true') throw new Error(`CI leaves nothing out: ${name} is needed for ${suite}`);
  return path !== undefined;
}
