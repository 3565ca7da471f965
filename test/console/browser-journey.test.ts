/** A person sets up and looks after mirrors in a real browser. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBrowser, type TestBrowser } from '../support/browser.ts';
import { git } from '../support/git.ts';
import { isAvailable } from '../support/programs.ts';
import { until } from '../support/service.ts';
import { type Forge, type ServiceScenario, serviceScenario, type TestRepository } from '../support/service-scenario.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';

/** A folder for pictures of the pages, to be looked at; not set in tests. */
const pictures = process.env['GITFERRY_SCREENSHOTS'];
const adminToken = 'test-admin-token';
/** What Chromium says of a page with status 400. */
const refused = 'Failed to load resource: the server responded with a status of 400 (Bad Request)';

interface World {
  readonly scenario: ServiceScenario;
  readonly forge: Forge;
  readonly source: TestRepository;
  readonly target: TestRepository;
  readonly sshd: Sshd;
}

async function world(): Promise<World> {
  const [scenario, sshd] = await Promise.all([serviceScenario(), startSshd()]);
  onTestFinished(() => sshd.close());
  const forge = await scenario.forge('forge');
  const source = await forge.repository('anvil');
  const main = await source.commit();
  await source.commit('release/1.0');
  await source.commit('feature/<script>alert(1)</script>');
  await git(source.path, ['update-ref', 'refs/tags/v1.0', main]);
  return { scenario, forge, source, target: await forge.repository('anvil-mirror'), sshd };
}

