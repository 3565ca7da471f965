import { expect, it, onTestFinished } from 'vitest';
import { startReceiver, verified } from '../support/notify-bench.ts';
import { until } from '../support/service.ts';
import { createProject, ok, serviceScenario, untilAt, untilSettled } from '../support/service-scenario.ts';

it('tells a machine which refs moved, and people that a mirror fails and is well again, as the service runs on one machine', async () => {
  const { service, forge } = await serviceScenario();
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  const events = ['mirror.updated', 'mirror.failing', 'mirror.recovered'];
  const { id: channel, signing_secret: secret } = ok(
    await service.api('POST', '/notification_channels', { name: 'builds', kind: 'webhook', url: receiver.url, events }),
  );
  expect(ok(await service.api('POST', `/notification_channels/${channel}/send_test`))).toEqual({ ok: true, answer: 'HTTP 204' });
  const heard = async (count: number) => {
    await until(`${count} messages`, async () => (receiver.received.length >= count ? true : undefined));
    return receiver.received.map((received) => verified(received, secret));
  };
  const [sources, targets] = [await forge('s'), await forge('t')];
  const [source, target] = [await sources.repository('app'), await targets.repository('app')];
  const first = await source.commit();
  const project = await createProject(service, 'group/app', source.url);
  const { id } = ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, enabled: true }));
  const mirror = `/projects/${project}/remote_mirrors/${id}`;
  await untilAt(target, first);
  const [test, updated] = await heard(2);
  expect([test?.type, updated?.type]).toEqual(['channel.test', 'mirror.updated']);
  expect(updated?.data['refs']).toEqual([{ ref: 'refs/heads/main', result: 'created', old: null, new: first }]);
  await untilSettled(service, mirror);
  ok(await service.api('PUT', mirror, { url: targets.server.url('gone.git') }));
  const failing = (await heard(3))[2];
  expect(failing).toMatchObject({ type: 'mirror.failing', data: { error: { code: 'repository_not_found' } } });
  ok(await service.api('PUT', mirror, { url: target.url }));
  expect((await heard(4))[3]?.type).toBe('mirror.recovered');
  const sent = ok(await service.api('GET', `/notification_channels/${channel}/sent_notifications`));
  expect(sent.map(({ state, attempts }: { state: string; attempts: number }) => [state, attempts])).toEqual([
    ['delivered', 1],
    ['delivered', 1],
    ['delivered', 1],
  ]);
});
