/** Single sign-on, built out of settings: where the identity providers are kept, and how they are asked. */
import { readFile } from 'node:fs/promises';
import { GitferryError } from '../lib/core/errors.ts';
import type { ServiceSettings } from '../lib/core/service-settings.ts';
import type { SecretStore } from '../lib/model/secret-store.ts';
import { createAddressGuard } from '../lib/net/address-guard.ts';
import { createHttpClient } from '../lib/net/http-client.ts';
import { createOpenId } from '../lib/sso/openid.ts';
import { parseProviders } from '../lib/sso/provider-settings.ts';
import { createSingleSignOn, type SingleSignOn, type SingleSignOnDeps } from '../lib/sso/single-sign-on.ts';

type Places = Pick<ServiceSettings, 'ssoSecret' | 'ssoFile'>;

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

interface Means extends Pick<SingleSignOnDeps, 'publicUrl' | 'clock'> {
  readonly secrets: SecretStore;
  readonly allowAddresses: readonly string[];
}

/**
 * For the api alone: it brings along what other functions do not load. The providers are read from the file, where one is named, otherwise from the secret;
 * undefined = neither is named, people sign in with tokens only.
 */
export function wireSingleSignOn(
  { ssoSecret, ssoFile }: Places,
  { secrets, allowAddresses, publicUrl, clock }: Means,
): SingleSignOn | undefined {
  if (ssoSecret === undefined && ssoFile === undefined) return undefined;
  const readSettings = (): Promise<unknown> => (ssoFile === undefined ? secrets.read(ssoSecret ?? '') : readSsoFile(ssoFile));
  const http = createHttpClient(createAddressGuard(allowAddresses));
  return createSingleSignOn({ readSettings, publicUrl, clock, openId: createOpenId({ http, clock }) });
}
