/** Debian's own sshd with a configuration, keys and port of its own, for as long as a test needs it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { noGitConfig, temporaryFolder } from './git.ts';
import { programs } from './programs.ts';
import { passwordAccount, withPasswordAccount } from './sshd-account.ts';

const run = promisify(execFile);
export const hostKeyFileTypes = ['ed25519', 'ecdsa', 'rsa'] as const;

export interface SshdOptions {
  /** Without it the server speaks v0. */
  readonly acceptEnv?: boolean;
  readonly maxSessions?: number;
  /** Which of its host keys it offers; all. */
  readonly hostKeys?: readonly (typeof hostKeyFileTypes)[number][];
  /** More lines of sshd_config. */
  readonly config?: readonly string[];
  /** Settings given to git (`name=value`). */
  readonly gitConfig?: readonly string[];
  /** Lets `passwordAccount` in, by password; by key too only where `config` says so. */
  readonly password?: boolean;
  /** The only file of keys that it lets in, in its folder; without it, `privateKey` and those of the file `authorized_keys`. */
  readonly authorizedKeys?: string;
  /** Keys of another server, so that it looks like the same one. */
  readonly keysOf?: Sshd;
}

export interface Sshd {
  readonly port: number;
  /** Who may sign in: the account that tests run under, or the one with a password. */
  readonly user: string;
  readonly folder: string;
  /** A key that it lets in, OpenSSH format, and its file. */
  readonly privateKey: string;
  readonly privateKeyFile: string;
  /** `host type key` for each key that it offers, as stored. */
  readonly hostKeys: readonly string[];
  /** `ssh://` URL of an absolute path, without user. */
  url(path: string): string;
  /** What it wrote so far. */
  log(): string;
  /** Ends the connections that are open, as a machine that goes down does; `close` alone leaves them to their clients. */
  endConnections(): Promise<void>;
  close(): Promise<void>;
}

/** Starts on a port of its own on 127.0.0.1; filters are allowed unless `gitConfig` says otherwise. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = options.keysOf?.folder ?? (await temporaryFolder()).path;
  if (options.keysOf === undefined) await makeKeys(folder);
  const privateKeyFile = join(folder, 'client');
  // sshd insists on this folder when it runs as root; the package's service makes it at boot.
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) await mkdir('/run/sshd', { mode: 0o755 });
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const file = join(folder, `sshd_config.${port}`);
    await writeFile(file, configuration(options, folder, port));
    const account = options.password === true ? await withPasswordAccount(folder) : {};
    const server = spawn(programs.sshd.path ?? 'sshd', ['-D', '-e', '-f', file], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...account },
    });
    let log = '';
    server.stderr?.on('data', (chunk: Buffer) => {
      log = `${log}${chunk.toString()}`.slice(-20_000);
    });
    if (!(await isUp(server, port))) {
      // Somebody else may have taken the port.
      if (tries < 3) continue;
      throw new Error(`sshd does not start: ${log}`);
    }
    const types = options.hostKeys ?? hostKeyFileTypes;
    const hostKeys = await Promise.all(types.map((type) => hostKeyLine(join(folder, `host_${type}.pub`), port)));
    return {
      port,
      user: options.password === true ? passwordAccount.user : userInfo().username,
      folder,
      privateKey: await readFile(privateKeyFile, 'utf8'),
      privateKeyFile,
      hostKeys,
      url: (path) => `ssh://127.0.0.1:${port}${path}`,
      log: () => log,
      endConnections: async () => {
        for (const pid of await childrenOf(server.pid)) process.kill(pid);
      },
      close: () => ended(server),
    };
  }
}

function configuration(
  {
    acceptEnv = true,
    maxSessions,
    hostKeys = hostKeyFileTypes,
    config = [],
    gitConfig = [],
    password = false,
    authorizedKeys,
  }: SshdOptions,
  folder: string,
  port: number,
): string {
  const keyFiles = authorizedKeys === undefined ? ['client.pub', 'authorized_keys'] : [authorizedKeys];
  const settings = ['uploadpack.allowFilter=true', 'receive.autogc=false', ...gitConfig].map((setting) => setting.split('=', 2));
  const environment = [
    'GIT_CONFIG_NOSYSTEM=1',
    `GIT_CONFIG_GLOBAL=${noGitConfig}`,
    // Debian's bash reads .bashrc when sshd starts it: not the tester's own.
    `HOME=${folder}`,
    `GIT_CONFIG_COUNT=${settings.length}`,
    ...settings.flatMap(([name, value], index) => [`GIT_CONFIG_KEY_${index}=${name}`, `GIT_CONFIG_VALUE_${index}=${value}`]),
  ];
  return [
    // The first of several lines counts.
    ...config,
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    'PidFile none',
    ...hostKeys.map((type) => `HostKey ${join(folder, `host_${type}`)}`),
    `AuthorizedKeysFile ${keyFiles.map((name) => join(folder, name)).join(' ')}`,
    'StrictModes no',
    'UsePAM no',
    ...(password ? ['PasswordAuthentication yes', 'PubkeyAuthentication no'] : ['PasswordAuthentication no']),
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'UseDNS no',
    'PrintMotd no',
    'LogLevel VERBOSE',
    'MaxStartups 200',
    `SetEnv ${environment.join(' ')}`,
    ...(acceptEnv ? ['AcceptEnv GIT_PROTOCOL'] : []),
    ...(maxSessions === undefined ? [] : [`MaxSessions ${maxSessions}`]),
    '',
  ].join('\n');
}

async function makeKeys(folder: string): Promise<void> {
  const make = (name: string, type: string, bits?: string) =>
    run('ssh-keygen', ['-q', '-t', type, ...(bits === undefined ? [] : ['-b', bits]), '-N', '', '-C', 'test', '-f', join(folder, name)]);
  await Promise.all([
    make('client', 'ed25519'),
    ...hostKeyFileTypes.map((type) => make(`host_${type}`, type, type === 'rsa' ? '2048' : undefined)),
  ]);
}

async function hostKeyLine(file: string, port: number): Promise<string> {
  const [type = '', key = ''] = (await readFile(file, 'utf8')).split(' ');
  return `[127.0.0.1]:${port} ${type} ${key}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whether it answers with its name before it ends. */
async function isUp(server: ChildProcess, port: number): Promise<boolean> {
  const until = performance.now() + 20_000;
  while (server.exitCode === null && performance.now() < until) {
    if (await answers(port)) return server.exitCode === null;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (data) => settle(data.toString('latin1').startsWith('SSH-2.0-OpenSSH')));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}

async function childrenOf(pid = 0): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return children.split(' ').filter(Boolean).map(Number);
}

/** Connections have processes of their own; they end when their clients do. */
function ended(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) return resolve();
    server.once('exit', () => resolve());
    server.kill();
  });
}
