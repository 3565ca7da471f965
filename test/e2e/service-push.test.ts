import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import { until } from '../support/service.ts';
import { createHook, createProject, deliverPush, ok, serviceScenario, untilAt, untilSettled } from '../support/service-scenario.ts';

describe('a push mirror of the running service', () => {
  it('starts by itself, follows each signed event, and records what happened to every ref', async () => {
    const { service, forge } = await serviceScenario();
    const [source, target] = [await (await forge('s')).repository('app'), await (await forge('t')).repository('app')];
    const first = await source.commit();
    const project = await createProject(service, 'group/app', source.url);
    const mirror = ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, enabled: true }));
    await untilAt(target, first);
    const path = `/projects/${project}/remote_mirrors/${mirror.id}`;
    expect(await untilSettled(service, path)).toMatchObject({
      update_status: 'finished',
      last_error: null,
      last_run: { outcome: 'success' },
    });

    const hook = await createHook(service, project);
    const second = await source.commit();
    expect(await deliverPush(service, hook, source)).toMatchObject({ status: 202, body: { status: 'queued' } });
    await untilAt(target, second);
    await git(target.path, ['fsck', '--strict']);
    await until('two runs', async () => (ok(await service.api('GET', `${path}/runs`)).length === 2 ? true : undefined));
    const [run] = ok(await service.api('GET', `${path}/runs`));
    const { refs, trigger } = ok(await service.api('GET', `${path}/runs/${run.id}`));
    expect(trigger).toMatchObject({ kind: 'event' });
    expect(refs).toEqual([{ ref: 'refs/heads/main', result: 'updated', old: first, new: second, reason: null }]);
    const [event] = ok(await service.api('GET', `/projects/${project}/events`));
    expect(event).toMatchObject({ ref: 'refs/heads/main', new: second });
    expect(ok(await service.api('GET', `/projects/${project}`))).toMatchObject({ default_branch: 'main' });
  });

  it('takes 1,000 events within seconds, merges them into at most 4 runs, and mirrors the last state', async () => {
    const { service, forge } = await serviceScenario();
    const [source, target] = [await (await forge('s')).repository('app'), await (await forge('t')).repository('app')];
    await source.commit();
    const project = await createProject(service, 'group/app', source.url);
    const { id } = ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, enabled: true }));
    const path = `/projects/${project}/remote_mirrors/${id}`;
    await untilSettled(service, path);
    const hook = await createHook(service, project);
    const statuses = new Map<number, number>();
    let last = '';
    const startedAt = Date.now();
    for (let round = 0; round < 20; round++) {
      last = await source.commit();
      for (const { status } of await Promise.all(Array.from({ length: 50 }, () => deliverPush(service, hook, source))))
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect([...statuses]).toEqual([[202, 1000]]);
    await untilAt(target, last);
    const seconds = (Date.now() - startedAt) / 1000;
    await until('quiet', async () => {
      const { update_status: status, next_run_at: next } = ok(await service.api('GET', path));
      return status === 'finished' && Date.parse(next) > Date.now() + 60_000 ? true : undefined;
    });
    const runs = ok(await service.api('GET', `${path}/runs`)).length - 1;
    // 10 seconds lie between the starts of two runs: on a slow machine the events themselves take longer.
    expect(runs).toBeLessThanOrEqual(4 + Math.floor(seconds / 10));
  });

  it('mirrors 100 mirrors that are pushed at once, each by itself', async () => {
    const { service, forge } = await serviceScenario();
    const source = await (await forge('s')).repository('app');
    const targets = await forge('t');
    const first = await source.commit();
    const project = await createProject(service, 'group/app', source.url);
    // 20 repositories are enough for 100 mirrors: each has its own branch.
    const repositories = await Promise.all(Array.from({ length: 20 }, (_, index) => targets.repository(`m${index}`)));
    const mirrors: { readonly path: string; readonly branch: string; readonly target: number }[] = [];
    for (let index = 0; index < 100; index++) {
      const target = index % 20;
      const projectOfMirror = index < 20 ? project : await createProject(service, `group/app${index}`, source.url);
      const branch = `b${index}`;
      const { id } = ok(
        await service.api('POST', `/projects/${projectOfMirror}/remote_mirrors`, {
          url: repositories[target]?.url,
          enabled: false,
          mirror_branch_regex: `^${branch}$`,
        }),
      );
      mirrors.push({ path: `/projects/${projectOfMirror}/remote_mirrors/${id}`, branch, target });
    }
    await git(source.path, ['update-ref', '--stdin'], {
      input: mirrors.map(({ branch }) => `create refs/heads/${branch} ${first}\n`).join(''),
    });
    for (const { path } of mirrors) ok(await service.api('PUT', path, { enabled: true }));
    for (const { branch, target } of mirrors) {
      const repository = repositories[target];
      if (repository !== undefined) await untilAt(repository, first, branch, 110_000);
    }
    expect(service.output()).not.toContain('lease_lost');
  }, 240_000);
});
