/** An SSH server made of ssh2's Server and real git commands, with switches for everything that hosts do differently or wrongly. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import ssh2, { type AuthContext, type Connection, type ServerChannel, type ServerConfig, type Session } from 'ssh2';
import { gitEnvironment } from './git.ts';

/** Where a server can stop answering. */
export type HangingStage = 'banner' | 'key exchange' | 'sign-in' | 'channel' | 'command' | 'answer';

export interface SshTestServerOptions {
  /** Methods that it offers, in SSH's names; public key alone. */
  readonly methods?: readonly ('publickey' | 'password' | 'keyboard-interactive' | 'none')[];
  readonly user?: string;
  readonly password?: string;
  /** What it asks in keyboard-interactive, round by round. */
  readonly prompts?: readonly (readonly { readonly prompt: string; readonly echo: boolean }[])[];
  /** Takes this public key only (SSH wire form); without it, any. */
  readonly publicKey?: Buffer;
  /** Private host keys, PEM; an RSA key of its own without. */
  readonly hostKeys?: readonly string[];
  readonly algorithms?: ServerConfig['algorithms'];
  readonly hangAt?: HangingStage;
  /** Refuses further channels on a connection, also after the first has closed. */
  readonly maxChannels?: number;
  /** Ends a connection when a command has ended. */
  readonly hangUpAfterCommand?: boolean;
  /** Takes GIT_PROTOCOL; true. */
  readonly acceptEnv?: boolean;
  /** Refuses `exec`. */
  readonly refuseExec?: boolean;
  /** Answers in place of git. */
  readonly forcedCommand?: {
    readonly stdout?: string;
    readonly stderr?: string;
    readonly exit?: number;
    readonly signal?: string;
    readonly thenGit?: boolean;
  };
  /** Answers this command in place of git, as it likes. */
  readonly answers?: { readonly command: string; answer(channel: ServerChannel, command: string): unknown };
  /** Cuts the connection after so many bytes of this service's output, once per server if `once`. */
  readonly cutAfter?: { readonly service: string; readonly bytes: number };
  /** Cuts the connection after so many bytes of this service's input. */
  readonly cutInputAfter?: { readonly service: string; readonly bytes: number };
  /** Sends no exit status. */
  readonly noExitStatus?: boolean;
  readonly gitConfig?: readonly string[];
}

export interface SshTestServer {
  readonly port: number;
  /** `host type key` of its host keys, as stored. */
  readonly hostKeys: readonly string[];
  readonly log: {
    readonly connections: number;
    readonly commands: readonly string[];
    readonly signIns: readonly string[];
    readonly bytes: number;
  };
  url(path: string): string;
  /** Connections that are open. */
  open(): number;
  /** Cuts them. */
  cut(): void;
  /** Resolves when no git process works for this server any more. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

let ownKey: string | undefined;
/** A key that is made once per process: making one takes a moment. */
export function testHostKey(): string {
  ownKey ??= rsaKey();
  return ownKey;
}

export function rsaKey(): string {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
}

export function ecdsaKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString();
}

/** Starts on a port of its own on 127.0.0.1. */
export async function startSshTestServer(options: SshTestServerOptions = {}): Promise<SshTestServer> {
  const log = { connections: 0, commands: [] as string[], signIns: [] as string[], bytes: 0 };
  const commands = new Set<ChildProcess>();
  const sockets = new Set<Socket>();
  const keys = options.hostKeys ?? [testHostKey()];
  const server = new ssh2.Server({ hostKeys: [...keys], ...(options.algorithms === undefined ? {} : { algorithms: options.algorithms }) });
  server.on('connection', (connection) => serve(connection, options, log, commands));
  // ssh2 takes connections by hand: so they can be held back, cut and counted.
  const listener = createTcpServer({ noDelay: true }, (socket) => {
    log.connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    if (options.hangAt === 'banner') return void socket.resume();
    if (options.hangAt === 'key exchange') {
      socket.resume();
      return void socket.write('SSH-2.0-held\r\n');
    }
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const hostKeys = keys.map((key) => {
    const parsed = ssh2.utils.parseKey(key);
    if (parsed instanceof Error) throw parsed;
    return `[127.0.0.1]:${port} ${parsed.type} ${parsed.getPublicSSH().toString('base64')}`;
  });
  return {
    port,
    hostKeys,
    log,
    url: (path) => `ssh://127.0.0.1:${port}${path}`,
    open: () => sockets.size,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async idle() {
      for (const command of commands) await new Promise((resolve) => command.once('close', resolve));
    },
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
        for (const command of commands) command.kill();
      }),
  };
}

type Log = { connections: number; commands: string[]; signIns: string[]; bytes: number };

function serve(connection: Connection, options: SshTestServerOptions, log: Log, commands: Set<ChildProcess>): void {
  let channels = 0;
  connection.on('error', () => {});
  connection.on('authentication', (context) => {
    log.signIns.push(context.method);
    if (options.hangAt === 'sign-in') return;
    judge(context, options);
  });
  connection.on('ready', () => {
    connection.on('session', (accept, reject) => {
      if (options.hangAt === 'channel') return;
      if (++channels > (options.maxChannels ?? Number.POSITIVE_INFINITY)) return void reject();
      serveSession(accept(), connection, options, log, commands);
    });
  });
}

