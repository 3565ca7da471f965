/** `github_app`: a token of an App's installation, for one repository and what the run does there, for an hour at most. */
import { createHash } from 'node:crypto';
import { GitferryError } from '../../core/errors.ts';
import { kmsSign } from '../aws/kms-sign.ts';
import { type App, AppApi, type AppRepository, appRepositoryOf, type Installation } from '../github/app-api.ts';
import { rsaKeyOf, signWith } from '../github/app-jwt.ts';
import type { CredentialMethod } from '../method.ts';
import type { SignIn, SignInDeps, SignInRequest } from '../sign-in.ts';
import type { TemporaryValue } from '../token-cache.ts';

export const githubApp: CredentialMethod = {
  word: 'GitHub App',
  label: 'GitHub App',
  hint: 'Its private key stays here; the host gives out a token for each repository.',
  schemes: ['https', 'http'],
  takesPassword: false,
  makesKeyPair: false,
  takesPrivateKey: true,
  fields: [
    {
      name: 'app_id',
      label: 'App id or client id',
      hint: 'In the settings of the App: 123456, or Iv23li...',
      fault: (id) => (/^[A-Za-z0-9._-]{1,100}$/.test(id) ? undefined : 'is no App id or client id'),
    },
    {
      name: 'installation_id',
      label: 'Installation id',
      hint: "Empty: that of the repository's owner.",
      fault: (id) => (/^[1-9]\d{0,18}$/.test(id) ? undefined : 'is no number of an installation'),
    },
    {
      name: 'kms_key_id',
      label: 'KMS key',
      hint: 'Id or ARN of an RSA key in KMS that holds the private key, instead of the key itself.',
      fault: (id) => (/^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:)?(key\/)?[\w/-]{1,256}$/.test(id) ? undefined : 'is no KMS key'),
    },
  ],
  fault({ app_id: appId, kms_key_id: kmsKey }, { privateKey }) {
    if (appId === undefined) return { field: 'app_id', why: 'is missing' };
    if (kmsKey === undefined && privateKey === undefined) return { field: 'private_key', why: 'is missing (or give kms_key_id)' };
    if (privateKey !== undefined && rsaKeyOf(privateKey) === undefined)
      return { field: 'private_key', why: 'is no RSA private key in PEM without a passphrase' };
    return undefined;
  },
  urlFault: (url) => (appRepositoryOf(url) === undefined ? 'is no repository of GitHub (https://HOST/OWNER/NAME)' : undefined),
  signIn: (request, deps) => signIn(request, deps),
};

/** What an owner can have mended meanwhile. */
const ofInstallation: ReadonlySet<string> = new Set(['app_not_installed', 'app_permission_missing', 'app_suspended']);

const signIn: SignIn = async (request, deps) => {
  const { credentialId, settings, secret, url, writes, refused } = request;
  const repository = appRepositoryOf(url);
  if (repository === undefined)
    throw new GitferryError('credential_not_for_url', { detail: 'github_app goes with https://HOST/OWNER/NAME.' });
  const { app_id: appId = '', installation_id: given, kms_key_id: kmsKey } = settings;
  // Another key is another App, for all that is kept of the old one.
  const keyHash = createHash('sha256')
    .update(secret?.privateKey ?? '')
    .digest('hex');
  const identity = JSON.stringify([credentialId, appId, given, kmsKey, keyHash]);
  const { api, owner, name } = repository;
  const token = await deps.tokens.get(`github_app ${identity} ${api} ${owner}/${name} ${writes}`, {
    refused: refused?.password,
    async load() {
      const client = new AppApi(appOf(request, deps), repository, deps);
      const key = `installation ${identity} ${api} ${owner}`;
      let isNew = false;
      const load = (): Promise<TemporaryValue<Installation>> => {
        isNew = true;
        return client.installation(given);
      };
      const ask = async (installation: Installation): Promise<TemporaryValue<string>> =>
        client.token(installation, permissionsFor(writes, installation, repository));
      const known = await deps.tokens.get(key, { load });
      try {
        return await ask(known);
      } catch (error) {
        // Installed anew, or given more permissions, since it was asked for.
        if (isNew || !(error instanceof GitferryError) || !ofInstallation.has(error.code)) throw error;
        return ask(await deps.tokens.get(key, { refused: known, load }));
      }
    },
  });
  return { username: 'x-access-token', password: token };
};

function appOf({ settings, secret }: SignInRequest, deps: SignInDeps): App {
  const { app_id: id = '', kms_key_id: kmsKey } = settings;
  if (kmsKey !== undefined) return { id, sign: (text) => kmsSign(kmsKey, text, deps) };
  if (secret?.privateKey === undefined) throw new GitferryError('app_key_invalid');
  return { id, sign: signWith(secret.privateKey) };
}

/** No more than the run needs; workflows where the App has them, because files of workflows cannot be pushed without. */
function permissionsFor(writes: boolean, { permissions }: Installation, { owner }: AppRepository): Record<string, string> {
  const has = permissions?.['contents'];
  if (permissions !== undefined && has !== 'write' && (writes || has !== 'read'))
    throw new GitferryError('app_permission_missing', {
      detail: `At ${owner} it has contents: ${has === 'read' ? 'read' : 'none'}, and needs ${writes ? 'write' : 'read'}.`,
    });
  if (!writes) return { contents: 'read', metadata: 'read' };
  return { contents: 'write', metadata: 'read', ...(permissions?.['workflows'] === 'write' ? { workflows: 'write' } : {}) };
}
