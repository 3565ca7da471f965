import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { until } from '../support/service.ts';
import { createHook, createProject, deliverPush, ok, serviceScenario, untilAt, untilSettled } from '../support/service-scenario.ts';

/** A commit with a file that takes a while to carry at the speed of the server. */
async function commitLarge(path: string, bytes: number): Promise<string> {
  const data = randomBytes(bytes);
  const head = `commit refs/heads/main\ncommitter T <t@e> 1700000000 +0000\ndata 1\nx\nM 100644 inline f\ndata ${data.length}\n`;
  await git(path, ['fast-import', '--quiet'], { input: Buffer.concat([Buffer.from(head), data, Buffer.from('\n')]) });
  return git(path, ['rev-parse', 'refs/heads/main']);
}

describe('the running service, ended in the middle of a run', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s in the middle of its pack: completes the mirror by itself after the next start',
    async (signal) => {
      const scenario = await serviceScenario();
      const { service, forge, restart } = scenario;
      let isRelaying: () => void = () => {};
      const relaying = new Promise<void>((resolve) => {
        isRelaying = resolve;
      });
      let bytes = 0;
      const slow = await forge('s', { answerBytesPerSecond: 400_000 });
      const targets = await forge('t', {
        onRequestBytes(_service, chunk) {
          bytes += chunk.length;
          if (bytes > 100_000) isRelaying();
        },
      });
      const [source, target] = [await slow.repository('app'), await targets.repository('app')];
      const commit = await commitLarge(source.path, 2_000_000);
      const project = await createProject(service, 'group/app', source.url);
      const { id } = ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, enabled: true }));
      await relaying;
      await restart(signal);
      expect(await target.refs()).toEqual({});
      await untilAt(target, commit, 'main', 115_000);
      await git(target.path, ['fsck', '--strict']);
      const path = `/projects/${project}/remote_mirrors/${id}`;
      await until('a truthful record', async () =>
        ok(await scenario.service.api('GET', path)).update_status === 'finished' ? true : undefined,
      );
      expect(ok(await scenario.service.api('GET', `${path}/runs`))[0]).toMatchObject({ outcome: 'success' });
    },
    240_000,
  );

  it('keeps projects, mirrors, hooks, credentials and what was waiting', async () => {
    const scenario = await serviceScenario();
    const { forge } = scenario;
    const source = await (await forge('s', { basic: { username: 'ada', password: 'reads-the-source' } })).repository('app');
    const target = await (await forge('t')).repository('app');
    await source.commit();
    const project = await createProject(scenario.service, 'group/app', source.url, { username: 'ada', password: 'reads-the-source' });
    const { id } = ok(await scenario.service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, enabled: true }));
    const path = `/projects/${project}/remote_mirrors/${id}`;
    const before = await untilSettled(scenario.service, path);
    const hook = await createHook(scenario.service, project);
    ok(await scenario.service.api('PUT', '/application/settings', { silent_mode_enabled: true, push_min_interval: 0 }));
    const commit = await source.commit();
    expect((await deliverPush(scenario.service, hook, source)).status).toBe(202);

    const service = await scenario.restart('SIGKILL');
    expect(ok(await service.api('GET', path))).toMatchObject({ last_successful_update_at: before.last_successful_update_at });
    expect(await target.at()).not.toBe(commit);
    ok(await service.api('PUT', '/application/settings', { silent_mode_enabled: false }));
    await untilAt(target, commit);
    const next = await source.commit();
    const moved = { ...hook, url: hook.url.replace(/^http:\/\/[^/]+/, service.origin) };
    expect((await deliverPush(service, moved, source)).status).toBe(202);
    await untilAt(target, next);
  });
});
