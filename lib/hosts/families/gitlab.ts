/** GitLab, gitlab.com and self-managed (docs.gitlab.com, "REST API", version 4). */
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

export const gitlab: HostFamilyRules = {
  label: 'GitLab',
  apiBase: ({ origin }) => `${origin}/api/v4`,
  // Personal, project, group and OAuth tokens alike.
  headers: ({ token }) => ({ authorization: `Bearer ${token}` }),
  open: (api, web) => createSession(api, web),
};

const access = z.object({ access_level: z.number() }).nullish();
const project = z.object({
  id: z.number(),
  path_with_namespace: z.string(),
  http_url_to_repo: z.string(),
  ssh_url_to_repo: z.string(),
  web_url: z.string(),
  default_branch: z.string().nullish(),
  description: z.string().nullish(),
  visibility: z.enum(['private', 'internal', 'public']).optional(),
  archived: z.boolean().optional(),
  empty_repo: z.boolean().optional(),
  lfs_enabled: z.boolean().optional(),
  topics: z.array(z.string()).optional(),
  statistics: z.object({ repository_size: z.number() }).nullish(),
  permissions: z.object({ project_access: access, group_access: access }).nullish(),
});
const hook = z.object({
  id: z.number(),
  url: z.string(),
  push_events: z.boolean(),
  tag_push_events: z.boolean(),
  enable_ssl_verification: z.boolean().optional(),
  push_events_branch_filter: z.string().nullish(),
  /** `executable`, `disabled`, `temporarily_disabled`. */
  alert_status: z.string().optional(),
});
const key = z.object({ id: z.number(), key: z.string(), can_push: z.boolean() });
const sentEvent = z.object({
  id: z.number(),
  trigger: z.string(),
  // GitLab gives it as text, and words where no answer came.
  response_status: z.union([z.string(), z.number()]).nullish(),
  created_at: z.string().optional(),
});

/** Access levels: Developer pushes, Maintainer administers. */
const developer = 30;
const maintainer = 40;

function describe(from: z.infer<typeof project>): RepositoryDescription {
  const { permissions, statistics } = from;
  const level = Math.max(permissions?.project_access?.access_level ?? 0, permissions?.group_access?.access_level ?? 0);
  return {
    id: String(from.id),
    path: from.path_with_namespace,
    httpUrl: from.http_url_to_repo,
    sshUrl: from.ssh_url_to_repo,
    webUrl: from.web_url,
    defaultBranch: from.default_branch ?? undefined,
    description: from.description ?? '',
    visibility: from.visibility,
    isArchived: from.archived ?? false,
    isEmpty: from.empty_repo,
    sizeBytes: statistics?.repository_size,
    hasLfs: from.lfs_enabled,
    topics: from.topics ?? [],
    // An administrator of the instance may more than these levels say.
    may: permissions ? { read: true, write: level >= developer, administer: level >= maintainer } : undefined,
  };
}

const hookBody = ({ url, secret }: Webhook) => ({
  url,
  token: secret,
  push_events: true,
  tag_push_events: true,
  push_events_branch_filter: '',
  enable_ssl_verification: true,
});

function describeHook(from: z.infer<typeof hook>): HostWebhook {
  const isAwake = from.alert_status === undefined || from.alert_status === 'executable';
  const isFiltered = (from.push_events_branch_filter ?? '') !== '';
  const isRight = from.push_events && from.tag_push_events && from.enable_ssl_verification !== false && isAwake && !isFiltered;
  return { id: String(from.id), url: from.url, isRight };
}

const at = (path: string): string => `/projects/${part(path)}`;

const webhookCalls = (api: HostApi, path: string): WebhookCalls => ({
  list: async () => {
    const reply = await allPages((page) =>
      api.call({ method: 'GET', path: `${at(path)}/hooks`, query: { per_page: hostLimits.pageSize, page }, answer: z.array(hook) }),
    );
    return reply.kind === 'ok' ? { ...reply, value: reply.value.map(describeHook) } : reply;
  },
  create: (webhook) =>
    api.call({ method: 'POST', path: `${at(path)}/hooks`, body: hookBody(webhook), answer: hook.transform(describeHook) }),
  update: (id, webhook) => api.call({ method: 'PUT', path: `${at(path)}/hooks/${part(id)}`, body: hookBody(webhook), answer: hook }),
  remove: (id) => api.call({ method: 'DELETE', path: `${at(path)}/hooks/${part(id)}`, answer: anything }),
});

