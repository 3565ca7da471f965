/** GitHub's API, and what Gitea, Forgejo and Gogs have of it with their differences. */
import { z } from 'zod';
import { type Forge, type ForgeAnswer, type ForgeHook, type ForgeRepository, type ForgeRequest, pageOf } from './forge.ts';

const newRepository = z.strictObject({
  name: z.string().min(1),
  description: z.string(),
  private: z.boolean(),
  auto_init: z.literal(false),
});
const gitHubHook = z.strictObject({
  name: z.literal('web').optional(),
  active: z.boolean(),
  events: z.array(z.enum(['push', 'create', 'delete'])).min(1),
  config: z.strictObject({ url: z.url(), secret: z.string(), content_type: z.enum(['json', 'form']), insecure_ssl: z.enum(['0', '1']) }),
});
const giteaHook = z.strictObject({
  type: z.enum(['gitea', 'gogs', 'forgejo']).optional(),
  active: z.boolean(),
  events: z.array(z.enum(['push', 'create', 'delete'])).min(1),
  branch_filter: z.string(),
  config: z.strictObject({ url: z.url(), secret: z.string(), content_type: z.enum(['json', 'form']) }),
});
const newKey = z.strictObject({ title: z.string(), key: z.string().startsWith('ssh-'), read_only: z.boolean() });
const settings = z.strictObject({ default_branch: z.string(), description: z.string(), archived: z.boolean() }).partial();

const missing: ForgeAnswer = { status: 404, body: { message: 'Not Found' } };

export function forgeGitHubLike(forge: Forge, request: ForgeRequest): ForgeAnswer {
  const { method, path, headers, query } = request;
  const scheme = forge.kind === 'github' ? 'Bearer' : 'token';
  if (path.endsWith('/version') || path === '/meta' || path === '/users/search') return strangers(forge, path);
  if (headers.authorization !== `${scheme} ${forge.token}`) return { status: 401, body: { message: 'Bad credentials' } };
  if (method === 'GET' && path === '/user')
    return {
      status: 200,
      body: { login: forge.me },
      headers: forge.kind === 'github' ? { 'x-oauth-scopes': 'repo, admin:repo_hook' } : {},
    };
  const [, kind = '', owner = '', name = '', ...rest] = path.split('/');
  if (kind === 'repos') return ofRepository(forge, forge.find(`${owner}/${name}`), rest, request);
  if (method === 'POST') {
    const kinds = forge.kind === 'gogs' ? ['org'] : ['orgs', 'org'];
    if (path === '/user/repos') return create(forge, forge.me, request);
    return kinds.includes(kind) && forge.organisations.includes(owner) && name === 'repos' ? create(forge, owner, request) : missing;
  }
  const own = forge.repositories.filter((each) => each.path.startsWith(`${path === '/user/repos' ? forge.me : owner}/`));
  if (path === '/user/repos')
    return pageOf(
      forge,
      own.map((each) => told(forge, each)),
      query,
    );
  if (kind === 'orgs' && !forge.organisations.includes(owner)) return missing;
  if (forge.kind === 'gogs') return { status: 200, body: own.map((each) => told(forge, each)) };
  return pageOf(
    forge,
    own.map((each) => told(forge, each)),
    query,
  );
}

function strangers({ kind }: Forge, path: string): ForgeAnswer {
  if (kind === 'github') return path === '/meta' ? { status: 200, body: { verifiable_password_authentication: false } } : missing;
  if (path === '/users/search') return { status: 200, body: { ok: true, data: [] } };
  if (path === '/version' && kind !== 'gogs') return { status: 200, body: { version: '1.22.0' } };
  if (path === '/api/forgejo/v1/version' && kind === 'forgejo') return { status: 200, body: { version: '9.0.0+gitea-1.22.0' } };
  return missing;
}