async function signIn(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/`);
  await page.getByLabel('Access token').fill(adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Mirrors' }).waitFor();
}

/** Looks at the page as it is: no violation in either scheme, no scrolling sideways at 360 px; takes pictures where asked to. */
async function inspect(browser: TestBrowser, name: string): Promise<void> {
  const { page } = browser;
  expect(await browser.accessibilityViolations(), name).toEqual([]);
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    expect(await browser.overflow(), `${name} at ${width} px`).toBe(0);
    if (pictures === undefined) continue;
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(pictures, `${name}-${colorScheme}-${width}.png`), fullPage: true });
    }
  }
}

describe.skipIf(!isAvailable('chromium') || !isAvailable('sshd'))('the console in Chromium', () => {
  it('leads from an empty instance to a mirror over SSH, through its first failure and out again', { timeout: 120_000 }, async () => {
    const { scenario, forge, source, target, sshd } = await world();
    const { origin } = scenario.service;
    const browser = await openBrowser(origin);
    browser.page.setDefaultTimeout(30_000);
    const { page } = browser;
    await page.goto(`${origin}/`);
    await inspect(browser, 'sign-in');
    await signIn(page, origin);

    await page.getByRole('link', { name: 'New project' }).click();
    await page.getByLabel('Path').fill('tools/anvil');
    await page.getByLabel('Repository URL').fill(source.url);
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('heading', { name: 'tools/anvil' }).waitFor();
    await page.getByLabel('Branch or pattern').fill('release/*');
    await page.getByRole('button', { name: 'Protect' }).click();
    await page.getByText('release/* is protected.').waitFor();
    await inspect(browser, 'project-empty');

    await page.getByRole('link', { name: 'Add a push mirror' }).click();
    const url = page.getByLabel('Repository URL');
    await url.fill('git@127.0.0.1:anvil.git');
    await page.getByRole('button', { name: 'Use ssh://git@127.0.0.1/anvil.git' }).waitFor();
    await url.fill(`ssh://${sshd.user}@127.0.0.1:${sshd.port}${target.path}`);
    await page.getByText('This URL can be used.').waitFor();
    await page.getByRole('radio', { name: /^SSH key/ }).check();
    await page.getByRole('button', { name: 'Detect host keys' }).click();
    await page.getByText('The host offers these keys.').waitFor();
    await page.getByLabel('Branches that match a regular expression').check();
    await page.getByLabel('Regular expression for branches').fill('^(main|release)');
    await page.getByRole('button', { name: 'Preview what matches' }).click();
    await page.getByText('2 of 3 branches').waitFor();
    // The preview follows the rules.
    await page.getByLabel('All branches').check();
    await page.getByText('3 of 3 branches').waitFor();
    await inspect(browser, 'new-mirror');
    await page.getByRole('button', { name: 'Save mirror' }).click();
    await page.getByText('Say below that you have compared').waitFor();
    await page.getByLabel('I have compared the fingerprints').check();
    await page.getByRole('button', { name: 'Save mirror' }).click();
    await page.getByRole('heading', { name: 'Next: give the host this public key' }).waitFor();
    await inspect(browser, 'public-key');

    const authorize = async (): Promise<string> => {
      const key = (await page.locator('#public-key').textContent()) ?? '';
      await writeFile(join(sshd.folder, 'authorized_keys'), `${key.trim()}\n`);
      return key;
    };
    const firstKey = await authorize();
    await page.getByRole('button', { name: 'The host has the key: start mirroring' }).click();
    // Nobody presses anything: the page sees the first run finish.
    await page.getByText('Healthy').first().waitFor();
    expect(await target.refs()).toEqual(await source.refs());

    await page.getByRole('link', { name: 'tools/anvil' }).first().click();
    await page.getByText('Last successful update').first().waitFor();
    await page.getByText('More').click();
    await page.getByRole('link', { name: 'Edit', exact: true }).click();
    await page.getByLabel('Keep divergent refs').check();
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('The mirror is saved').waitFor();

    const stray = await target.commit();
    await source.commit();
    await page.getByRole('link', { name: 'tools/anvil' }).first().click();
    await page.getByRole('button', { name: /^Update now/ }).click();
    await page.getByText('Failing').first().waitFor();
    await page.getByRole('button', { name: 'Error' }).focus();
    await page.getByText('refs_diverged').waitFor();
    await page.getByRole('link', { name: /ssh:/ }).click();
    await page.locator('#updates table a').first().click();
    await page.getByRole('heading', { name: 'What did not work' }).waitFor();
    await page.getByText('What to do:').waitFor();
    await page.getByRole('row').filter({ hasText: 'main' }).filter({ hasText: 'diverged' }).waitFor();
    await inspect(browser, 'run-failed');
    expect(await target.at()).toBe(stray);

    await page.getByRole('link', { name: /^Push to/ }).click();
    await page.getByText('More').click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('The mirror is paused').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('The mirror is resumed').waitFor();

    await page.getByRole('link', { name: 'Make a new key' }).click();
    await page.getByRole('button', { name: 'Make a new key' }).click();
    await page.getByText('There is a new key.').waitFor();
    expect(await authorize()).not.toBe(firstKey);
    await git(target.path, ['update-ref', 'refs/heads/main', await git(source.path, ['rev-parse', 'main~1'])]);
    await page.getByRole('button', { name: /^Update now/ }).click();
    await page.getByText('Healthy').first().waitFor();

    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('checkbox', { name: 'Silent mode' }).check();
    await page.getByRole('button', { name: 'Save silent mode' }).click();
    await page.locator('.flash .message').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('Silent mode is on.').waitFor();
    const before = await target.at();
    await source.commit();
    await page.getByRole('button', { name: /^Update now/ }).click();
    await page.getByText('The request is remembered.').waitFor();
    expect(await target.at()).toBe(before);
    await page.getByRole('link', { name: 'Settings' }).first().click();
    await page.getByRole('checkbox', { name: 'Silent mode' }).uncheck();
    await page.getByRole('button', { name: 'Save silent mode' }).click();
    await until('the remembered request', async () => ((await target.at()) === (await source.at()) ? true : undefined));

    // An upstream, asked every two hours.
    const upstream = await forge.repository('anvil-upstream');
    const topic = await upstream.commit('topic');
    await page.getByLabel('Seconds between two looks at an upstream').fill('7200');
    await page.getByRole('button', { name: 'Save the limits' }).click();
    await page.getByText('The limits are saved.').waitFor();
    await page.getByRole('link', { name: 'Overview' }).first().click();
    await page.getByRole('link', { name: 'tools/anvil' }).first().click();
    await page.getByRole('link', { name: 'Add a mirror' }).click();
    await page.getByRole('link', { name: 'Pull: an upstream into the project' }).click();
    await page.getByRole('heading', { name: 'New pull mirror' }).waitFor();
    await url.fill(upstream.url);
    await page.getByRole('button', { name: 'Plan the first run' }).click();
    await page.getByText('The run would create 1.').waitFor();
    await page.getByRole('button', { name: 'Save mirror' }).click();
    await page.getByText('its first update starts now').waitFor();
    const row = page.getByRole('row').filter({ hasText: upstream.url });
    await row.getByText('Healthy').waitFor();
    expect(await source.at('topic')).toBe(topic);
    await row.getByText(/next in [12] hours?/).waitFor();

    await page.locator('details.account summary').click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    // The form that was refused.
    expect(browser.complaints).toEqual([refused]);
  });

  it('works by keyboard alone: nothing needs a pointer, the focus is seen and never lost', { timeout: 120_000 }, async () => {
    const { scenario, source, target } = await world();
    const { service } = scenario;
    const { origin } = service;
    const browser = await openBrowser(origin);
    const { page } = browser;
    page.setDefaultTimeout(30_000);
    /** Moves the focus on until it is on something of this name, and says how many steps it took. */
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let steps = 0; steps < 80; steps++) {
        await page.keyboard.press('Tab');
        const focused = await page.evaluate<string>(
          `(() => { const e = document.activeElement; const label = e.labels?.[0]?.textContent ?? ''; return (label + ' ' + (e.tagName === 'INPUT' ? '' : e.textContent)).trim(); })()`,
        );
        if (!name.test(focused)) continue;
        const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
        expect(outline, `the focus on ${focused}`).not.toBe('none');
        return;
      }
      throw new Error(`the keyboard does not reach ${name}`);
    };
    const type = (text: string): Promise<void> => page.keyboard.insertText(text);

    await page.goto(`${origin}/`);
    await tabTo(/^Access token/);
    await type(adminToken);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Mirrors' }).waitFor();
    await tabTo(/^Skip to the content/);
    await page.keyboard.press('Enter');
    await tabTo(/^(New project|Register the first repository)/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'New project' }).waitFor();
    await tabTo(/^Path/);
    await type('keys/only');
    await tabTo(/^Repository URL/);
    await type(source.url);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'keys/only' }).waitFor();
    await tabTo(/^Add a push mirror/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'New push mirror' }).waitFor();
    await tabTo(/^Repository URL/);
    await type(target.url);
    await tabTo(/^Plan the first run/);
    await page.keyboard.press('Enter');
    await page.getByText('The run would create 4.').waitFor();
    await page.getByRole('button', { name: 'Save mirror' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Healthy').first().waitFor();
    expect(await target.refs()).toEqual(await source.refs());
    await page.reload();
    await tabTo(/^More/);
    await page.keyboard.press('Enter');
    await tabTo(/^Pause/);
    await page.keyboard.press('Space');
    await page.getByText('The mirror is paused').waitFor();
    await tabTo(/^Resume/);
    await page.keyboard.press('Enter');
    await page.getByText('The mirror is resumed').waitFor();
    await tabTo(/admin/);
    await page.keyboard.press('Enter');
    await tabTo(/^Sign out$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(browser.complaints).toEqual([]);
  });

  it('works with scripts switched off: checks, previews, plans, runs and explanations', { timeout: 120_000 }, async () => {
    const { scenario, source, target } = await world();
    const { origin } = scenario.service;
    const browser = await openBrowser(origin, { javaScript: false, width: 360 });
    const { page } = browser;
    page.setDefaultTimeout(30_000);
    await signIn(page, origin);
    await page.getByRole('link', { name: 'New project' }).click();
    await page.getByLabel('Path').fill('plain/html');
    await page.getByLabel('Repository URL').fill(source.url);
    await page.getByRole('button', { name: 'Register' }).click();
    await page.getByRole('link', { name: 'Add a push mirror' }).click();
    await page.getByLabel('Repository URL').fill('git@127.0.0.1:anvil.git');
    await page.getByRole('button', { name: 'Save mirror' }).click();
    await page.getByRole('button', { name: 'Use ssh://git@127.0.0.1/anvil.git' }).click();
    expect(await page.getByLabel('Repository URL').inputValue()).toBe('ssh://git@127.0.0.1/anvil.git');
    await page.getByLabel('Repository URL').fill(target.url);
    await page.getByLabel('Branches that match a regular expression').check();
    await page.getByLabel('Regular expression for branches').fill('^main$');
    await page.getByRole('button', { name: 'Preview what matches' }).click();
    await page.getByText('1 of 3 branches').waitFor();
    await page.getByRole('button', { name: 'Plan the first run' }).click();
    await page.getByText('The run would create 2.').waitFor();
    await page.getByRole('button', { name: 'Save mirror' }).click();
    await page.getByText('its first update starts now').waitFor();
    const seen = async (words: string): Promise<void> => {
      for (const end = Date.now() + 20_000; Date.now() < end; await page.reload()) if ((await page.getByText(words).count()) > 0) return;
      throw new Error(`${words}: not seen`);
    };
    await seen('Healthy');
    await page.getByRole('link', { name: target.url }).click();
    await page.getByRole('link', { name: 'By hand: admin' }).click();
    await page.getByRole('row').filter({ hasText: 'main' }).filter({ hasText: 'created' }).waitFor();
    expect(await browser.overflow().catch(() => 0)).toBe(0);
    await page.getByRole('link', { name: /^Push to/ }).click();
    await page.getByText('More').click();
    await page.getByRole('link', { name: 'Delete', exact: true }).click();
    await page.getByRole('button', { name: 'Delete the mirror' }).click();
    await page.getByText('The mirror is deleted.').waitFor();
    expect(browser.complaints).toEqual([refused]);
  });
});