const keyCalls = (api: HostApi, path: string): DeployKeyCalls => ({
  list: async () => {
    const reply = await allPages((page) =>
      api.call({ method: 'GET', path: `${at(path)}/deploy_keys`, query: { per_page: hostLimits.pageSize, page }, answer: z.array(key) }),
    );
    if (reply.kind !== 'ok') return reply;
    return { ...reply, value: reply.value.map((each) => ({ id: String(each.id), publicKey: each.key, canPush: each.can_push })) };
  },
  create: ({ title, publicKey, canPush }) =>
    api.call({ method: 'POST', path: `${at(path)}/deploy_keys`, body: { title, key: publicKey, can_push: canPush }, answer: key }),
  remove: (id) => api.call({ method: 'DELETE', path: `${at(path)}/deploy_keys/${part(id)}`, answer: anything }),
});

function createSession(api: HostApi, web: string): HostSession {
  const byHand = (path: string, page: string, step: string): ByHand => ({ step, link: `${web}/${path}${page === '' ? '' : `/-/${page}`}` });
  const hooksByHand = (path: string): ByHand =>
    byHand(path, 'hooks', 'Add or change the webhook: Settings, Webhooks. It wants the role Maintainer and a token with the scope api.');
  return {
    whoAmI: () => whoAmI(api, web),
    async describe(path) {
      // `statistics` needs the role Reporter; without it they are left out.
      const reply = await api.call({ method: 'GET', path: at(path), query: { statistics: 'true' }, answer: project });
      if (reply.kind === 'missing') return done(undefined);
      return offered(reply, byHand(path, '', 'Look at the project with an account that may see it.'), describe);
    },
    create: (wanted) => create(api, web, wanted),
    change: (path, settings) => change(api, path, settings, byHand(path, 'edit', 'Change it by hand: Settings, General, or Repository.')),
    async protectedBranches(path) {
      const answer = z.array(z.object({ name: z.string() }));
      const reply = await allPages((page) =>
        api.call({ method: 'GET', path: `${at(path)}/protected_branches`, query: { per_page: hostLimits.pageSize, page }, answer }),
      );
      return offered(reply, byHand(path, 'settings/repository', 'Read them: Settings, Repository, Protected branches.'), (all) =>
        all.map(({ name }) => name),
      );
    },
    ensureWebhook: (path, webhook) => ensureWebhook(webhookCalls(api, path), webhook, hooksByHand(path)),
    removeWebhook: (path, url) => removeWebhook(webhookCalls(api, path), url, hooksByHand(path)),
    async testWebhook(path, id) {
      // Refused where the repository has no commit: there is nothing to make an event from.
      const reply = await api.call({ method: 'POST', path: `${at(path)}/hooks/${part(id)}/test/push_events`, answer: anything });
      return offered(reply, hooksByHand(path), () => undefined);
    },
    async deliveries(path, id) {
      const query = { per_page: hostLimits.deliveries };
      const reply = await api.call({ method: 'GET', path: `${at(path)}/hooks/${part(id)}/events`, query, answer: z.array(sentEvent) });
      return offered(reply, byHand(path, `hooks/${id}/edit`, 'Look at the recent events of the webhook.'), (all) =>
        all.map(describeDelivery),
      );
    },
    async redeliver(path, id, deliveryId) {
      const call = `${at(path)}/hooks/${part(id)}/events/${part(deliveryId)}/resend`;
      const reply = await api.call({ method: 'POST', path: call, answer: anything });
      return offered(reply, byHand(path, `hooks/${id}/edit`, 'Resend it from the recent events.'), () => undefined);
    },
    ensureDeployKey: (path, wanted) =>
      ensureDeployKey(
        keyCalls(api, path),
        wanted,
        byHand(path, 'settings/repository', 'Add the public key: Settings, Repository, Deploy keys.'),
      ),
    list: (owner, page) => list(api, web, owner, page),
  };
}

