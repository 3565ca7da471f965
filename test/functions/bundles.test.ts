import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const dist = new URL('../../dist/functions/', import.meta.url).pathname;
const MB = 1024 * 1024;
const names = ['webhook', 'api', 'worker', 'schedule', 'update-now', 'notify', 'dead-letter'];

async function bytesOf(name: string): Promise<number> {
  const files = (await readdir(join(dist, name))).filter((file) => file.endsWith('.js'));
  const sizes = await Promise.all(files.map((file) => stat(join(dist, name, file))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

describe('the bundles of the Lambda functions', () => {
  it('are there, each in a folder of its own', async () => {
    expect((await readdir(dist)).sort()).toEqual([...names].sort());
  });

  it.each(names)('%s is small enough to start quickly', async (name) => {
    expect(await bytesOf(name)).toBeLessThanOrEqual(name === 'webhook' ? 1.5 * MB : 5 * MB);
  });

  it.each(names)('%s has a handler when its settings are there', async (name) => {
    const script = `import(${JSON.stringify(join(dist, name, 'index.js'))}).then(({ handler }) => process.stdout.write(typeof handler))`;
    const environment = {
      GITFERRY_TABLE: 'gitferry',
      GITFERRY_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/1/gitferry',
      GITFERRY_PUBLIC_URL: 'https://g.example.org',
    };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
      env: { PATH: process.env['PATH'], AWS_REGION: 'us-east-1', ...environment },
    });
    expect(stdout).toBe('function');
  });

  it.each(names)('%s names every setting that is missing, and starts without none of them', async (name) => {
    const script = `import(${JSON.stringify(join(dist, name, 'index.js'))}).catch(({ code, message }) => process.stdout.write(code + ' ' + message))`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], {
      env: { PATH: process.env['PATH'], AWS_REGION: 'us-east-1' },
    });
    expect(stdout).toContain('invalid_settings');
    for (const setting of ['GITFERRY_TABLE', 'GITFERRY_QUEUE_URL', ...(['api', 'notify'].includes(name) ? ['GITFERRY_PUBLIC_URL'] : [])])
      expect(stdout).toContain(setting);
  });
});
