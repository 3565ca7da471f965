import { describe, expect, it } from 'vitest';
import { until } from '../support/service.ts';
import { createHook, createProject, deliverPush, ok, serviceScenario, untilAt, untilSettled } from '../support/service-scenario.ts';

describe('a push and a pull mirror of one project with the same remote', () => {
  it('carry a commit on either side to the other without going round, and keep both sides of a conflict', async () => {
    const { service, forge } = await serviceScenario();
    const [ours, theirs] = [await (await forge('ours')).repository('app'), await (await forge('theirs')).repository('app')];
    const root = await ours.commit();
    const project = await createProject(service, 'group/app', ours.url);
    await service.api('PUT', '/application/settings', { push_min_interval: 1 });
    const { id } = ok(
      await service.api('POST', `/projects/${project}/remote_mirrors`, { url: theirs.url, enabled: true, keep_divergent_refs: true }),
    );
    const [push, pull] = [`/projects/${project}/remote_mirrors/${id}`, `/projects/${project}/mirror/pull`];
    await untilAt(theirs, root);
    ok(await service.api('PUT', pull, { enabled: true, url: theirs.url }));
    await untilSettled(service, pull);
    const hook = await createHook(service, project);
    // As the forges do: an event from the side that was pushed to, by a person or by gitferry.
    const announce = async (): Promise<void> => {
      for (const side of [ours, theirs]) expect((await deliverPush(service, hook, side)).status).toBe(202);
    };

    const fromUs = await ours.commit();
    await announce();
    await untilAt(theirs, fromUs);
    const fromThem = await theirs.commit();
    await announce();
    await untilAt(ours, fromThem);

    const [mine, yours] = [await ours.commit(), await theirs.commit()];
    await announce();
    const diverged = await until('a reported divergence on both mirrors', async () => {
      const both = [ok(await service.api('GET', push)), ok(await service.api('GET', pull))];
      return both.every(({ last_error_code: code, update_status: status }) => /diverged/.test(code) && status === 'failed')
        ? both
        : undefined;
    });
    expect(diverged.map(({ last_error_code: code }) => code)).toEqual(['refs_diverged', 'default_branch_diverged']);
    expect([await ours.at(), await theirs.at()]).toEqual([mine, yours]);

    const runs = async (): Promise<number> =>
      ok(await service.api('GET', `${push}/runs?per_page=100`)).length + ok(await service.api('GET', `${pull}/runs?per_page=100`)).length;
    // Three rounds of two events each, two first runs, and as many follow-ups at most.
    expect(await runs()).toBeLessThanOrEqual(16);
  });
});
