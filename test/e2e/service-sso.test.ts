import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { temporaryFolder } from '../support/git.ts';
import { startIdentityProvider } from '../support/identity-provider.ts';
import { isAvailable } from '../support/programs.ts';
import { startService } from '../support/service.ts';
import { createProject } from '../support/service-scenario.ts';

async function textsBelow(folder: string): Promise<string[]> {
  const paths = (await readdir(folder, { recursive: true })).map((name) => join(folder, name));
  const kinds = await Promise.all(paths.map((path) => stat(path)));
  return Promise.all(paths.filter((_, index) => kinds[index]?.isFile()).map((path) => readFile(path, 'latin1')));
}

/** `npm start`, a real identity provider, a real browser between them. */
describe.skipIf(!isAvailable('chromium'))('single sign-on in a browser', () => {
  it('lets in by groups, ends here and at the provider, and leaves the token when the provider is down', async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const file = join(folder.path, 'sso.json');
    await writeFile(file, '{"providers":[]}', { mode: 0o600 });
    const environment = { GITFERRY_SSO_FILE: file, GITFERRY_LOG_LEVEL: 'debug' };
    const service = await startService({ folder: folder.path, environment });
    onTestFinished(async () => void (await service.end('SIGKILL')));
    const { origin } = service;
    const provider = await startIdentityProvider({ site: origin });
    onTestFinished(provider.close);
    await writeFile(file, JSON.stringify({ providers: [provider.settings()] }));
    provider.accounts.set('ada', { groups: ['owners'] });
    const project = await createProject(service, 'team/app', 'https://git.example.org/team/app.git');

    const { page, context, complaints, accessibilityViolations } = await openBrowser(origin);
    page.setDefaultTimeout(30_000);
    const requested: string[] = [];
    page.on('request', (request) => requested.push(`${request.url()} ${request.headers()['referer'] ?? ''}`));
    // The provider's pages ask for a font.
    await context.route(/^https:/, (route) => route.abort());
    const signIn = async (login: string): Promise<void> => {
      await page.getByRole('link', { name: 'Sign in with Example Company' }).click();
      await page.locator('input[name=login]').fill(login);
      await page.locator('input[name=password]').fill('any');
      await page.locator('button[type=submit]').click();
    };

    await page.goto(`${origin}/projects/${project}`);
    expect(await accessibilityViolations()).toEqual([]);
    await signIn('ada');
    await page.getByRole('heading', { name: 'team/app' }).waitFor();
    expect(page.url()).toBe(`${origin}/projects/${project}`);
    await page.locator('details.account summary').click();
    await page.getByText('ada (company)').waitFor();
    // In the clear, so without the prefix; over https test/console/single-sign-on.test.ts sees the others.
    const cookies = (await context.cookies(origin)).filter(({ name }) => name.startsWith('gitferry-'));
    expect(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]).sort()).toEqual([
      ['gitferry-provider', true, 'Lax'],
      ['gitferry-session', true, 'Lax'],
    ]);

    // A form, on the person's behalf.
    await page.goto(`${origin}/settings`);
    await page.getByRole('checkbox', { name: 'Silent mode' }).check();
    await page.getByRole('button', { name: 'Save silent mode' }).click();
    await page.locator('.message-done').waitFor();

    // A session that is over goes through the provider, which asks nothing; the role is that of now.
    provider.accounts.set('ada', { groups: ['readers'] });
    await context.clearCookies({ name: 'gitferry-session' });
    await page.goto(`${origin}/projects/${project}`);
    await page.getByRole('heading', { name: 'team/app' }).waitFor();
    expect(page.url()).toBe(`${origin}/projects/${project}`);
    expect((await page.goto(`${origin}/settings`))?.status()).toBe(403);
    await page.goto(`${origin}/`);

    // Out here and there: the next sign-in asks for a password again.
    await page.locator('details.account summary').click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await page.waitForURL(`${origin}/sign-in`);
    await page.goto(`${origin}/`);
    await page.waitForURL(`${origin}/sign-in`);

    // Nobody without a group that counts.
    await signIn('eve');
    await page.getByText('Example Company knows you as eve, but').waitFor();
    expect(await accessibilityViolations()).toEqual([]);

    await provider.close();
    await page.goto(`${origin}/`);
    // The provider's metadata are known for a while, and its pages are the browser's to find dead. A new process finds it dead itself.
    await service.end();
    const again = await startService({ folder: folder.path, environment });
    onTestFinished(async () => void (await again.end('SIGKILL')));
    await page.goto(`${again.origin}/`);
    await page.getByRole('link', { name: 'Sign in with Example Company' }).click();
    await page.getByText('Example Company does not answer (connection_failed).').waitFor();
    await page.getByLabel('Access token').fill('test-admin-token');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'Mirrors' }).waitFor();
    await again.end();

    const foreign = complaints.filter(
      (complaint) => !/^a request to|Failed to load resource|Content Security Policy.*font|fonts/.test(complaint),
    );
    expect(foreign).toEqual([]);
    const texts = [service.output(), again.output(), ...requested, ...(await textsBelow(join(folder.path, 'data')))];
    expect(provider.given.length).toBeGreaterThanOrEqual(6);
    for (const secret of [...provider.given, provider.clientSecret, encodeURIComponent(provider.clientSecret), 'canary-client'])
      expect(texts.filter((text) => text.includes(secret)).map((text) => text.slice(0, 200))).toEqual([]);
    expect(service.output()).toMatch(/"sso":"company","subject":"ada"/);
    // The code that an answer brings goes to nobody else.
    expect(requested.filter((request) => / .*[?&]code=/.test(request))).toEqual([]);
  });

  it('does not begin with settings that cannot be used, and repeats none of them', async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const file = join(folder.path, 'sso.json');
    for (const text of ['canary', '{"providers":[{"id":"canary canary"}]}', undefined]) {
      if (text !== undefined) await writeFile(file, text);
      const path = text === undefined ? join(folder.path, 'nothing') : file;
      const started = startService({ folder: folder.path, environment: { GITFERRY_SSO_FILE: path } });
      const refusal = await started.then(
        () => 'started',
        (error: Error) => error.message,
      );
      expect(refusal).toMatch(/GITFERRY_SSO_FILE|Single sign-on: providers\.0\.id/);
      expect(refusal).not.toContain('canary');
    }
  });
});
