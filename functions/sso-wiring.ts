/** Single sign-on, built out of settings: where the identity providers are kept, and how they are asked. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../lib/core/clock.ts';
import { GitferryError } from '../lib/core/errors.ts';
import type { ServiceSettings } from '../lib/core/service-settings.ts';
import type { SecretStore } from '../lib/model/secret-store.ts';
import { createAddressGuard } from '../lib/net/address-guard.ts';
import { createHttpClient } from '../lib/net/http-client.ts';
import { createOpenId } from '../lib/sso/openid.ts';
import { parseProviders } from '../lib/sso/provider-settings.ts';
import { createSingleSignOn, type SingleSignOn, type SingleSignOnDeps } from '../lib/sso/single-sign-on.ts';

type Places = Pick<ServiceSettings, 'ssoSecret' | 'ssoFile'>;

/** Reads the providers from the file, where one is named, otherwise from the secret. undefined = neither is named. */
export function ssoReader({ ssoSecret, ssoFile }: Places, secrets: SecretStore): (() => Promise<unknown>) | undefined {
  if (ssoFile !== undefined) return () => readSsoFile(ssoFile);
  return ssoSecret === undefined ? undefined : () => secrets.read(ssoSecret);
}

/** For `npm start`, which does not begin with settings that cannot be used. Throws `invalid_settings`. */
export async function checkSsoFile({ ssoFile }: Pick<Places, 'ssoFile'>): Promise<void> {
  if (ssoFile !== undefined) parseProviders(await readSsoFile(ssoFile));
}

async function readSsoFile(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new GitferryError('invalid_settings', { detail: `GITFERRY_SSO_FILE cannot be read (${cause.code}).`, cause });
  });
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new GitferryError('invalid_settings', { detail: 'GITFERRY_SSO_FILE does not hold JSON.' });
  }
}

export function wireSingleSignOn({
  allowAddresses,
  ...deps
}: Omit<SingleSignOnDeps, 'openId'> & { readonly allowAddresses: readonly string[]; readonly clock: Clock }): SingleSignOn {
  const http = createHttpClient(createAddressGuard(allowAddresses));
  return createSingleSignOn({ ...deps, openId: createOpenId({ http, clock: deps.clock }) });
}
