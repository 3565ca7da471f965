/** `npm start` on a full disk: 503, one line in the log, and recovery when there is room. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AwsClients, createAwsClients } from '../../lib/aws/clients.ts';
import { createResources } from '../../lib/aws/create-resources.ts';
import { isAvailable } from '../support/programs.ts';
import { startService, until } from '../support/service.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { bundleModule } from './bundled-module.ts';

const MiB = 1024 * 1024;
let disk: SmallDisk;

describe.runIf(isAvailable('mount'))('a disk that is full', () => {
  beforeEach(() => {
    disk = mountSmallDisk(48);
  });
  afterEach(() => disk.remove());

  const lines = (output: string, event: string) =>
    output.split('\n').flatMap((line) => {
      const parsed = line.startsWith('{') ? JSON.parse(line) : {};
      return parsed.event === event ? [parsed] : [];
    });

  it('gives 503 to who writes, answers who reads, one line in the log, and all as before when there is room', async () => {
    const service = await startService({ folder: disk.path });
    const create = (path: string) => service.api('POST', '/projects', { path, repository_url: 'https://git.example.org/a.git' });
    const kept = await create('group/kept');
    expect(kept.status).toBe(201);
    disk.fill(1 * MiB);
    for (const path of ['group/a', 'group/b']) {
      const refused = await create(path);
      expect([refused.status, refused.body.code]).toEqual([503, 'storage_unavailable']);
    }
    // Secrets are files of their own, but the audit trail comes first: what cannot be on record is not done.
    disk.fill(0);
    const withSecret = { name: 'n', username: 'u', password: 'p', allowed_urls: ['https://git.example.org/'] };
    const refused = await service.api('POST', '/credentials', withSecret);
    expect([refused.status, refused.body.code]).toEqual([503, 'storage_unavailable']);
    expect((await service.api('GET', `/projects/${kept.body.id}`)).status).toBe(200);
    expect(lines(service.output(), 'disk_full')).toMatchObject([{ level: 'error', detail: expect.stringContaining('KiB are free') }]);

    disk.empty();
    expect((await create('group/after')).status).toBe(201);
    expect(lines(service.output(), 'disk_has_room')).toHaveLength(1);
    expect(service.output()).not.toContain('LEVEL_IO_ERROR');
    expect(await service.end()).toBe(0);
  });

  it('is named by what does not start on it, which blames nobody else', async () => {
    const first = await startService({ folder: disk.path });
    expect(await first.end()).toBe(0);
    disk.fill(1 * MiB);
    const start = startService({ folder: disk.path });
    await expect(start).rejects.toThrow(/GITFERRY_DATA_DIR: nothing can be written to .*: the disk is full: \d+ KiB are free/);
    await expect(start).rejects.not.toThrow('another gitferry');
    disk.empty();
    const again = await startService({ folder: disk.path });
    expect(await again.end()).toBe(0);
  });

  it('loses nothing that was taken, also where somebody else takes the reserve between a look and a write', async () => {
    const worker = await bundleModule('lib/local/table-endpoint.ts');
    const data = join(disk.path, 'data');
    let table = await startTable(worker.url, data);
    let clients = clientsOf(table.origin);
    await createResources(clients, 'gitferry', 'queue').catch(() => undefined);
    disk.fill(1 * MiB);
    const taken: string[] = [];
    const put = async (id: string): Promise<boolean> => {
      const item = { pk: id, sk: 'x', text: 'x'.repeat(20_000) };
      const done = await clients.dynamo.send(new PutCommand({ TableName: 'gitferry', Item: item })).then(
        () => true,
        () => false,
      );
      if (done) taken.push(id);
      return done;
    };
    let count = 0;
    while (await put(`before-${count}`)) count++;
    expect(count).toBeGreaterThan(5);
    await until('a failure', async () => (table.output().includes('table_failed') ? true : undefined));
    expect(table.child.exitCode).toBeNull();
    disk.empty();
    await until('room', async () => ((await put('first')) ? true : undefined));
    for (let index = 0; index < 50; index++) expect(await put(`after-${index}`)).toBe(true);

    // LevelDB reads its log again, and what it took after a write that failed half-way would not be there.
    table.child.kill('SIGKILL');
    await once(table.child, 'exit');
    clients.close();
    const failed = table.output();
    table = await startTable(worker.url, data);
    clients = clientsOf(table.origin);
    for (const id of taken) {
      const { Item: item } = await clients.dynamo.send(new GetCommand({ TableName: 'gitferry', Key: { pk: id, sk: 'x' } }));
      expect(item?.['pk'], id).toBe(id);
    }
    expect(failed).toContain('table_reopened');
    clients.close();
    table.child.kill('SIGKILL');
    await once(table.child, 'exit');
    worker.remove();
  });
});

/** The table in a process of its own, which believes that there is always room. */
async function startTable(url: URL, folder: string): Promise<{ child: ChildProcess; origin: string; output(): string }> {
  const script = `
    const { mkdirSync } = await import('node:fs');
    const { startTableEndpoint } = await import(${JSON.stringify(url.href)});
    mkdirSync(${JSON.stringify(folder)}, { recursive: true });
    const table = await startTableEndpoint({
      folder: ${JSON.stringify(folder)}, accessKeyId: undefined, report: (event) => console.log(event), shortage: () => undefined,
    });
    process.on('uncaughtException', (error) => { if (!table.recoverFrom(error)) throw error; });
    console.log(table.origin);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const reader = createInterface({ input: child.stdout! });
  reader.on('line', (line) => {
    output += `${line}\n`;
  });
  const [origin] = (await once(reader, 'line')) as [string];
  return { child, origin, output: () => output };
}

function clientsOf(origin: string): AwsClients {
  Object.assign(process.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_DYNAMODB: origin,
    // Nothing is sent there.
    AWS_ENDPOINT_URL_SQS: origin,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: origin,
  });
  return createAwsClients();
}
