import { describe, expect, it } from 'vitest';
import { createHook, createProject, deliverPush, ok, serviceScenario, untilAt, untilSettled } from '../support/service-scenario.ts';

describe('silent mode of the running service', () => {
  it('lets nothing move while it is on, and carries everything out that was asked for when it is lifted', async () => {
    const { service, forge } = await serviceScenario();
    const sources = await forge('s');
    const targets = await forge('t');
    const pairs = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const [source, target] = [await sources.repository(`app${index}`), await targets.repository(`app${index}`)];
        const first = await source.commit();
        const project = await createProject(service, `group/app${index}`, source.url);
        const { id } = ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, enabled: true }));
        await untilSettled(service, `/projects/${project}/remote_mirrors/${id}`);
        return { source, target, first, hook: await createHook(service, project), sync: `/projects/${project}/remote_mirrors/${id}/sync` };
      }),
    );
    ok(await service.api('PUT', '/application/settings', { silent_mode_enabled: true, push_min_interval: 0 }));
    const before = [sources.server.log.length, targets.server.log.length];
    const wanted: string[] = [];
    for (const { source, hook, sync } of pairs) {
      wanted.push(await source.commit());
      for (let event = 0; event < 10; event++) expect((await deliverPush(service, hook, source)).status).toBe(202);
      expect((await service.api('POST', sync)).status).toBe(204);
    }
    for (const { target, first } of pairs) expect(await target.at()).toBe(first);
    expect([sources.server.log.length, targets.server.log.length]).toEqual(before);
    ok(await service.api('PUT', '/application/settings', { silent_mode_enabled: false }));
    for (const [index, { target }] of pairs.entries()) await untilAt(target, wanted[index] ?? '');
  });
});
