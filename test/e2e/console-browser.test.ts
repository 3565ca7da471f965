import { describe, expect, it } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { isAvailable } from '../support/programs.ts';
import { createProject, ok, serviceScenario, untilAt } from '../support/service-scenario.ts';

const adminToken = 'test-admin-token';

/** `npm start`, a real Git server, a real browser. */
describe.skipIf(!isAvailable('chromium'))('the console in a browser', () => {
  it('signs in by keyboard, shows and runs mirrors, takes settings, and passes axe in both colour schemes', async () => {
    const { service, forge } = await serviceScenario();
    const [app, mirror] = await forge('forge').then(
      async (server) => [await server.repository('app'), await server.repository('mirror')] as const,
    );
    const commit = await app.commit();
    const project = await createProject(service, 'team/app', app.url);
    const { page, complaints, accessibilityViolations, overflow } = await openBrowser(service.origin, {
      timezone: 'Asia/Tokyo',
      locale: 'en-GB',
    });
    const violations: string[] = [];
    const look = async (): Promise<void> => {
      violations.push(...(await accessibilityViolations()).map((violation) => `${page.url()} ${violation}`));
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        expect([page.url(), width, await overflow()]).toEqual([page.url(), width, 0]);
      }
    };

    await page.goto(`${service.origin}/settings`);
    expect(page.url()).toContain('/sign-in?return=');
    await look();
    // The skip link, the brand, the field.
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type(adminToken);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${service.origin}/settings`);
    await look();

    await page.goto(`${service.origin}/`);
    ok(await service.api('POST', `/projects/${project}/remote_mirrors`, { url: mirror.url, enabled: true }));
    await untilAt(mirror, commit);
    await page.reload();
    // Whatever the run was doing when the page was made: the list updates itself.
    await page.locator('.pill-healthy').waitFor();
    await look();
    await page.locator('tbody time').first().hover();
    const exact = await page.locator('tbody .tip-text').first().textContent();
    expect(exact).toContain(new Date().toLocaleDateString('en-GB', { timeZone: 'Asia/Tokyo', year: 'numeric' }));
    await page.getByRole('button', { name: /Update now/ }).dblclick();
    await page.locator('.message-done').waitFor();

    for (const path of [
      '/projects/new',
      `/projects/${project}/edit`,
      `/projects/${project}/delete`,
      '/settings/tokens',
      '/settings/credentials',
    ]) {
      await page.goto(service.origin + path);
      await look();
    }
    await page.goto(`${service.origin}/settings`);
    await page.getByRole('checkbox', { name: 'Silent mode' }).check();
    await page.getByRole('button', { name: 'Save silent mode' }).click();
    await page.locator('.message-done').waitFor();
    await page.goto(`${service.origin}/`);
    await page.locator('.message-silent').waitFor();
    await look();
    await page.locator('.account summary').click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL(`${service.origin}/sign-in`);
    expect(violations).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