function told({ kind, origin, isAdministrator }: Forge, from: ForgeRepository): object {
  return {
    id: from.id,
    full_name: from.path,
    clone_url: `${origin}/${from.path}.git`,
    ssh_url: `git@127.0.0.1:${from.path}.git`,
    html_url: `${origin}/${from.path}`,
    default_branch: from.defaultBranch,
    description: kind === 'github' && from.description === '' ? null : from.description,
    private: from.visibility !== 'public',
    permissions: { admin: isAdministrator, push: isAdministrator, pull: true },
    ...(kind === 'gogs' ? {} : { archived: from.archived, topics: from.topics, size: 12 }),
    ...(kind === 'github' ? { visibility: from.visibility } : { empty: true }),
  };
}

function create(forge: Forge, owner: string, { body }: ForgeRequest): ForgeAnswer {
  const wanted = newRepository.safeParse(body);
  if (!wanted.success) return { status: 422, body: { message: wanted.error.message } };
  const { name, description } = wanted.data;
  if (!forge.isAdministrator)
    return {
      status: 403,
      body: { message: 'Resource not accessible' },
      headers: { 'x-accepted-github-permissions': 'administration=write' },
    };
  if (forge.find(`${owner}/${name}`) !== undefined)
    return forge.kind === 'github'
      ? { status: 422, body: { message: 'Repository creation failed.', errors: [{ message: 'name already exists on this account' }] } }
      : { status: forge.kind === 'gogs' ? 422 : 409, body: { message: `The repository with the same name already exists.` } };
  const made = forge.add(`${owner}/${name}`, { description, visibility: wanted.data.private ? 'private' : 'public' });
  return { status: 201, body: told(forge, made) };
}

function ofRepository(forge: Forge, found: ForgeRepository | undefined, rest: readonly string[], request: ForgeRequest): ForgeAnswer {
  const [what, id, further] = rest;
  const { method, body, query } = request;
  if (found === undefined) return missing;
  if (what === undefined && method === 'GET') return { status: 200, body: told(forge, found) };
  // GitHub hides what an account may not administer; the others say so.
  if (!forge.isAdministrator) return forge.kind === 'github' ? missing : { status: 403, body: { message: 'user should be an owner' } };
  if (what === 'hooks') return hooks(forge, found, { id, further }, request);
  if (what === 'keys') return keys(forge, found, id, request);
  if (forge.kind === 'gogs') return missing;
  if (what === undefined && method === 'PATCH') {
    const wanted = settings.safeParse(body);
    if (!wanted.success) return { status: 422, body: { message: wanted.error.message } };
    const { default_branch: branch, description, archived } = wanted.data;
    if (found.archived && archived !== false) return { status: 403, body: { message: 'Repository was archived so is read-only.' } };
    if (branch !== undefined) found.defaultBranch = branch;
    if (description !== undefined) found.description = description;
    if (archived !== undefined) found.archived = archived;
    return { status: 200, body: told(forge, found) };
  }
  if (what === 'topics' && method === 'PUT') {
    const field = forge.kind === 'github' ? 'names' : 'topics';
    const wanted = z.strictObject({ [field]: z.array(z.string()) }).safeParse(body);
    if (!wanted.success) return { status: 422, body: { message: wanted.error.message } };
    found.topics = [...(wanted.data[field] ?? [])];
    return forge.kind === 'github' ? { status: 200, body: { names: found.topics } } : { status: 204 };
  }
  if (forge.kind === 'github' && what === 'branches' && query.get('protected') === 'true')
    return pageOf(
      forge,
      found.protectedBranches.map((name) => ({ name, protected: true })),
      query,
    );
  if (forge.kind !== 'github' && what === 'branch_protections')
    return { status: 200, body: found.protectedBranches.map((name) => ({ branch_name: '', rule_name: name })) };
  return missing;
}

function toldHook({ kind }: Forge, { id, url, active, events }: ForgeHook): object {
  const config = { url, content_type: 'json', ...(kind === 'github' ? { insecure_ssl: '0', secret: '********' } : {}) };
  return { id, type: kind === 'github' ? 'Repository' : kind, active, events, config };
}

