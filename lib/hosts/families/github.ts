/** GitHub, github.com and Enterprise Server (docs.github.com, "REST API", version 2022-11-28). */
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
import { done, notPermitted, offered, refusal } from '../offered.ts';
import { allPages, nextPage } from '../pages.ts';

export const github: HostFamilyRules = {
  label: 'GitHub',
  apiBase: ({ origin, hostname, protocol }) =>
    /^(www\.|api\.|ssh\.)?github\.com$/.test(hostname)
      ? 'https://api.github.com'
      : // GitHub Enterprise Cloud with data residency has its API beside it; Enterprise Server below the same host.
        hostname.endsWith('.ghe.com')
        ? `${protocol}//api.${hostname}`
        : `${origin}/api/v3`,
  headers: ({ token }) => ({
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  }),
  open: (api, web) => createSession(api, web),
};

const repository = z.object({
  id: z.number(),
  full_name: z.string(),
  clone_url: z.string(),
  ssh_url: z.string(),
  html_url: z.string(),
  default_branch: z.string().nullish(),
  description: z.string().nullish(),
  private: z.boolean(),
  visibility: z.enum(['public', 'private', 'internal']).optional(),
  archived: z.boolean().optional(),
  size: z.number().optional(),
  topics: z.array(z.string()).optional(),
  permissions: z.object({ pull: z.boolean().optional(), push: z.boolean(), admin: z.boolean() }).optional(),
});
const hook = z.object({
  id: z.number(),
  active: z.boolean(),
  events: z.array(z.string()),
  config: z.object({
    url: z.string().optional(),
    content_type: z.string().optional(),
    insecure_ssl: z.union([z.string(), z.number()]).optional(),
  }),
});
const key = z.object({ id: z.number(), key: z.string(), read_only: z.boolean() });
const delivery = z.object({ id: z.number(), delivered_at: z.string(), event: z.string(), status_code: z.number() });

function describe(from: z.infer<typeof repository>): RepositoryDescription {
  const { permissions } = from;
  return {
    id: String(from.id),
    path: from.full_name,
    httpUrl: from.clone_url,
    sshUrl: from.ssh_url,
    webUrl: from.html_url,
    defaultBranch: from.default_branch ?? undefined,
    description: from.description ?? '',
    visibility: from.visibility ?? (from.private ? 'private' : 'public'),
    isArchived: from.archived ?? false,
    // A size of 0 may also be one that was not counted yet.
    isEmpty: undefined,
    sizeBytes: from.size === undefined ? undefined : from.size * 1024,
    hasLfs: undefined,
    topics: from.topics ?? [],
    may: permissions && { read: permissions.pull ?? true, write: permissions.push, administer: permissions.admin },
  };
}

/** Push covers branches and tags; create and delete are sent too where one push changes too many for that. */
const events = ['push'];

const hookBody = ({ url, secret }: Webhook) => ({ active: true, events, config: { url, secret, content_type: 'json', insecure_ssl: '0' } });

function describeHook({ id, active, events: its, config }: z.infer<typeof hook>): HostWebhook {
  const isVerified = String(config.insecure_ssl ?? '0') === '0';
  const isRight =
    active && events.every((event) => its.includes(event) || its.includes('*')) && config.content_type === 'json' && isVerified;
  return { id: String(id), url: config.url ?? '', isRight };
}

const at = (path: string): string => `/repos/${path.split('/').map(part).join('/')}`;

const webhookCalls = (api: HostApi, path: string): WebhookCalls => ({
  list: async () => {
    const reply = await allPages((page) =>
      api.call({ method: 'GET', path: `${at(path)}/hooks`, query: { per_page: hostLimits.pageSize, page }, answer: z.array(hook) }),
    );
    return reply.kind === 'ok' ? { ...reply, value: reply.value.map(describeHook) } : reply;
  },
  create: (webhook) =>
    api.call({
      method: 'POST',
      path: `${at(path)}/hooks`,
      body: { name: 'web', ...hookBody(webhook) },
      answer: hook.transform(describeHook),
    }),
  update: (id, webhook) => api.call({ method: 'PATCH', path: `${at(path)}/hooks/${part(id)}`, body: hookBody(webhook), answer: hook }),
  remove: (id) => api.call({ method: 'DELETE', path: `${at(path)}/hooks/${part(id)}`, answer: anything }),
});