function describeDelivery({ id, trigger, response_status: answered, created_at: time }: z.infer<typeof sentEvent>) {
  const status = Number(answered ?? '');
  const at = Date.parse(time ?? '');
  return {
    id: String(id),
    at: Number.isNaN(at) ? undefined : at,
    event: trigger,
    status: Number.isInteger(status) && status >= 100 ? status : undefined,
  };
}

async function whoAmI(api: HostApi, web: string): ReturnType<HostSession['whoAmI']> {
  const reply = await api.call({ method: 'GET', path: '/user', answer: z.object({ username: z.string() }) });
  const byHand = { step: 'Make a token with the scope api.', link: `${web}/-/user_settings/personal_access_tokens` };
  if (reply.kind === 'refused') throw refusal(reply);
  if (reply.kind !== 'ok') return notPermitted(reply, byHand);
  // Not there for OAuth tokens and before version 15.5.
  const token = await api.call({
    method: 'GET',
    path: '/personal_access_tokens/self',
    answer: z.object({ scopes: z.array(z.string()) }),
  });
  return done({ name: reply.value.username, scopes: token.kind === 'ok' ? token.value.scopes : undefined });
}

async function create(api: HostApi, web: string, wanted: NewRepository): Promise<Offered<RepositoryDescription>> {
  const slash = wanted.path.lastIndexOf('/');
  const namespace = wanted.path.slice(0, slash);
  const name = wanted.path.slice(slash + 1);
  const byHand = { step: `Make the project ${wanted.path}, without a README.`, link: `${web}/projects/new#blank_project` };
  const found = await api.call({ method: 'GET', path: `/namespaces/${part(namespace)}`, answer: z.object({ id: z.number() }) });
  if (found.kind === 'refused') throw refusal(found);
  if (found.kind !== 'ok') return notPermitted(found, byHand);
  const body = {
    path: name,
    name,
    namespace_id: found.value.id,
    visibility: wanted.visibility,
    description: wanted.description,
    initialize_with_readme: false,
  };
  return madeRepository(await api.call({ method: 'POST', path: '/projects', body, answer: project.transform(describe) }), wanted, byHand);
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
    ...(topics === undefined ? {} : { topics }),
  };
  // An archived project takes no other change: it is opened first, and closed last.
  const calls = [
    ...(isArchived === false ? [{ method: 'POST' as const, path: `${at(path)}/unarchive` }] : []),
    ...(Object.keys(body).length === 0 ? [] : [{ method: 'PUT' as const, path: at(path), body }]),
    ...(isArchived === true ? [{ method: 'POST' as const, path: `${at(path)}/archive` }] : []),
  ];
  for (const call of calls) {
    const reply = await api.call({ ...call, answer: project });
    if (reply.kind !== 'ok') return offered(reply, byHand, () => undefined);
  }
  return done(undefined);
}

/** A group's with its subgroups', or else a user's. */
async function list(api: HostApi, web: string, owner: string, page: number): ReturnType<HostSession['list']> {
  const query = { per_page: hostLimits.pageSize, page, order_by: 'id', sort: 'asc' };
  const byHand = { step: `Look at the projects of ${owner} there.`, link: `${web}/${owner}` };
  const answer = z.array(project);
  const ofGroup = await api.call({
    method: 'GET',
    path: `/groups/${part(owner)}/projects`,
    query: { ...query, include_subgroups: 'true' },
    answer,
  });
  const reply =
    ofGroup.kind === 'missing' ? await api.call({ method: 'GET', path: `/users/${part(owner)}/projects`, query, answer }) : ofGroup;
  if (reply.kind === 'refused') throw refusal(reply);
  if (reply.kind !== 'ok') return notPermitted(reply, byHand);
  return done({ repositories: reply.value.map(describe), next: nextPage(page, reply) });
}