interface Below {
  readonly id: string | undefined;
  readonly further: string | undefined;
}

function hooks(
  forge: Forge,
  repository: ForgeRepository,
  { id, further }: Below,
  { method, body, query, path }: ForgeRequest,
): ForgeAnswer {
  if (id === undefined && method === 'GET') {
    const all = repository.hooks.map((each) => toldHook(forge, each));
    return forge.kind === 'gogs' ? { status: 200, body: all } : pageOf(forge, all, query);
  }
  const found = repository.hooks.find((each) => String(each.id) === id);
  if (id !== undefined && found === undefined) return missing;
  if (found !== undefined && method === 'DELETE') {
    repository.hooks.splice(repository.hooks.indexOf(found), 1);
    return { status: 204 };
  }
  if (found !== undefined && further !== undefined) return deliveries(forge, found, further, { method, path, query });
  const wanted = (forge.kind === 'github' ? gitHubHook : giteaHook).safeParse(body);
  if (!wanted.success) return { status: 422, body: { message: wanted.error.message } };
  const { active, events, config } = wanted.data;
  if (config.url.includes('localhost'))
    return {
      status: 422,
      body: { message: 'Validation Failed', errors: [{ message: `url is not supported: localhost, secret ${config.secret}` }] },
    };
  const values = { url: config.url, secret: config.secret, active, events: [...events] };
  const hook = found ?? { id: forge.nextId(), deliveries: [], ...values };
  if (found === undefined) repository.hooks.push(hook);
  else Object.assign(found, values);
  return { status: found === undefined ? 201 : 200, body: toldHook(forge, hook) };
}

function deliveries(
  forge: Forge,
  hook: ForgeHook,
  what: string,
  { method, path, query }: Pick<ForgeRequest, 'method' | 'path' | 'query'>,
): ForgeAnswer {
  if (forge.kind !== 'github') {
    if (what !== 'tests' || forge.kind === 'gogs' || method !== 'POST') return missing;
    hook.deliveries.unshift({ id: forge.nextId(), status: 202 });
    return { status: 204 };
  }
  if (what === 'pings' && method === 'POST') {
    hook.deliveries.unshift({ id: forge.nextId(), status: 202 });
    return { status: 204 };
  }
  if (path.endsWith('/attempts') && method === 'POST') {
    hook.deliveries.unshift({ id: forge.nextId(), status: 202 });
    return { status: 202, body: {} };
  }
  const all = hook.deliveries.map(({ id, status }) => ({ id, delivered_at: '2026-12-01T10:00:00Z', event: 'push', status_code: status }));
  return pageOf(forge, all, query);
}

function keys(forge: Forge, repository: ForgeRepository, id: string | undefined, { method, body, query }: ForgeRequest): ForgeAnswer {
  if (method === 'GET') {
    const all = repository.keys.map((each) => ({ id: each.id, key: each.key, title: each.title, read_only: !each.canPush }));
    return forge.kind === 'gogs' ? { status: 200, body: all } : pageOf(forge, all, query);
  }
  if (method === 'DELETE') {
    repository.keys = repository.keys.filter((each) => String(each.id) !== id);
    return { status: 204 };
  }
  const wanted = newKey.safeParse(body);
  if (!wanted.success) return { status: 422, body: { message: wanted.error.message } };
  const { title, key, read_only: readOnly } = wanted.data;
  if (repository.keys.some((each) => each.key === key)) return { status: 422, body: { message: 'key is already in use' } };
  // GitHub keeps no comment.
  const made = { id: forge.nextId(), title, key: key.split(' ').slice(0, 2).join(' '), canPush: !readOnly && forge.kind !== 'gogs' };
  repository.keys.push(made);
  return { status: 201, body: { id: made.id, key: made.key, title, read_only: readOnly } };
}
