import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from '../support/service.ts';
import { createHook, createProject, deliverPush, ok, serviceScenario } from '../support/service-scenario.ts';

/** Each is unlike anything else, also in part; with characters that are escaped in URLs, JSON and HTML. */
const canaries = {
  ofSource: 'canary/src+"p@ss"%41 1',
  ofTarget: 'canary-target-ghp_Zk81<&>',
  tokenAsUser: 'canarytokenuser7ghijk',
  shared: 'canary:shared:credential:93',
  rotated: 'canary-rotated-credential-55',
};

/** In the forms that a careless program would print. */
function formsOf(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ];
}

async function filesBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  const paths = names.map((name) => join(folder, name));
  const kinds = await Promise.all(paths.map((path) => stat(path)));
  return paths.filter((_, index) => kinds[index]?.isFile());
}

describe('secrets that the running service is given', () => {
  it('are in no answer, no log line, no record and no file, whatever fails', async () => {
    const { service, forge, folder } = await serviceScenario({ GITFERRY_LOG_LEVEL: 'debug' });
    // A host that repeats what it was told, in every place that ends up in a message.
    const echo = await forge('e', {
      intercept({ request, response, isRpc }) {
        const told = Buffer.from(String(request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
        const words = `no access for ${told} (${request.headers.authorization})`;
        if (isRpc || request.url?.includes('forbidden')) response.writeHead(403, { 'content-type': 'text/plain' }).end(words);
        else if (request.url?.includes('moved')) response.writeHead(302, { location: `http://${told}@127.0.0.1:1/x` }).end();
        else if (request.url?.includes('broken')) response.writeHead(500, { 'content-type': 'text/plain' }).end(words);
        else response.writeHead(401, { 'www-authenticate': `Basic realm="${told.replaceAll('"', '')}"` }).end(words);
        return true;
      },
    });
    const source = await (await forge('s')).repository('app');
    await source.commit();
    const seen: string[] = [];
    const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const answer = await service.api(method, path, body);
      seen.push(`${method} ${path} ${JSON.stringify([...answer.headers])} ${JSON.stringify(answer.body)}`);
      return answer.body;
    };
    const withUserInfo = (url: string, user: string, password: string): string =>
      url.replace('://', `://${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);

    const project = await createProject(service, 'group/app', source.url);
    const refused = await createProject(service, 'group/refused', withUserInfo(echo.server.url('src.git'), 'ada', canaries.ofSource));
    const shared = ok(
      await service.api('POST', '/credentials', {
        name: 'shared',
        username: 'bob',
        password: canaries.shared,
        allowed_urls: [new URL('/', echo.server.url('')).href],
      }),
    );
    const mirrors: string[] = [];
    const add = async (id: number, body: object): Promise<void> => {
      const made = ok(await service.api('POST', `/projects/${id}/remote_mirrors`, { enabled: true, ...body }));
      mirrors.push(`/projects/${id}/remote_mirrors/${made.id}`);
      seen.push(JSON.stringify(made));
    };
    for (const place of ['unauthorised', 'forbidden', 'moved', 'broken']) {
      await add(project, { url: withUserInfo(echo.server.url(`${place}.git`), 'ada', canaries.ofTarget) });
      await add(project, { url: echo.server.url(`${place}-shared.git`), credential_id: shared.id });
      await add(project, { url: echo.server.url(`${place}-token.git`).replace('://', `://${canaries.tokenAsUser}@`) });
    }
    await add(refused, { url: echo.server.url('never.git') });
    await call('PUT', `/projects/${project}/mirror/pull`, {
      enabled: true,
      url: withUserInfo(echo.server.url('pull.git'), 'eve', canaries.ofTarget),
    });
    // What people get wrong.
    await call('POST', `/projects/${project}/remote_mirrors`, { url: `https://me:${canaries.ofTarget}@`, enabled: 'maybe' });
    await call('POST', `/projects/${project}/remote_mirrors`, { url: `me:${canaries.ofTarget}@github.com:group/x.git` });
    await call('POST', '/credentials', { name: 'x', username: 'y', password: canaries.shared, extra: canaries.shared });
    await call('PUT', `/credentials/${shared.id}`, { password: canaries.rotated });

    for (const mirror of mirrors)
      await until(`${mirror} has run`, async () => (ok(await service.api('GET', mirror)).last_run === null ? undefined : true));
    const hook = await createHook(service, project);
    expect((await deliverPush(service, { ...hook, secret: 'wrong' }, source)).status).toBe(401);
    expect((await deliverPush(service, hook, source)).status).toBe(202);
    for (const mirror of mirrors) {
      await call('GET', mirror);
      await call('GET', `${mirror}/plan`);
      for (const { id } of (await call('GET', `${mirror}/runs`)) as { id: string }[]) await call('GET', `${mirror}/runs/${id}`);
    }
    for (const path of [
      '/projects',
      '/credentials',
      '/personal_access_tokens',
      `/projects/${project}/incoming_hooks`,
      `/projects/${refused}`,
      `/projects/${project}/mirror/pull`,
      `/projects/${project}/events`,
    ])
      await call('GET', path);
    await service.end();

    // On moto nothing is kept in files.
    const files = process.env['GITFERRY_TEST_AWS'] === 'moto' ? [] : await filesBelow(join(folder, 'data'));
    const texts = [service.output(), ...seen, ...(await Promise.all(files.map((path) => readFile(path, 'latin1'))))];
    expect(seen.length).toBeGreaterThan(50);
    expect(service.output()).toContain('run_finished');
    for (const [name, secret] of Object.entries({ ...canaries, hook: hook.secret, hookToken: hook.url.split('/').at(-1) ?? '' })) {
      const found = texts.filter((text) => formsOf(secret).some((form) => text.includes(form)));
      expect([name, found.map((text) => text.slice(0, 300))]).toEqual([name, []]);
    }
  });
});
