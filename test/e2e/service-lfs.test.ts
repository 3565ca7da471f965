import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { commitTo } from '../support/commit-to.ts';
import { temporaryFolder } from '../support/git.ts';
import { oidOf, pointerTo } from '../support/lfs-scenario.ts';
import { lfsServer } from '../support/lfs-server.ts';
import { until } from '../support/service.ts';
import { createHook, createProject, deliverPush, ok, serviceScenario, untilSettled } from '../support/service-scenario.ts';

it('A mirror remembers LFS objects that could not be copied, names them, and offers them again until they are there', async () => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const { forge, service } = await serviceScenario();
  const [here, there] = [lfsServer({ root: join(folder.path, 'here') }), lfsServer({ root: join(folder.path, 'there') })];
  const [upstream, downstream] = [await forge('up', { intercept: here.handle }), await forge('down', { intercept: there.handle })];
  const [source, target] = [await upstream.repository('app'), await downstream.repository('app')];
  const [kept, lost, later] = ['kept', 'lost', 'later'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
  await here.put(kept);
  await commitTo(source.path, { 'kept.bin': pointerTo(kept), 'lost.bin': pointerTo(lost) });

  ok(await service.api('PUT', '/application/settings', { push_min_interval: 0 }));
  const project = await createProject(service, 'group/app', source.url);
  const { id } = ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url }));
  const mirror = `/projects/${project}/remote_mirrors/${id}`;
  const lastRun = async () => ok(await service.api('GET', `${mirror}/runs/${(await untilSettled(service, mirror)).last_run.id}`));

  // The first run: refs are written, what the source lacks is named.
  expect(await untilSettled(service, mirror)).toMatchObject({
    update_status: 'failed',
    last_error_code: 'lfs_object_missing',
    lfs_failed_objects: 1,
    last_run: { outcome: 'partial', lfs: { moved: 1, skipped: 0, failed: 1, bytes: kept.length } },
  });
  expect((await lastRun()).lfs_failures).toMatchObject([{ oid: oidOf(lost), size: lost.length, code: 'lfs_object_missing' }]);
  expect(await target.refs()).toEqual(await source.refs());
  expect(await there.objects()).toEqual([oidOf(kept)]);

  // An event: only what is new, and what failed before, is asked for.
  await here.put(later);
  await commitTo(source.path, { 'later.bin': pointerTo(later) });
  there.log.length = 0;
  const hook = await createHook(service, project);
  await deliverPush(service, hook, source);
  await until('the second run', async () => ((await there.objects()).includes(oidOf(later)) ? true : undefined));
  expect(await untilSettled(service, mirror)).toMatchObject({ lfs_failed_objects: 1 });
  expect(
    there.log
      .filter(({ kind }) => kind === 'batch')
      .flatMap(({ oids }) => oids)
      .sort(),
  ).toEqual([oidOf(lost), oidOf(later)].sort());

  // It turns up at the source, and no ref has changed.
  await here.put(lost);
  await deliverPush(service, hook, source);
  await until('the repair', async () => ((await there.objects()).includes(oidOf(lost)) ? true : undefined));
  expect(
    await until('success', async () => {
      const shown = ok(await service.api('GET', mirror));
      return shown.update_status === 'finished' ? shown : undefined;
    }),
  ).toMatchObject({ lfs_failed_objects: 0, last_error: null, last_run: { outcome: 'success', lfs: { moved: 1, failed: 0 } } });
});

it('Off means that nobody is asked', async () => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const { forge, service } = await serviceScenario();
  const here = lfsServer({ root: join(folder.path, 'here') });
  const source = await (await forge('up', { intercept: here.handle })).repository('app');
  const target = await (await forge('down')).repository('app');
  await commitTo(source.path, { 'a.bin': pointerTo(Buffer.from('a')) });
  const project = await createProject(service, 'group/app', source.url);
  const { id } = ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, lfs: 'off' }));
  expect(await untilSettled(service, `/projects/${project}/remote_mirrors/${id}`)).toMatchObject({
    update_status: 'finished',
    last_run: { lfs: null },
  });
  expect(here.log).toEqual([]);
});
