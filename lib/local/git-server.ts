/** A Git server for demonstrations: `git http-backend` behind node:http on 127.0.0.1, anybody may push. Needs the git program. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LocalGitServer {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  close(): Promise<void>;
}

/** Serves all repositories below `root` on a free port. */
export async function startLocalGitServer(root: string, environment: NodeJS.ProcessEnv): Promise<LocalGitServer> {
  const server = createServer((request, response) => serve(request, response, root, environment));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One request through the CGI program, git-http-backend(1); bodies are streamed both ways. */
function serve(request: IncomingMessage, response: ServerResponse, root: string, environment: NodeJS.ProcessEnv): void {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const { headers } = request;
  const backend = spawn('git', ['-c', 'http.receivepack=true', '-c', 'uploadpack.allowFilter=true', 'http-backend'], {
    env: {
      ...environment,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      REMOTE_USER: 'demo',
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: headers['content-type'] ?? '',
      CONTENT_LENGTH: headers['content-length'],
      HTTP_CONTENT_ENCODING: headers['content-encoding'],
      GIT_PROTOCOL: headers['git-protocol']?.toString(),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  backend.stdin.on('error', () => {});
  request.pipe(backend.stdin);
  response.on('close', () => backend.kill());
  passAnswer(backend, backend.stdout, response);
}

/** Turns the program's CGI headers into an HTTP head, then passes its output on. */
function passAnswer(backend: ChildProcess, output: NodeJS.ReadableStream, response: ServerResponse): void {
  let head = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    output.off('data', onData);
    const lines = head.toString('latin1', 0, end).split('\r\n');
    const fields = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
    const status = Number.parseInt(fields.get('Status') ?? '200', 10);
    fields.delete('Status');
    response.writeHead(status, Object.fromEntries(fields));
    response.write(head.subarray(end + 4));
    output.pipe(response);
  };
  output.on('data', onData);
  backend.on('close', () => {
    if (!response.headersSent) response.writeHead(500).end();
  });
}