function judge(context: AuthContext, options: SshTestServerOptions): void {
  const methods = options.methods ?? ['publickey'];
  const refuse = (): void => context.reject([...methods]);
  if (options.user !== undefined && context.username !== options.user) return refuse();
  if (!(methods as readonly string[]).includes(context.method)) return refuse();
  if (context.method === 'none') return context.accept();
  if (context.method === 'password') return context.password === options.password ? context.accept() : refuse();
  if (context.method === 'publickey') {
    const known = options.publicKey === undefined || options.publicKey.equals(context.key.data);
    return known ? context.accept() : refuse();
  }
  if (context.method === 'keyboard-interactive') {
    const rounds = [...(options.prompts ?? [[{ prompt: 'Password: ', echo: false }]])];
    const all: string[] = [];
    const ask = (): void => {
      const round = rounds.shift();
      if (round === undefined) return all.includes(options.password ?? '') ? context.accept() : refuse();
      context.prompt([...round], (answers) => {
        all.push(...answers);
        ask();
      });
    };
    return ask();
  }
  return refuse();
}

function serveSession(
  session: Session,
  connection: Connection,
  options: SshTestServerOptions,
  log: Log,
  commands: Set<ChildProcess>,
): void {
  const variables: Record<string, string> = {};
  session.on('env', (accept, reject, { key, val }) => {
    if (options.acceptEnv === false) return void reject?.();
    variables[key] = val;
    accept?.();
  });
  session.on('exec', (accept, reject, { command }) => {
    log.commands.push(command);
    if (options.hangAt === 'command') return;
    if (options.refuseExec === true) return void reject();
    const channel = accept();
    if (options.hangAt === 'answer') return;
    const { forcedCommand, answers } = options;
    if (answers !== undefined && command.startsWith(`${answers.command} `)) {
      channel.on('error', () => {});
      return void answers.answer(channel, command);
    }
    if (forcedCommand !== undefined) {
      if (forcedCommand.stdout !== undefined) channel.write(forcedCommand.stdout);
      if (forcedCommand.stderr !== undefined) channel.stderr.write(forcedCommand.stderr);
      if (forcedCommand.thenGit !== true) return end(channel, forcedCommand.exit ?? null, forcedCommand.signal, options, connection);
    }
    runGit(command, variables, channel, connection, options, log, commands);
  });
}

function runGit(
  command: string,
  variables: Readonly<Record<string, string>>,
  channel: ServerChannel,
  connection: Connection,
  options: SshTestServerOptions,
  log: Log,
  commands: Set<ChildProcess>,
): void {
  const settings = ['uploadpack.allowFilter=true', 'receive.autogc=false', ...(options.gitConfig ?? [])].map((setting) =>
    setting.split('=', 2),
  );
  const configuration = Object.fromEntries(
    settings.flatMap(([name, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, name],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  );
  const git = spawn('/bin/sh', ['-c', `exec ${command}`], {
    env: { ...gitEnvironment, GIT_CONFIG_COUNT: String(settings.length), ...configuration, ...variables },
  });
  commands.add(git);
  const service = command.split(' ', 1)[0] ?? '';
  const cut = (): void => {
    git.kill();
    (connection as unknown as { _sock: Socket })._sock.destroy();
  };
  let sent = 0;
  git.stdout.on('data', (chunk: Buffer) => {
    log.bytes += chunk.length;
    const { cutAfter } = options;
    if (cutAfter?.service === service && sent + chunk.length >= cutAfter.bytes) {
      channel.write(chunk.subarray(0, cutAfter.bytes - sent));
      git.stdout.destroy();
      setImmediate(cut);
      return;
    }
    sent += chunk.length;
    if (!channel.write(chunk)) {
      git.stdout.pause();
      channel.once('drain', () => git.stdout.resume());
    }
  });
  git.stderr.pipe(channel.stderr, { end: false });
  let received = 0;
  channel.on('data', (chunk: Buffer) => {
    received += chunk.length;
    const { cutInputAfter } = options;
    if (cutInputAfter?.service === service && received > cutInputAfter.bytes) return cut();
    git.stdin.write(chunk);
  });
  channel.on('end', () => git.stdin.end());
  channel.on('close', () => git.kill());
  channel.on('error', () => {});
  git.stdin.on('error', () => {});
  git.on('close', (code, signal) => {
    commands.delete(git);
    end(channel, code, signal ?? undefined, options, connection);
  });
}

function end(
  channel: ServerChannel,
  code: number | null,
  signal: string | undefined,
  options: SshTestServerOptions,
  connection: Connection,
): void {
  try {
    if (options.noExitStatus !== true && code !== null) channel.exit(code);
    else if (options.noExitStatus !== true && signal !== undefined) channel.exit(signal.replace(/^SIG/, '') as 'TERM');
    channel.end();
    channel.close();
    if (options.hangUpAfterCommand === true) connection.end();
  } catch {
    // The client has gone.
  }
}

/** `SHA256:...` of a stored line's key. */
export function sha256Of(line: string): string {
  return `SHA256:${createHash('sha256')
    .update(Buffer.from(line.split(' ')[2] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')}`;
}
