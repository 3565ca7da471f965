/** nginx with its default limits in front of a server on this machine, as a child with a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

export interface Nginx {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  close(): Promise<void>;
}

export interface NginxOptions {
  /** The program. */
  readonly program: string;
  /** An empty folder for its files. */
  readonly folder: string;
  /** Where requests go: `http://127.0.0.1:PORT`. */
  readonly upstream: string;
  /** Lines for the server's block, beside what proxying needs. */
  readonly settings?: readonly string[];
}

const startTries = 5;

/** Starts it on a free port; it runs in the foreground with one worker, without anything of the machine's own configuration. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  for (const folder of ['', 'body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) await mkdir(join(options.folder, folder), { recursive: true });
  // nginx cannot choose a port itself: somebody else may take it in between.
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    await writeFile(join(options.folder, 'nginx.conf'), configuration(options, port));
    const child = spawn(options.program, ['-p', options.folder, '-c', 'nginx.conf', '-e', 'error.log'], { stdio: 'ignore' });
    const closed = once(child, 'close');
    if (await isListening(child, port)) {
      return {
        origin: `http://127.0.0.1:${port}`,
        async close() {
          child.kill('SIGTERM');
          await closed;
        },
      };
    }
    if (tries === startTries) throw new Error(`nginx did not start: ${await readFile(join(options.folder, 'error.log'), 'utf8')}`);
  }
}

function configuration({ folder, upstream, settings = [] }: NginxOptions, port: number): string {
  return `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    ${settings.join('\n    ')}
    location / {
      proxy_pass ${upstream};
    }
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Whether it answers on the port before it ends. */
async function isListening(child: ChildProcess, port: number): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return false;
}
