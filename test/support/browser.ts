/** A real browser (Debian's Chromium) for a test: a new profile, everything it complains about collected, axe-core at hand. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { programs } from './programs.ts';

/** Nothing but the pages of the test: no calls home, no first run. */
const switches = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface TestBrowser {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the console, exceptions of scripts, violations of the content security policy, requests to other origins. */
  readonly complaints: string[];
  /** What axe-core finds on the page as it is, in both colour schemes: `scheme rule: element`. Empty = nothing. */
  accessibilityViolations(): Promise<string[]>;
  /** How many pixels the page is wider than the window; 0 = it fits. */
  overflow(): Promise<number>;
}

export interface BrowserOptions {
  readonly javaScript?: boolean;
  readonly width?: number;
  readonly locale?: string;
  readonly timezone?: string;
}

/** Ends with the test. `origin` is the only one that pages may ask. */
export async function openBrowser(
  origin: string,
  { javaScript = true, width = 1280, locale, timezone }: BrowserOptions = {},
): Promise<TestBrowser> {
  const executablePath = programs.chromium.path;
  if (executablePath === undefined) throw new Error('chromium is missing');
  const browser: Browser = await chromium.launch({ executablePath, args: switches });
  onTestFinished(() => browser.close());
  const context = await browser.newContext({
    javaScriptEnabled: javaScript,
    viewport: { width, height: 900 },
    ...(locale === undefined ? {} : { locale }),
    ...(timezone === undefined ? {} : { timezoneId: timezone }),
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) complaints.push(`a request to ${request.url()}`);
  });
  return {
    page,
    context,
    complaints,
    async accessibilityViolations() {
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await loadAxe(page);
      const light = await violations(page, '{}');
      await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
      const dark = await violations(page, `{ runOnly: ${JSON.stringify(rulesOfColour)} }`);
      return [...light.map((violation) => `light ${violation}`), ...dark.map((violation) => `dark ${violation}`)];
    },
    overflow: () => page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
  };
}

let axeSource: string | undefined;

/** The same page in another scheme differs in colours only. */
const rulesOfColour = ['color-contrast', 'link-in-text-block'];

/** By evaluate: the content security policy refuses a script tag. */
async function loadAxe(page: Page): Promise<void> {
  axeSource ??= await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  if (!(await page.evaluate<boolean>(`'axe' in window`))) await page.evaluate(axeSource);
}

async function violations(page: Page, options: string): Promise<string[]> {
  return page.evaluate(
    `axe.run(document, { ...${options}, resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))`,
  );
}