const keyCalls = (api: HostApi, path: string): DeployKeyCalls => ({
  list: async () => {
    const reply = await allPages((page) =>
      api.call({ method: 'GET', path: `${at(path)}/keys`, query: { per_page: hostLimits.pageSize, page }, answer: z.array(key) }),
    );
    if (reply.kind !== 'ok') return reply;
    return { ...reply, value: reply.value.map((each) => ({ id: String(each.id), publicKey: each.key, canPush: !each.read_only })) };
  },
  create: ({ title, publicKey, canPush }) =>
    api.call({ method: 'POST', path: `${at(path)}/keys`, body: { title, key: publicKey, read_only: !canPush }, answer: key }),
  remove: (id) => api.call({ method: 'DELETE', path: `${at(path)}/keys/${part(id)}`, answer: anything }),
});

function createSession(api: HostApi, web: string): HostSession {
  const byHand = (path: string, page: string, step: string): ByHand => ({ step, link: `${web}/${path}/${page}` });
  const hooksByHand = (path: string): ByHand => byHand(path, 'settings/hooks', 'Add or change the webhook: Settings, Webhooks.');
  return {
    whoAmI: async () => whoAmI(api, web),
    async describe(path) {
      const reply = await api.call({ method: 'GET', path: at(path), answer: repository });
      if (reply.kind === 'missing') return done(undefined);
      return offered(reply, byHand(path, '', 'Look at the repository with an account that may see it.'), describe);
    },
    create: (wanted) => create(api, web, wanted),
    change: (path, settings) => change(api, at(path), settings, (step) => byHand(path, 'settings', step)),
    async protectedBranches(path) {
      const answer = z.array(z.object({ name: z.string() }));
      const reply = await allPages((page) =>
        api.call({
          method: 'GET',
          path: `${at(path)}/branches`,
          query: { protected: 'true', per_page: hostLimits.pageSize, page },
          answer,
        }),
      );
      return offered(reply, byHand(path, 'settings/branches', 'Read the protected branches: Settings, Branches and Rulesets.'), (all) =>
        all.map(({ name }) => name),
      );
    },
    ensureWebhook: (path, webhook) => ensureWebhook(webhookCalls(api, path), webhook, hooksByHand(path)),
    removeWebhook: (path, url) => removeWebhook(webhookCalls(api, path), url, hooksByHand(path)),
    async testWebhook(path, id) {
      const reply = await api.call({ method: 'POST', path: `${at(path)}/hooks/${part(id)}/pings`, answer: anything });
      return offered(reply, hooksByHand(path), () => undefined);
    },
    async deliveries(path, id) {
      const query = { per_page: hostLimits.deliveries };
      const reply = await api.call({ method: 'GET', path: `${at(path)}/hooks/${part(id)}/deliveries`, query, answer: z.array(delivery) });
      return offered(reply, byHand(path, `settings/hooks/${id}?tab=deliveries`, 'Look at the recent deliveries of the webhook.'), (all) =>
        all.map(({ id: number, delivered_at: time, event, status_code: status }) => {
          const ms = Date.parse(time);
          // 0 = no answer came.
          return { id: String(number), at: Number.isNaN(ms) ? undefined : ms, event, status: status === 0 ? undefined : status };
        }),
      );
    },
    async redeliver(path, id, deliveryId) {
      const reply = await api.call({
        method: 'POST',
        path: `${at(path)}/hooks/${part(id)}/deliveries/${part(deliveryId)}/attempts`,
        answer: anything,
      });
      return offered(
        reply,
        byHand(path, `settings/hooks/${id}?tab=deliveries`, 'Redeliver it from the recent deliveries.'),
        () => undefined,
      );
    },
    ensureDeployKey: (path, wanted) =>
      ensureDeployKey(
        keyCalls(api, path),
        wanted,
        byHand(path, 'settings/keys', 'Add the public key as a deploy key; an organisation may have switched deploy keys off.'),
      ),
    list: (owner, page) => list(api, web, owner, page),
  };
}

