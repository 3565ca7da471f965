/** Forgejo, Gitea and Gogs (docs.gitea.com and forgejo.org, "API usage", version 1; Gogs has a part of it). */
import { z } from 'zod';
import { type DeployKeyCalls, ensureDeployKey } from '../ensure-deploy-key.ts';
import { ensureWebhook, removeWebhook, type WebhookCalls } from '../ensure-webhook.ts';
import type {
  ByHand,
  HostSession,
  HostWebhook,
  NewRepository,
  Offered,
  RepositoryDescription,
  RepositorySettings,
  Webhook,
} from '../host.ts';
import { anything, type HostApi, part } from '../host-api.ts';
import type { HostFamilyRules } from '../host-family.ts';
import { hostLimits } from '../host-limits.ts';
import { madeRepository } from '../made-repository.ts';
import { done, notOffered, notPermitted, offered, refusal } from '../offered.ts';
import { allPages, nextPage } from '../pages.ts';

type Member = 'forgejo' | 'gitea' | 'gogs';

export const forgejo = familyMember('forgejo', 'Forgejo');
export const gitea = familyMember('gitea', 'Gitea');
export const gogs = familyMember('gogs', 'Gogs');

function familyMember(member: Member, label: string): HostFamilyRules {
  return {
    label,
    apiBase: ({ origin }) => `${origin}/api/v1`,
    headers: ({ token }) => ({ authorization: `token ${token}` }),
    open: (api, web) => createSession(api, web, member),
  };
}

const repository = z.object({
  id: z.number(),
  full_name: z.string(),
  clone_url: z.string(),
  ssh_url: z.string(),
  html_url: z.string(),
  default_branch: z.string().nullish(),
  description: z.string().nullish(),
  private: z.boolean(),
  internal: z.boolean().optional(),
  archived: z.boolean().optional(),
  empty: z.boolean().optional(),
  size: z.number().optional(),
  topics: z.array(z.string()).nullish(),
  permissions: z.object({ admin: z.boolean(), push: z.boolean(), pull: z.boolean() }).nullish(),
});
const hook = z.object({
  id: z.number(),
  type: z.string(),
  active: z.boolean(),
  events: z.array(z.string()).nullable(),
  config: z.object({ url: z.string().optional(), content_type: z.string().optional() }),
  branch_filter: z.string().nullish(),
});
const key = z.object({ id: z.number(), key: z.string(), read_only: z.boolean().optional() });

function describe(from: z.infer<typeof repository>): RepositoryDescription {
  const { permissions } = from;
  return {
    id: String(from.id),
    path: from.full_name,
    httpUrl: from.clone_url,
    sshUrl: from.ssh_url,
    webUrl: from.html_url,
    defaultBranch: from.default_branch ? from.default_branch : undefined,
    description: from.description ?? '',
    visibility: from.private ? 'private' : from.internal === true ? 'internal' : 'public',
    isArchived: from.archived ?? false,
    isEmpty: from.empty,
    sizeBytes: from.size === undefined ? undefined : from.size * 1024,
    hasLfs: undefined,
    topics: from.topics ?? [],
    may: permissions ? { read: permissions.pull, write: permissions.push, administer: permissions.admin } : undefined,
  };
}

/** Gitea announces new and deleted branches and tags by events of their own. */
const events = ['push', 'create', 'delete'];

const hookBody = ({ url, secret }: Webhook) => ({
  active: true,
  events,
  branch_filter: '*',
  config: { url, secret, content_type: 'json' },
});

function describeHook({ id, active, events: its, config, branch_filter: filter }: z.infer<typeof hook>): HostWebhook {
  const hasAll = events.every((event) => its?.includes(event) === true);
  return {
    id: String(id),
    url: config.url ?? '',
    isRight: active && hasAll && config.content_type === 'json' && [undefined, null, '', '*'].includes(filter),
  };
}

const at = (path: string): string => `/repos/${path.split('/').map(part).join('/')}`;

/** Gogs gives whole lists and knows no pages: it would answer each page with the same. */
const pagesOf = (member: Member, page: number) => (member === 'gogs' ? {} : { query: { limit: hostLimits.giteaPageSize, page } });

