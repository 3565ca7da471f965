/** The console with single sign-on for a test file: the real app, and the real client of a real provider behind the address guard. */
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { createOpenId } from '../../lib/sso/openid.ts';
import { createSingleSignOn } from '../../lib/sso/single-sign-on.ts';
import { startTestConsole, type TestConsole } from './console.ts';

export interface SsoConsole extends TestConsole {
  /** What the secret holds; an Error is thrown by reading it. */
  settings: unknown;
  /** How far the console's clock is ahead of this machine's. */
  aheadMs: number;
}

export async function startSsoConsole({
  publicUrl,
  allow = ['127.0.0.1/32'],
}: {
  readonly publicUrl?: string;
  readonly allow?: readonly string[];
} = {}): Promise<SsoConsole> {
  const http = createHttpClient(createAddressGuard(allow));
  const clock = { now: () => Date.now() + site.aheadMs, random: Math.random };
  const console = await startTestConsole((deps) => {
    const all = { ...deps, clock, publicUrl: publicUrl ?? deps.publicUrl };
    const readSettings = async (): Promise<unknown> => {
      if (site.settings instanceof Error) throw site.settings;
      return site.settings;
    };
    return { ...all, sso: createSingleSignOn({ readSettings, openId: createOpenId({ http, clock }), publicUrl: all.publicUrl, clock }) };
  });
  const site: SsoConsole = {
    ...console,
    settings: { providers: [] },
    aheadMs: 0,
    async close() {
      await http.close();
      await console.close();
    },
  };
  return site;
}
