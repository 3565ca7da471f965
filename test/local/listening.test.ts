/** What `npm start` listens on, and who is let in there. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { DeleteQueueCommand, ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/git.ts';
import { type RunningService, startService } from '../support/service.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let service: RunningService;
let ports: number[];
let ownPort: number;

beforeAll(async () => {
  folder = await temporaryFolder();
  service = await startService({ folder: folder.path, environment: { GITFERRY_PUBLIC_URL: 'https://ferry.example.org' } });
  ownPort = Number(new URL(service.origin).port);
  ports = listeningSockets(service.process.pid!).map(({ port }) => port);
});
afterAll(async () => {
  await service.end('SIGKILL');
  await folder.remove();
});

/** Of one process, as the kernel knows them: proc(5). Addresses in hexadecimal, in the order of the machine's bytes. */
function listeningSockets(pid: number): { address: string; port: number }[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).map((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      } catch {
        return 'closed meanwhile';
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((family) =>
    readFileSync(`/proc/${pid}/net/${family}`, 'utf8')
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
        const [address = '', port = ''] = local.split(':');
        return state === '0A' && own.has(`socket:[${inode}]`) ? [{ address, port: Number.parseInt(port, 16) }] : [];
      }),
  );
}

/** What connecting comes to: an error's code, or `connected`. */
function connecting(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const end = (result: string): void => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => end('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
  });
}

function statusOf(port: number, path: string, headers: Readonly<Record<string, string>>, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
    sent.end();
  });
}

const otherAddresses = [
  '127.0.0.2',
  '::1',
  ...Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.filter(({ internal }) => !internal).map(({ address, scopeid }) => (scopeid ? `${address}%${scopeid}` : address)),
  ),
];

describe.runIf(process.platform === 'linux')('what npm start listens on', () => {
  it('is 127.0.0.1 alone: the console, and the endpoints of three services', () => {
    const sockets = listeningSockets(service.process.pid!);
    expect(sockets.map(({ address }) => address)).toEqual(Array(4).fill('0100007F'));
    expect(ports).toContain(ownPort);
  });

  it.each(otherAddresses)('is not reached by the address %s', async (address) => {
    const results = await Promise.all(ports.map((port) => connecting(address, port)));
    expect(results).not.toContain('connected');
  });

  it('answers nobody without the access key, or with another', async () => {
    const authorization = 'AWS4-HMAC-SHA256 Credential=gitferry-0/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=none';
    for (const port of ports.filter((each) => each !== ownPort)) {
      for (const headers of [{}, { authorization }, { authorization: '' }]) {
        for (const path of ['/', '/health', '/_fauxqs/queues', '/bucket/key']) {
          expect(await statusOf(port, path, headers), `${port}${path}`).toBe(403);
          expect(await statusOf(port, path, headers, 'POST'), `${port}${path}`).toBe(403);
        }
      }
    }
  });

  it('loses no queue to somebody who asks for it with the SDK', async () => {
    const refused = await Promise.all(
      ports.map(async (port) => {
        const sqs = new SQSClient({
          region: 'us-east-1',
          endpoint: `http://127.0.0.1:${port}`,
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          useQueueUrlAsEndpoint: false,
          maxAttempts: 1,
        });
        const url = `http://127.0.0.1:${port}/000000000000/gitferry`;
        const answers = await Promise.allSettled([
          sqs.send(new DeleteQueueCommand({ QueueUrl: url })),
          sqs.send(new ListQueuesCommand({})),
        ]);
        sqs.destroy();
        return answers.every(({ status }) => status === 'rejected');
      }),
    );
    expect(refused).toEqual(Array(4).fill(true));
  });

  it('gives the console and the API to nobody who names another host, with a token too', async () => {
    const token = { 'private-token': 'test-admin-token' };
    expect(await statusOf(ownPort, '/api/v4/projects', {})).toBe(401);
    expect(await statusOf(ownPort, '/api/v4/projects', { 'private-token': 'wrong' })).toBe(401);
    for (const host of ['evil.example', `evil.example:${ownPort}`]) {
      for (const path of ['/api/v4/projects', '/', '/sign-in', '/health', '/assets/console.css']) {
        expect(await statusOf(ownPort, path, { ...token, host }), `${host} ${path}`).toBe(421);
      }
    }
    for (const host of [`127.0.0.1:${ownPort}`, `localhost:${ownPort}`, 'ferry.example.org']) {
      expect(await statusOf(ownPort, '/api/v4/projects', { ...token, host }), host).toBe(200);
    }
  });

  it('takes webhooks by whatever name a tunnel gives it', async () => {
    expect(await statusOf(ownPort, `/hooks/1.${'x'.repeat(32)}`, { host: 'abc.tunnel.example' }, 'POST')).toBe(401);
  });
});
