/** /credentials: named credentials that many mirrors and projects use. Their values are never returned. */
import { z } from 'zod';
import { authMethods, methodOf, passwordMethod } from '../../credentials/registry.ts';
import type { SharedCredential } from '../../credentials/shared-credential.ts';
import { isAllowed } from '../../git/transport/allowed-urls.ts';
import type { MirrorKey } from '../../model/mirror.ts';
import type { ApiDeps } from '../api-deps.ts';
import { created, isoTime, noContent, ok, type Shown } from '../http/answer.ts';
import { conflict, invalidField, notFound } from '../http/api-error.ts';
import { type Call, instanceEndpoint } from '../http/endpoint.ts';
import { choice, idField, line, texts } from '../http/fields.ts';
import { idPageAnswer, idPageInput, idPageRequest } from '../http/pagination.ts';
import { allowedUrlsOf, checkAllowedUrls } from '../input/allowed-urls.ts';
import { methodFields, shownMethodFields, shownSettings } from '../input/method-fields.ts';
import { dropSecret } from '../input/own-secret.ts';
import { changedSharedValue, keyTypeField, newSharedValue, type SharedValue, valueFields } from '../input/shared-value.ts';
import { requestNow } from '../use-cases/save-mirror.ts';

export const credentialSchema = z
  .object({
    id: z.int(),
    name: z.string(),
    auth_method: z.enum(authMethods),
    public_key: z.string().nullable(),
    ...shownMethodFields,
    allowed_urls: z.array(z.string()).meta({ description: 'Hosts, and groups on them, where it may be used; nowhere else' }),
    expires_at: z.iso.datetime().nullable().meta({ description: 'As its host says; null = not known, or never' }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Credential' });
const nameField = line(255);
/** Of a host (`https://github.com/`, `ssh://git.example.org/`), of a group there, or of one repository. */
const allowedUrlsField = () => texts(2048).meta({ example: ['https://github.com/acme/'] });
const one = '/credentials/{credential_id}';

export const credentialEndpoints = {
  list: instanceEndpoint(
    {
      method: 'GET',
      path: '/credentials',
      summary: 'Shared credentials',
      role: 'owner',
      input: idPageInput,
      answers: { 200: z.array(credentialSchema) },
    },
    async (call) => {
      const request = idPageRequest(call.input);
      const page = await call.deps.records.credentials.list(request);
      return idPageAnswer(call, request, page, await Promise.all(page.items.map((credential) => shown(credential, call.deps))));
    },
  ),
  create: instanceEndpoint(
    {
      method: 'POST',
      path: '/credentials',
      summary: 'Create a shared credential',
      role: 'owner',
      input: z.object({
        name: nameField,
        allowed_urls: allowedUrlsField(),
        auth_method: choice(authMethods).optional(),
        key_type: keyTypeField,
        ...valueFields,
        ...methodFields,
      }),
      answers: { 201: credentialSchema },
    },
    async ({ deps, input }) => {
      const allowedUrls = checkAllowedUrls(input.allowed_urls);
      const authMethod = input.auth_method ?? passwordMethod;
      const value = await newSharedValue(authMethod, input, deps);
      return created(await shown(await create(deps, { name: input.name, authMethod, allowedUrls }, value), deps));
    },
  ),
  show: instanceEndpoint(
    { method: 'GET', path: one, summary: 'A shared credential', role: 'owner', input: z.object({}), answers: { 200: credentialSchema } },
    async (call) => ok(await shown(await credentialOf(call), call.deps)),
  ),
  change: instanceEndpoint(
    {
      method: 'PUT',
      path: one,
      summary: 'Change its name, value or allowed URLs: what failed runs at once, the rest uses it from its next run on',
      role: 'owner',
      input: z.object({ name: nameField.optional(), allowed_urls: allowedUrlsField().optional(), ...valueFields, ...methodFields }),
      answers: { 200: credentialSchema },
    },
    async (call) => {
      const { deps, input } = call;
      const credential = await credentialOf(call);
      const value = await changedSharedValue(credential, input, deps);
      const isRotated = value !== undefined;
      const allowedUrls = input.allowed_urls === undefined ? undefined : checkAllowedUrls(input.allowed_urls);
      const secretName = value === undefined ? undefined : await store(deps, credential, value);
      const changes = {
        ...(input.name === undefined ? {} : { name: input.name }),
        ...(allowedUrls === undefined ? {} : { allowedUrls }),
        ...(value === undefined ? {} : { updatedAt: deps.clock.now(), settings: value.settings }),
        // The host says anew when it ends.
        ...(value?.secret === undefined ? {} : { expiresAt: null, renewingSince: null }),
        ...(secretName === undefined ? {} : { secretName }),
      };
      const after = await deps.records.credentials.update(credential.id, changes);
      if (after === undefined) throw notFound();
      if (isRotated || allowedUrls !== undefined) await requestNow(call, await deps.records.mirrors.resetFailingUsers(credential.id));
      return ok(await shown(after, deps));
    },
  ),
  remove: instanceEndpoint(
    { method: 'DELETE', path: one, summary: 'Delete one that nothing uses', role: 'owner', input: z.object({}), answers: { 204: null } },
    async (call) => {
      const { deps } = call;
      const credential = await credentialOf(call);
      const uses = await deps.records.mirrors.usesOfCredential(credential.id);
      if (uses > 0) throw conflict(`The credential is in use by ${uses} ${uses === 1 ? 'mirror or project' : 'mirrors and projects'}`);
      if (!(await deps.records.credentials.delete(credential.id))) throw notFound();
      if (credential.secretName !== null) await dropSecret({ kind: 'own', secretName: credential.secretName }, deps);
      return noContent;
    },
  ),
  transfer: instanceEndpoint(
    {
      method: 'POST',
      path: `${one}/transfer`,
      summary: 'Point everything that uses it (or what is on one host) at another credential where that one is allowed, and run it',
      role: 'owner',
      input: z.object({ to: idField(), host: line(255).optional() }),
      answers: { 200: z.object({ mirrors: z.int(), projects: z.int() }) },
    },
    async (call) => {
      const { deps, input } = call;
      const from = await credentialOf(call);
      if (input.to === from.id) throw invalidField('to', 'is the same credential');
      const to = await deps.records.credentials.get(input.to);
      if (to === undefined) throw invalidField('to', 'does not exist');
      const { makesKeyPair, schemes, urlFault } = methodOf(to.authMethod);
      if (makesKeyPair !== methodOf(from.authMethod).makesKeyPair)
        throw invalidField('to', `holds a ${makesKeyPair ? 'key pair' : 'password'}: mirrors that sign in otherwise cannot use it`);
      if (input.host !== undefined && /[/@:\s]/.test(input.host)) throw invalidField('host', 'must be a host name alone');
      const allowed = await allowedUrlsOf(to, deps.records);
      const host = input.host?.toLowerCase();
      const mayUse = (url: string): boolean =>
        isAllowed(url, allowed) && schemes.some((scheme) => url.startsWith(`${scheme}:`)) && urlFault?.(url) === undefined;
      const { mirrors, projects } = await deps.records.mirrors.transferCredential(from.id, to.id, {
        host,
        mayUse,
        authMethod: to.authMethod,
      });
      await requestNow(call, await withMirrorsOf(deps, mirrors, projects));
      return ok({ mirrors: mirrors.length, projects: projects.length });
    },
  ),
};

/** Refuses with 400 or 404. */
export async function credentialOf({ deps, pathId }: Pick<Call<unknown>, 'deps' | 'pathId'>): Promise<SharedCredential> {
  const credential = await deps.records.credentials.get(pathId('credential_id'));
  if (credential === undefined) throw notFound();
  return credential;
}

async function create(
  deps: ApiDeps,
  { name, authMethod, allowedUrls }: Pick<SharedCredential, 'name' | 'authMethod'> & { readonly allowedUrls: readonly string[] },
  { secret, settings }: SharedValue,
): Promise<SharedCredential> {
  const secretName = secret === undefined ? null : await deps.secrets.create('credential', secret);
  const now = deps.clock.now();
  try {
    const publicKey = secret?.publicKey ?? null;
    return await deps.records.credentials.create({
      ...{ name, authMethod, settings, secretName, publicKey, allowedUrls },
      createdAt: now,
      updatedAt: now,
    });
  } catch (error) {
    if (secretName !== null) await dropSecret({ kind: 'own', secretName }, deps);
    throw error;
  }
}

/** Stores the new value. A method that had no secret so far may get one. */
async function store({ secrets }: ApiDeps, { secretName }: SharedCredential, { secret }: SharedValue): Promise<string | undefined> {
  if (secret === undefined) return undefined;
  if (secretName === null) return secrets.create('credential', secret);
  await secrets.update(secretName, secret);
  return undefined;
}

/** A project's own credential matters to all its mirrors. */
async function withMirrorsOf(
  { records }: ApiDeps,
  mirrors: readonly MirrorKey[],
  projects: readonly number[],
): Promise<readonly MirrorKey[]> {
  const ofProjects = await Promise.all(projects.map((id) => records.mirrors.ofProject(id)));
  const all = [...mirrors, ...ofProjects.flat().filter(({ enabled }) => enabled)];
  return [...new Map(all.map((key) => [`${key.projectId}/${key.mirror}`, key])).values()];
}

async function shown(credential: SharedCredential, { records }: Pick<ApiDeps, 'records'>): Promise<Shown<typeof credentialSchema>> {
  const { id, name, authMethod, settings, publicKey, expiresAt, createdAt, updatedAt } = credential;
  return {
    id,
    name,
    auth_method: authMethod,
    public_key: publicKey,
    ...shownSettings(authMethod, settings),
    allowed_urls: await allowedUrlsOf(credential, records),
    expires_at: expiresAt === null ? null : isoTime(expiresAt),
    created_at: isoTime(createdAt),
    updated_at: isoTime(updatedAt),
  };
}
