/** moto_server, another imitation of AWS, as a process of its own: all three services, nothing kept. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import type { AwsEndpoints } from '../../lib/local/aws-endpoints.ts';

/** Rejects where the program is not on the path. Every start is empty. */
export async function startMotoServer(): Promise<AwsEndpoints> {
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exit = once(child, 'exit');
  const origin = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error('moto_server ended by itself')));
    createInterface({ input: child.stderr }).on('line', (line) => {
      const found = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const dynamo = await startTurnstile(origin);
  return {
    dynamoDb: dynamo.origin,
    sqs: origin,
    secretsManager: origin,
    async close() {
      dynamo.close();
      child.kill();
      await exit;
    },
  };
}

/** Lets one request through at a time: moto looks at a condition in one thread while another writes, and counts 41 where 50 were added. */
async function startTurnstile(target: string): Promise<{ readonly origin: string; close(): void }> {
  const agent = new Agent({ keepAlive: true });
  let last: Promise<unknown> = Promise.resolve();
  const server = createServer((incoming, outgoing) => {
    last = last.then(async () => {
      const sent = request(target, { method: incoming.method, headers: incoming.headers, agent });
      const [[answer]] = await Promise.all([once(sent, 'response'), pipeline(incoming, sent)]);
      outgoing.writeHead(answer.statusCode, answer.headers);
      await pipeline(answer, outgoing);
    });
    last = last.catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}