const webhookCalls = (api: HostApi, path: string, member: Member): WebhookCalls => ({
  list: async () => {
    const reply = await allPages((page) =>
      api.call({ method: 'GET', path: `${at(path)}/hooks`, ...pagesOf(member, page), answer: z.array(hook) }),
    );
    return reply.kind === 'ok' ? { ...reply, value: reply.value.map(describeHook) } : reply;
  },
  create: (webhook) =>
    api.call({
      method: 'POST',
      path: `${at(path)}/hooks`,
      body: { type: member, ...hookBody(webhook) },
      answer: hook.transform(describeHook),
    }),
  update: (id, webhook) => api.call({ method: 'PATCH', path: `${at(path)}/hooks/${part(id)}`, body: hookBody(webhook), answer: anything }),
  remove: (id) => api.call({ method: 'DELETE', path: `${at(path)}/hooks/${part(id)}`, answer: anything }),
});

const keyCalls = (api: HostApi, path: string, member: Member): DeployKeyCalls => ({
  list: async () => {
    const reply = await allPages((page) =>
      api.call({ method: 'GET', path: `${at(path)}/keys`, ...pagesOf(member, page), answer: z.array(key) }),
    );
    if (reply.kind !== 'ok') return reply;
    // Gogs: all keys only read, whatever the field says.
    const canPush = (readOnly: boolean | undefined): boolean => member !== 'gogs' && readOnly === false;
    return { ...reply, value: reply.value.map((each) => ({ id: String(each.id), publicKey: each.key, canPush: canPush(each.read_only) })) };
  },
  create: ({ title, publicKey, canPush }) =>
    api.call({ method: 'POST', path: `${at(path)}/keys`, body: { title, key: publicKey, read_only: !canPush }, answer: key }),
  remove: (id) => api.call({ method: 'DELETE', path: `${at(path)}/keys/${part(id)}`, answer: anything }),
});

function createSession(api: HostApi, web: string, member: Member): HostSession {
  const byHand = (path: string, page: string, step: string): ByHand => ({ step, link: `${web}/${path}${page === '' ? '' : `/${page}`}` });
  const hooksByHand = (path: string): ByHand => byHand(path, 'settings/hooks', 'Add or change the webhook: Settings, Webhooks.');
  const deliveriesByHand = (path: string, id: string): ByHand =>
    byHand(path, `settings/hooks/${id}`, 'Look at the recent deliveries of the webhook, and redeliver there.');
  return {
    async whoAmI() {
      const reply = await api.call({ method: 'GET', path: '/user', answer: z.object({ login: z.string() }) });
      const token = { step: 'Make a token with read:user and write:repository.', link: `${web}/user/settings/applications` };
      return offered(reply, token, ({ login }) => ({ name: login, scopes: undefined }));
    },
    async describe(path) {
      const reply = await api.call({ method: 'GET', path: at(path), answer: repository });
      if (reply.kind === 'missing') return done(undefined);
      return offered(reply, byHand(path, '', 'Look at the repository with an account that may see it.'), describe);
    },
    create: (wanted) => create(api, web, wanted, member),
    async change(path, settings) {
      const settingsByHand = byHand(path, 'settings', 'Change it by hand: Settings, and Settings, Branches.');
      if (member === 'gogs') return notOffered('Gogs changes no settings of a repository by its API.', settingsByHand);
      return change(api, path, settings, settingsByHand);
    },
    async protectedBranches(path) {
      const branches = byHand(path, 'settings/branches', 'Read the protected branches: Settings, Branches.');
      if (member === 'gogs') return notOffered('Gogs lists no protected branches by its API.', branches);
      const answer = z.array(z.object({ branch_name: z.string(), rule_name: z.string().optional() }));
      const reply = await api.call({ method: 'GET', path: `${at(path)}/branch_protections`, answer });
      return offered(reply, branches, (all) => all.map(({ branch_name: name, rule_name: rule }) => rule || name));
    },
    ensureWebhook: (path, webhook) => ensureWebhook(webhookCalls(api, path, member), webhook, hooksByHand(path)),
    removeWebhook: (path, url) => removeWebhook(webhookCalls(api, path, member), url, hooksByHand(path)),
    async testWebhook(path, id) {
      if (member === 'gogs')
        return notOffered('Gogs tests no webhook by its API.', byHand(path, `settings/hooks/${id}`, 'Press "Test Delivery".'));
      const reply = await api.call({ method: 'POST', path: `${at(path)}/hooks/${part(id)}/tests`, answer: anything });
      return offered(reply, hooksByHand(path), () => undefined);
    },
    deliveries: async (path, id) => notOffered('Its API does not tell of deliveries.', deliveriesByHand(path, id)),
    redeliver: async (path, id) => notOffered('Its API does not deliver again.', deliveriesByHand(path, id)),
    async ensureDeployKey(path, wanted) {
      const keys = byHand(path, 'settings/keys', 'Add the public key: Settings, Deploy Keys.');
      if (member === 'gogs' && wanted.canPush)
        return notOffered('Deploy keys of Gogs only read.', {
          step: 'Add the public key to an account that may push.',
          link: `${web}/user/settings/ssh`,
        });
      return ensureDeployKey(keyCalls(api, path, member), wanted, keys);
    },
    list: (owner, page) => list(api, web, { owner, page, member }),
  };
}

