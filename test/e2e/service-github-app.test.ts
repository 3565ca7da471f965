import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { git, refsOf } from '../support/git.ts';
import { appId, appKey, startGithubServer } from '../support/github-app-server.ts';
import { until } from '../support/service.ts';
import { createProject, ok, serviceScenario } from '../support/service-scenario.ts';

async function filesBelow(folder: string): Promise<string[]> {
  const paths = (await readdir(folder, { recursive: true })).map((name) => join(folder, name));
  const kinds = await Promise.all(paths.map((path) => stat(path)));
  return paths.filter((_, index) => kinds[index]?.isFile());
}

describe('a service whose mirrors sign in as a GitHub App', () => {
  it('mirrors, renews, tells of a suspension, and writes neither key nor token anywhere', async () => {
    const { service, forge, folder } = await serviceScenario({ GITFERRY_LOG_LEVEL: 'debug' });
    const source = await (await forge('s')).repository('app');
    const first = await source.commit();
    const root = join(folder, 'github');
    const path = join(root, 'acme/app');
    await mkdir(join(root, 'acme'), { recursive: true });
    await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
    await git(path, ['config', 'http.receivepack', 'true']);
    const github = await startGithubServer(root);
    const seen: string[] = [];
    const call = async (method: string, at: string, body?: unknown) => {
      const answer = await service.api(method, at, body);
      seen.push(JSON.stringify(answer.body ?? null));
      return answer;
    };
    const credential = ok(
      await call('POST', '/credentials', {
        ...{ name: 'app', auth_method: 'github_app', app_id: appId, private_key: appKey, allowed_urls: [`${github.git.origin}/acme/`] },
      }),
    );
    const project = await createProject(service, 'group/app', source.url);
    const mirror = ok(
      await call('POST', `/projects/${project}/remote_mirrors`, {
        ...{ url: `${github.git.origin}/acme/app`, credential_id: credential.id, enabled: true },
      }),
    );
    const at = `/projects/${project}/remote_mirrors/${mirror.id}`;
    const settled = (what: string, is: (shown: Record<string, unknown>) => boolean) =>
      until(what, async () => {
        const shown = ok(await call('GET', at));
        return is(shown) ? shown : undefined;
      });
    await settled('first run', ({ update_status: status }) => status === 'finished');
    expect((await refsOf(path))['refs/heads/main']).toBe(first);
    expect(ok(await call('GET', `${at}/plan`)).outcome).toBe('success');

    for (const token of github.tokens) token.isRevoked = true;
    const second = await source.commit();
    await call('POST', `${at}/sync`);
    await until('second commit', async () => ((await refsOf(path))['refs/heads/main'] === second ? true : undefined));
    await settled('second run', ({ update_status: status }) => status === 'finished');

    github.state.isSuspended = true;
    for (const token of github.tokens) token.isRevoked = true;
    await source.commit();
    await call('POST', `${at}/sync`);
    const failed = await settled('refusal', ({ update_status: status }) => status === 'failed');
    seen.push(JSON.stringify(failed));
    await service.end();
    await github.git.close();
    expect(github.tokens.length).toBeGreaterThan(1);
    const files = process.env['GITFERRY_TEST_AWS'] === 'moto' ? [] : await filesBelow(join(folder, 'data'));
    const texts = [service.output(), ...seen, ...(await Promise.all(files.map((file) => readFile(file, 'latin1'))))];
    const secrets = [
      ...github.tokens.map(({ token }) => token),
      ...appKey.split('\n').filter((line) => line.length > 40 && !line.startsWith('-')),
    ];
    for (const secret of secrets)
      expect(
        texts.filter((text) => text.includes(secret) || text.includes(encodeURIComponent(secret))).map((text) => text.slice(0, 200)),
      ).toEqual([]);
    expect(texts.filter((text) => /eyJhbGciOiJSUzI1NiI/.test(text))).toEqual([]);
  });
});