async function whoAmI(api: HostApi, web: string): ReturnType<HostSession['whoAmI']> {
  const reply = await api.call({ method: 'GET', path: '/user', answer: z.object({ login: z.string() }) });
  const byHand = { step: 'Use the token of an account. A token of an App has none, and needs none.', link: `${web}/settings/tokens` };
  if (reply.kind === 'refused') throw refusal(reply);
  if (reply.kind !== 'ok') return notPermitted(reply, byHand);
  // Fine-grained tokens have no such header.
  const scopes = reply.headers['x-oauth-scopes'];
  return done({ name: reply.value.login, scopes: scopes?.split(',').flatMap((scope) => scope.trim() || []) });
}

async function create(api: HostApi, web: string, wanted: NewRepository): Promise<Offered<RepositoryDescription>> {
  const [owner = '', name = ''] = wanted.path.split('/');
  const byHand = { step: `Make the repository ${wanted.path}, without a README.`, link: `${web}/new` };
  // A token of an App is nobody; it makes repositories of organisations only.
  const me = await api.call({ method: 'GET', path: '/user', answer: z.object({ login: z.string() }) });
  const isMine = me.kind === 'ok' && me.value.login.toLowerCase() === owner.toLowerCase();
  // Organisations make internal repositories by a setting of the enterprise, and the call does not take it: private is the narrower one.
  const body = { name, description: wanted.description, private: wanted.visibility !== 'public', auto_init: false };
  const path = isMine ? '/user/repos' : `/orgs/${part(owner)}/repos`;
  return madeRepository(await api.call({ method: 'POST', path, body, answer: repository.transform(describe) }), wanted, byHand);
}

async function change(
  api: HostApi,
  path: string,
  { defaultBranch, description, topics, isArchived }: RepositorySettings,
  byHand: (step: string) => ByHand,
): Promise<Offered<void>> {
  // An archived repository takes no other change: it is opened first, and closed last.
  const before = {
    ...(defaultBranch === undefined ? {} : { default_branch: defaultBranch }),
    ...(description === undefined ? {} : { description }),
  };
  const bodies = [...(isArchived === false ? [{ archived: false }] : []), ...(Object.keys(before).length === 0 ? [] : [before])];
  for (const body of bodies) {
    const reply = await api.call({ method: 'PATCH', path, body, answer: repository });
    if (reply.kind !== 'ok') return offered(reply, byHand('Change it by hand: Settings, General.'), () => undefined);
  }
  if (topics !== undefined) {
    const reply = await api.call({ method: 'PUT', path: `${path}/topics`, body: { names: topics }, answer: anything });
    if (reply.kind !== 'ok') return offered(reply, byHand('Set the topics beside "About" on the first page.'), () => undefined);
  }
  if (isArchived !== true) return done(undefined);
  const reply = await api.call({ method: 'PATCH', path, body: { archived: true }, answer: repository });
  return offered(reply, byHand('Archive it: Settings, General, Danger zone.'), () => undefined);
}

/** An organisation's, or else a user's; of oneself also the private ones. */
async function list(api: HostApi, web: string, owner: string, page: number): ReturnType<HostSession['list']> {
  const query = { per_page: hostLimits.pageSize, page, type: 'all', sort: 'full_name' };
  const byHand = { step: `Look at the repositories of ${owner} there.`, link: `${web}/${owner}` };
  const answer = z.array(repository);
  const ofOrganisation = await api.call({ method: 'GET', path: `/orgs/${part(owner)}/repos`, query, answer });
  const reply = ofOrganisation.kind === 'missing' ? await ofUser(api, owner, page) : ofOrganisation;
  if (reply.kind === 'refused') throw refusal(reply);
  if (reply.kind !== 'ok') return notPermitted(reply, byHand);
  return done({ repositories: reply.value.map(describe), next: nextPage(page, reply) });
}

async function ofUser(api: HostApi, owner: string, page: number) {
  const query = { per_page: hostLimits.pageSize, page, sort: 'full_name' };
  const answer = z.array(repository);
  const me = await api.call({ method: 'GET', path: '/user', answer: z.object({ login: z.string() }) });
  const isMe = me.kind === 'ok' && me.value.login.toLowerCase() === owner.toLowerCase();
  if (isMe) return api.call({ method: 'GET', path: '/user/repos', query: { ...query, affiliation: 'owner' }, answer });
  return api.call({ method: 'GET', path: `/users/${part(owner)}/repos`, query, answer });
}