async function create(api: HostApi, web: string, wanted: NewRepository, member: Member): Promise<Offered<RepositoryDescription>> {
  const [owner = '', name = ''] = wanted.path.split('/');
  const byHand = { step: `Make the repository ${wanted.path}, without a README.`, link: `${web}/repo/create` };
  const me = await api.call({ method: 'GET', path: '/user', answer: z.object({ login: z.string() }) });
  const isMine = me.kind === 'ok' && me.value.login.toLowerCase() === owner.toLowerCase();
  const path = isMine ? '/user/repos' : member === 'gogs' ? `/org/${part(owner)}/repos` : `/orgs/${part(owner)}/repos`;
  // A repository has no visibility of its own between these: `internal` is that of its organisation.
  const body = { name, description: wanted.description, private: wanted.visibility !== 'public', auto_init: false };
  return madeRepository(await api.call({ method: 'POST', path, body, answer: repository.transform(describe) }), wanted, byHand);
}

async function change(
  api: HostApi,
  path: string,
  { defaultBranch, description, topics, isArchived }: RepositorySettings,
  byHand: ByHand,
): Promise<Offered<void>> {
  const body = {
    ...(defaultBranch === undefined ? {} : { default_branch: defaultBranch }),
    ...(description === undefined ? {} : { description }),
  };
  // An archived repository takes no other change: it is opened first, and closed last.
  const patches = [...(isArchived === false ? [{ archived: false }] : []), ...(Object.keys(body).length === 0 ? [] : [body])];
  for (const patch of patches) {
    const reply = await api.call({ method: 'PATCH', path: at(path), body: patch, answer: anything });
    if (reply.kind !== 'ok') return offered(reply, byHand, () => undefined);
  }
  if (topics !== undefined) {
    const reply = await api.call({ method: 'PUT', path: `${at(path)}/topics`, body: { topics }, answer: anything });
    if (reply.kind !== 'ok') return offered(reply, byHand, () => undefined);
  }
  if (isArchived !== true) return done(undefined);
  const reply = await api.call({ method: 'PATCH', path: at(path), body: { archived: true }, answer: anything });
  return offered(reply, byHand, () => undefined);
}

interface Listing {
  readonly owner: string;
  readonly page: number;
  readonly member: Member;
}

/** An organisation's, or else a user's. */
async function list(api: HostApi, web: string, { owner, page, member }: Listing): ReturnType<HostSession['list']> {
  const byHand = { step: `Look at the repositories of ${owner} there.`, link: `${web}/${owner}` };
  const answer = z.array(repository);
  const ask = (kind: 'orgs' | 'users') =>
    api.call({ method: 'GET', path: `/${kind}/${part(owner)}/repos`, ...pagesOf(member, page), answer });
  const ofOrganisation = await ask('orgs');
  const reply = ofOrganisation.kind === 'missing' ? await ask('users') : ofOrganisation;
  if (reply.kind === 'refused') throw refusal(reply);
  if (reply.kind !== 'ok') return notPermitted(reply, byHand);
  return done({ repositories: reply.value.map(describe), next: member === 'gogs' ? undefined : nextPage(page, reply) });
}
