/** Deliveries as providers send them (test/data/webhooks), their proofs, and projects to send them to. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Hook, Provider } from '../../lib/model/hook.ts';
import type { Mirror } from '../../lib/model/mirror.ts';
import type { Project } from '../../lib/model/project.ts';
import type { Delivery } from '../../lib/webhook/delivery.ts';
import { plainMirror } from '../support/mirrors.ts';

export type Headers = Readonly<Record<string, string>>;

export interface Sample {
  readonly headers: Headers;
  readonly body: Buffer;
  /** The body's JSON, to be changed. */
  readonly payload: Record<string, unknown>;
}

export function sample(provider: Provider, name: string): Sample {
  const { headers, body } = JSON.parse(readFileSync(new URL(`../data/webhooks/${provider}/${name}.json`, import.meta.url), 'utf8'));
  return { headers, payload: body, body: Buffer.from(JSON.stringify(body)) };
}

export function codeCommitSample(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`../data/webhooks/code_commit/${name}.json`, import.meta.url), 'utf8'));
}

export function hex(secret: string | Buffer, body: string | Uint8Array): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

/** Standard Webhooks' headers. `key` as the sender's library has it. */
export function standardHeaders(key: string | Buffer, body: string | Uint8Array, now: number, id = 'msg_1'): Headers {
  const timestamp = String(Math.floor(now / 1000));
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` };
}

export function basic(user: string, password: string): Headers {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** What the provider adds to a body to prove it. */
export function proof(provider: Provider, secret: string, body: string | Uint8Array, now: number): Headers {
  const digest = hex(secret, body);
  const proofs: Readonly<Record<Provider, () => Headers>> = {
    github: () => ({ 'x-hub-signature-256': `sha256=${digest}` }),
    gitlab: () => ({ 'x-gitlab-token': secret }),
    forgejo: () => ({ 'x-forgejo-signature': digest, 'x-gitea-signature': digest, 'x-gogs-signature': digest }),
    gitea: () => ({ 'x-gitea-signature': digest, 'x-gogs-signature': digest, 'x-hub-signature-256': `sha256=${digest}` }),
    gogs: () => ({ 'x-gogs-signature': digest }),
    bitbucket_cloud: () => ({ 'x-hub-signature': `sha256=${digest}` }),
    bitbucket_data_center: () => ({ 'x-hub-signature': `sha256=${digest}` }),
    azure_devops: () => basic('gitferry', secret),
    generic: () => standardHeaders(secret, body, now),
  };
  return proofs[provider]();
}

export function delivery(headers: Headers, body: string | Uint8Array = ''): Delivery {
  const found = new Map(Object.entries(headers));
  return { header: (name) => found.get(name), body: typeof body === 'string' ? Buffer.from(body) : body };
}

export function aProject(changes: Partial<Project> = {}): Project {
  return {
    id: 1,
    path: 'tools/anvil',
    repositoryUrl: 'https://git.example.com/tools/anvil.git',
    authMethod: 'password',
    credential: null,
    hostKeys: [],
    publicKey: null,
    defaultBranch: null,
    protectedBranches: [],
    createdAt: 0,
    ...changes,
  };
}

export function aMirror(changes: Partial<Mirror> = {}): Mirror {
  return {
    ...plainMirror,
    id: 7,
    mirror: changes.direction === 'pull' ? 'pull' : (changes.id ?? 7),
    url: 'https://backup.example.com/tools/anvil.git',
    dueAt: null,
    ...changes,
  };
}

export function aHook(changes: Partial<Hook> = {}): Hook {
  return {
    id: 3,
    projectId: 1,
    provider: 'github',
    tokenHash: 'a'.repeat(64),
    generation: 1,
    previousUntil: null,
    createdAt: 0,
    lastDeliveryAt: null,
    lastDeliveryOf: null,
    silentSince: null,
    ...changes,
  };
}
