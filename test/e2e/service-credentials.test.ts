import { describe, expect, it } from 'vitest';
import { until } from '../support/service.ts';
import { createProject, ok, serviceScenario, untilAt, untilSettled } from '../support/service-scenario.ts';

describe('shared credentials of the running service', () => {
  it('carry 20 mirrors from a person who leaves to a service account in one call', async () => {
    const { service, forge } = await serviceScenario();
    const source = await (await forge('s')).repository('app');
    const users: (string | undefined)[] = [];
    const targets = await forge('t', {
      intercept({ request }) {
        const user = Buffer.from(request.headers.authorization?.slice('Basic '.length) ?? '', 'base64')
          .toString()
          .split(':')[0];
        users.push(user);
        return false;
      },
    });
    const first = await source.commit();
    const allowed_urls = [new URL('/', (await targets.repository('m')).url).href];
    const leaving = ok(
      await service.api('POST', '/credentials', { name: 'grace', username: 'grace', password: 'old-secret-of-grace', allowed_urls }),
    );
    const account = ok(
      await service.api('POST', '/credentials', { name: 'robot', username: 'robot', password: 'secret-of-the-robot', allowed_urls }),
    );
    const project = await createProject(service, 'group/app', source.url);
    const paths: string[] = [];
    for (let index = 0; index < 20; index++) {
      const { url } = await targets.repository(`m${index}`);
      const { id } = ok(
        await service.api('POST', `/projects/${project}/remote_mirrors`, { url, enabled: true, credential_id: leaving.id }),
      );
      paths.push(`/projects/${project}/remote_mirrors/${id}`);
    }
    for (const path of paths) await untilSettled(service, path);
    expect(new Set(users)).toEqual(new Set(['grace']));

    users.length = 0;
    expect(ok(await service.api('POST', `/credentials/${leaving.id}/transfer`, { to: account.id }))).toMatchObject({ mirrors: 20 });
    for (const path of paths) expect((await service.api('POST', `${path}/sync`)).status).toBe(204);
    for (const path of paths)
      await until('a second run', async () => (ok(await service.api('GET', `${path}/runs`)).length >= 2 ? true : undefined));
    expect(new Set(users)).toEqual(new Set(['robot']));
    expect((await service.api('DELETE', `/credentials/${leaving.id}`)).status).toBe(204);
    expect(first).toBeDefined();
    expect(service.output()).not.toMatch(/old-secret-of-grace|secret-of-the-robot/);
  });

  it('heal a failing mirror when its password is changed, without making it anew', async () => {
    const { service, forge } = await serviceScenario();
    const source = await (await forge('s')).repository('app');
    const target = await (await forge('t', { basic: { username: 'ada', password: 'the-new-password' } })).repository('app');
    const commit = await source.commit();
    const credential = ok(
      await service.api('POST', '/credentials', { name: 'ada', username: 'ada', password: 'the-old-password', allowed_urls: [target.url] }),
    );
    const project = await createProject(service, 'group/app', source.url);
    const { id } = ok(
      await service.api('POST', `/projects/${project}/remote_mirrors`, { url: target.url, enabled: true, credential_id: credential.id }),
    );
    const path = `/projects/${project}/remote_mirrors/${id}`;
    expect(await untilSettled(service, path)).toMatchObject({
      update_status: 'failed',
      last_run: { error: { code: 'credentials_refused' } },
    });
    ok(await service.api('PUT', `/credentials/${credential.id}`, { password: 'the-new-password' }));
    await untilAt(target, commit);
    await until('success', async () => (ok(await service.api('GET', path)).update_status === 'finished' ? true : undefined));
    expect(service.output()).not.toMatch(/the-(old|new)-password/);
  });
});
