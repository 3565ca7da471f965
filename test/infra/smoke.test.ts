import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunningService } from '../support/service.ts';
import { ok, type ServiceScenario, serviceScenario, type TestRepository } from '../support/service-scenario.ts';

const script = new URL('../../infra/smoke.mjs', import.meta.url).pathname;
const token = 'test-admin-token';

interface Smoke {
  /** With the exit status. */
  readonly ended: Promise<number | null>;
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** When a line with this text has been printed. */
  until(text: string): Promise<void>;
}

function smoke(args: readonly string[], input?: string): Smoke {
  const child = spawn(process.execPath, [script, ...args], { env: { PATH: process.env['PATH'] }, stdio: ['pipe', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end(input ?? '');
  let output = '';
  const waiting: { text: string; resolve: () => void }[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const { text, resolve } of waiting) if (output.includes(text)) resolve();
    });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    ended,
    output: () => output,
    signal: (name) => void child.kill(name),
    until: (text) =>
      new Promise((resolve, reject) => {
        waiting.push({ text, resolve });
        if (output.includes(text)) resolve();
        void ended.then(() => reject(new Error(`"${text}" was not printed: ${output}`)));
      }),
  };
}

interface Place extends ServiceScenario {
  readonly source: TestRepository;
  readonly target: TestRepository;
  readonly args: readonly string[];
}

async function place(): Promise<Place> {
  const scenario = await serviceScenario();
  const source = await (await scenario.forge('s')).repository('app');
  const target = await (await scenario.forge('t')).repository('app');
  await source.commit();
  ok(await scenario.service.api('PUT', '/application/settings', { push_min_interval: 1 }));
  const args = ['--url', scenario.service.origin, '--token', token, '--source', source.url, '--target', target.url];
  return Object.assign(scenario, { source, target, args });
}

const projects = async (service: RunningService) => ok(await service.api('GET', '/projects'));

describe('npm run smoke', () => {
  it('mirrors, follows a webhook, compares, and leaves nothing behind but the mirrored refs', async () => {
    const { service, source, target, args } = await place();
    const { ended, output } = smoke(args);
    expect(await ended, output()).toBe(0);
    expect(await target.refs()).toEqual(await source.refs());
    expect(output()).toContain('both repositories have the same refs');
    expect(output()).not.toContain(token);
    expect(await projects(service)).toEqual([]);

    // Once more, one branch only, with the token as a deployment's secret holds it, from standard input.
    const other = await source.commit('other');
    const main = await target.at();
    await source.commit();
    const rest = [
      '--url',
      `${service.origin}/api/v4`,
      '--token-file',
      '-',
      '--source',
      source.url,
      '--target',
      target.url,
      '--branch',
      'other',
    ];
    const again = smoke(rest, JSON.stringify({ token }));
    expect(await again.ended, again.output()).toBe(0);
    expect([await target.at('other'), await target.at()]).toEqual([other, main]);
  });

  it('fails with the reason where a branch has diverged, which it leaves alone, and cleans up', async () => {
    const { service, target, args } = await place();
    const own = await target.commit();
    const { ended, output } = smoke(args);
    expect(await ended).toBe(1);
    expect(output()).toMatch(/FAILED {2}first run: partial: .*diverged/s);
    expect(await target.at()).toBe(own);
    expect(await projects(service)).toEqual([]);
  });

  it('cleans up when it is interrupted', async () => {
    const { service, args } = await place();
    const running = smoke(args);
    await running.until('ok  first run');
    running.signal('SIGINT');
    expect(await running.ended, running.output()).toBe(130);
    expect(running.output()).toContain('removed again');
    expect(await projects(service)).toEqual([]);
  });

  it('says what it had to leave behind', async () => {
    const { service, args } = await place();
    const running = smoke(args);
    await running.until('ok  first run');
    await service.end('SIGKILL');
    expect(await running.ended, running.output()).toBe(3);
    expect(running.output()).toMatch(/The project gitferry-smoke\/[0-9a-f]+ was left behind/);
  });

  it('fails, and tells no secret, where the token is refused', async () => {
    const { folder, service, source, target } = await place();
    const file = join(folder, 'token');
    await writeFile(file, 'not-the-token\n');
    const withPassword = source.url.replace('://', '://user:secret%40word@');
    const { ended, output } = smoke(['--url', service.origin, '--token-file', file, '--source', withPassword, '--target', target.url]);
    expect(await ended).toBe(1);
    expect(output()).toContain('401');
    for (const secret of ['not-the-token', 'secret%40word', 'secret@word']) expect(output()).not.toContain(secret);
  });

  const complete = [
    '--url',
    'https://g.example.org',
    '--token',
    'a-long-token',
    '--source',
    'https://a.example.org/a.git',
    '--target',
    'https://b.example.org/b.git',
  ];
  it.each<[string, readonly string[], RegExp]>([
    ['nothing', [], /--(url|token)/],
    ['no target', complete.slice(0, 6), /--target is missing/],
    ['no token', [...complete.slice(0, 2), ...complete.slice(4)], /--token or --token-file/],
    ['both tokens', [...complete, '--token-file', 'x'], /--token or --token-file/],
    ['a token file that is not there', [...complete.slice(0, 2), '--token-file', '/none/at/all', ...complete.slice(4)], /cannot be read/],
    ['an address in the clear', ['--url', 'http://g.example.org', ...complete.slice(2)], /--url takes an https/],
    ['no URL', [...complete.slice(0, 6), '--target', 'pass:word'], /--target (is no URL|takes an https)/],
    ['SSH', [...complete.slice(0, 6), '--target', 'ssh://git@b.example.org/b.git'], /--target takes an https/],
    ['no time', [...complete, '--timeout', '0'], /--timeout/],
    ['an unknown option', [...complete, '--force'], /--force/],
  ])('refuses %s with its usage', async (_what, args, words) => {
    const { ended, output } = smoke(args);
    expect(await ended).toBe(2);
    expect(output()).toMatch(words);
    expect(output()).toContain('Usage: npm run smoke');
  });
});
