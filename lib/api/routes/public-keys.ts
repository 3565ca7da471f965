/** .../public_key: what goes to the host, for mirrors, projects and shared credentials that sign in with a key pair. */
import { z } from 'zod';
import { created, ok } from '../http/answer.ts';
import { notFound } from '../http/api-error.ts';
import { instanceEndpoint, projectEndpoint } from '../http/endpoint.ts';
import { choice } from '../http/fields.ts';
import { sshKeyTypes } from '../input/key-pair.ts';
import { publicKeyOf, renewedValue, renewMirrorKey, renewProjectKey } from '../use-cases/public-key.ts';
import { credentialOf } from './credentials.ts';
import { pullMirrorOf } from './pull-mirror.ts';
import { pushMirrorOf } from './remote-mirrors.ts';

const push = '/projects/{id}/remote_mirrors/{mirror_id}/public_key';
const pull = '/projects/{id}/mirror/pull/public_key';
const project = '/projects/{id}/public_key';
const shared = '/credentials/{credential_id}/public_key';

const schema = z
  .object({ public_key: z.string().meta({ example: 'ssh-ed25519 AAAA... gitferry@ferry.example.org' }) })
  .meta({ id: 'PublicKey' });
const none = z.object({});
const renewal = z.object({ key_type: choice(sshKeyTypes).optional().meta({ description: 'Without it, the type stays' }) });
const shown = (publicKey: string) => ({ public_key: publicKey });
const read = { method: 'GET', input: none, answers: { 200: schema } } as const;
const renew = { method: 'POST', input: renewal, answers: { 201: schema } } as const;

export const publicKeyEndpoints = {
  ofPushMirror: projectEndpoint(
    { ...read, path: push, summary: 'The public key of a mirror that signs in with one', role: 'reporter' },
    async (call) => ok(shown(await publicKeyOf(await pushMirrorOf(call), call.deps))),
  ),
  renewOfPushMirror: projectEndpoint(
    { ...renew, path: push, summary: 'Make a new key pair; the old one is gone at once', role: 'maintainer' },
    async (call) => created(shown(await renewMirrorKey(await pushMirrorOf(call), call.input.key_type, call.deps))),
  ),
  ofPullMirror: projectEndpoint(
    { ...read, path: pull, summary: 'The public key of the pull mirror, if it signs in with one', role: 'reporter' },
    async (call) => ok(shown(await publicKeyOf(await pullMirrorOf(call), call.deps))),
  ),
  renewOfPullMirror: projectEndpoint(
    { ...renew, path: pull, summary: 'Make a new key pair; the old one is gone at once', role: 'maintainer' },
    async (call) => created(shown(await renewMirrorKey(await pullMirrorOf(call), call.input.key_type, call.deps))),
  ),
  ofProject: projectEndpoint(
    { ...read, path: project, summary: 'The public key of a project that signs in with one', role: 'reporter' },
    async (call) => ok(shown(await publicKeyOf(call.project, call.deps))),
  ),
  renewOfProject: projectEndpoint(
    { ...renew, path: project, summary: 'Make a new key pair; the old one is gone at once', role: 'owner' },
    async (call) => created(shown(await renewProjectKey(call.project, call.input.key_type, call.deps))),
  ),
  ofCredential: instanceEndpoint(
    { ...read, path: shared, summary: 'The public key of a shared credential that is a key pair', role: 'owner' },
    async (call) => {
      const { publicKey } = await credentialOf(call);
      if (publicKey === null) throw notFound();
      return ok(shown(publicKey));
    },
  ),
  renewOfCredential: instanceEndpoint(
    { ...renew, path: shared, summary: 'Make a new key pair for everything that uses it', role: 'owner' },
    async (call) => {
      const { deps, input } = call;
      const { id, secretName, publicKey } = await credentialOf(call);
      if (publicKey === null || secretName === null) throw notFound();
      const value = await renewedValue({ secretName, publicKey }, input.key_type, deps);
      await deps.secrets.update(secretName, value);
      const after = await deps.records.credentials.update(id, { publicKey: value.publicKey, updatedAt: deps.clock.now() });
      if (after === undefined) throw notFound();
      await deps.records.mirrors.resetFailingUsers(id);
      return created(shown(value.publicKey));
    },
  ),
};
