/** GitLab's API, as far as mirrors are set up with it. */
import { z } from 'zod';
import { type Forge, type ForgeAnswer, type ForgeHook, type ForgeRepository, type ForgeRequest, pageOf } from './forge.ts';

const newProject = z.strictObject({
  path: z.string(),
  name: z.string(),
  namespace_id: z.number(),
  visibility: z.enum(['private', 'internal', 'public']),
  description: z.string(),
  initialize_with_readme: z.literal(false),
});
const settings = z.strictObject({ default_branch: z.string(), description: z.string(), topics: z.array(z.string()) }).partial();
const hookForm = z.strictObject({
  url: z.url(),
  token: z.string(),
  push_events: z.boolean(),
  tag_push_events: z.boolean(),
  push_events_branch_filter: z.string(),
  enable_ssl_verification: z.boolean(),
});
const newKey = z.strictObject({ title: z.string(), key: z.string().startsWith('ssh-'), can_push: z.boolean() });
const meta = { 'x-gitlab-meta': '{"correlation_id":"1","version":"1"}' };

const missing: ForgeAnswer = { status: 404, body: { message: '404 Project Not Found' }, headers: meta };
const namespaces = ['ada', 'acme'];

export function forgeGitLab(forge: Forge, request: ForgeRequest): ForgeAnswer {
  const answer = answerTo(forge, request);
  return { ...answer, headers: { ...meta, ...answer.headers } };
}

function answerTo(forge: Forge, request: ForgeRequest): ForgeAnswer {
  const { method, path, headers, query } = request;
  if (headers.authorization !== `Bearer ${forge.token}`) return { status: 401, body: { message: '401 Unauthorized' } };
  if (path === '/user') return { status: 200, body: { username: forge.me } };
  if (path === '/personal_access_tokens/self') return { status: 200, body: { scopes: ['api'] } };
  const [, kind = '', id = '', ...rest] = path.split('/');
  const name = decodeURIComponent(id);
  if (kind === 'namespaces') {
    const number = namespaces.indexOf(name) + 1;
    return number === 0
      ? { status: 404, body: { message: '404 Namespace Not Found' } }
      : { status: 200, body: { id: number, kind: 'group' } };
  }
  if (path === '/projects' && method === 'POST') return create(forge, request);
  if (kind === 'groups' && !forge.organisations.includes(name)) return { status: 404, body: { message: '404 Group Not Found' } };
  if (kind === 'groups' || kind === 'users') {
    const own = forge.repositories.filter((each) => each.path.startsWith(`${name}/`));
    return pageOf(
      forge,
      own.map((each) => told(forge, each)),
      query,
    );
  }
  const found = forge.find(name);
  return found === undefined ? missing : ofProject(forge, found, rest, request);
}

function told({ origin, isAdministrator }: Forge, from: ForgeRepository): object {
  return {
    id: from.id,
    path_with_namespace: from.path,
    http_url_to_repo: `${origin}/${from.path}.git`,
    ssh_url_to_repo: `git@127.0.0.1:${from.path}.git`,
    web_url: `${origin}/${from.path}`,
    default_branch: from.defaultBranch,
    description: from.description === '' ? null : from.description,
    visibility: from.visibility,
    archived: from.archived,
    empty_repo: true,
    lfs_enabled: true,
    topics: from.topics,
    statistics: { repository_size: 12_288 },
    permissions: { project_access: { access_level: isAdministrator ? 40 : 20 }, group_access: null },
  };
}

function create(forge: Forge, { body }: ForgeRequest): ForgeAnswer {
  const wanted = newProject.safeParse(body);
  if (!wanted.success) return { status: 400, body: { error: wanted.error.message } };
  if (!forge.isAdministrator)
    return { status: 403, body: { error: 'insufficient_scope', error_description: 'higher privileges', scope: 'api' } };
  const { namespace_id: namespace, path, visibility, description } = wanted.data;
  const full = `${namespaces[namespace - 1]}/${path}`;
  if (forge.find(full) !== undefined)
    return { status: 400, body: { message: { path: ['has already been taken'], name: ['has already been taken'] } } };
  return { status: 201, body: told(forge, forge.add(full, { visibility, description })) };
}

function ofProject(forge: Forge, found: ForgeRepository, [what, id, ...further]: readonly string[], request: ForgeRequest): ForgeAnswer {
  const { method, body, query } = request;
  if (what === undefined && method === 'GET') return { status: 200, body: told(forge, found) };
  if (!forge.isAdministrator) return { status: 403, body: { message: '403 Forbidden' } };
  if (what === 'archive' || what === 'unarchive') {
    found.archived = what === 'archive';
    return { status: 201, body: told(forge, found) };
  }
  if (what === undefined && method === 'PUT') {
    const wanted = settings.safeParse(body);
    if (!wanted.success) return { status: 400, body: { error: wanted.error.message } };
    if (found.archived) return { status: 403, body: { message: '403 Forbidden' } };
    const { default_branch: branch, description, topics } = wanted.data;
    if (branch !== undefined) found.defaultBranch = branch;
    if (description !== undefined) found.description = description;
    if (topics !== undefined) found.topics = topics;
    return { status: 200, body: told(forge, found) };
  }
  if (what === 'protected_branches')
    return pageOf(
      forge,
      found.protectedBranches.map((name) => ({ name })),
      query,
    );
  if (what === 'hooks') return hooks(forge, found, { id, further }, request);
  if (what === 'deploy_keys') return keys(forge, found, id, request);
  return { status: 404, body: { error: '404 Not Found' } };
}

const toldHook = ({ id, url, active, events }: ForgeHook): object => ({
  id,
  url,
  push_events: events.includes('push'),
  tag_push_events: events.includes('tag_push'),
  enable_ssl_verification: true,
  push_events_branch_filter: '',
  alert_status: active ? 'executable' : 'disabled',
});

interface Below {
  readonly id: string | undefined;
  readonly further: readonly string[];
}

function hooks(forge: Forge, repository: ForgeRepository, { id, further }: Below, { method, body, query }: ForgeRequest): ForgeAnswer {
  if (id === undefined && method === 'GET') return pageOf(forge, repository.hooks.map(toldHook), query);
  const found = repository.hooks.find((each) => String(each.id) === id);
  if (id !== undefined && found === undefined) return { status: 404, body: { message: '404 Not Found' } };
  if (found !== undefined && method === 'DELETE') {
    repository.hooks.splice(repository.hooks.indexOf(found), 1);
    return { status: 204 };
  }
  if (found !== undefined && further.length > 0) {
    if (method === 'GET')
      return pageOf(
        forge,
        found.deliveries.map(({ id: number, status }) => ({
          id: number,
          trigger: 'push_hooks',
          response_status: status === 0 ? 'internal error' : String(status),
        })),
        query,
      );
    found.deliveries.unshift({ id: forge.nextId(), status: 202 });
    // A delivery that arrives ends the time in which a hook is switched off.
    found.active = true;
    return { status: 201, body: { message: '201 Created' } };
  }
  const wanted = hookForm.safeParse(body);
  if (!wanted.success) return { status: 400, body: { error: wanted.error.message } };
  const { url, token: secret } = wanted.data;
  if (url.includes('localhost'))
    return {
      status: 422,
      body: {
        error: `Invalid url given: ${url} with ${secret}`,
        message: { base: ['Url is blocked: Requests to localhost are not allowed'] },
      },
    };
  const values = { url, secret, events: ['push', 'tag_push'] };
  const hook = found ?? { id: forge.nextId(), deliveries: [], active: true, ...values };
  if (found === undefined) repository.hooks.push(hook);
  else Object.assign(found, values);
  return { status: found === undefined ? 201 : 200, body: toldHook(hook) };
}

function keys(forge: Forge, repository: ForgeRepository, id: string | undefined, { method, body, query }: ForgeRequest): ForgeAnswer {
  if (method === 'GET')
    return pageOf(
      forge,
      repository.keys.map((each) => ({ id: each.id, key: each.key, title: each.title, can_push: each.canPush })),
      query,
    );
  if (method === 'DELETE') {
    repository.keys = repository.keys.filter((each) => String(each.id) !== id);
    return { status: 204 };
  }
  const wanted = newKey.safeParse(body);
  if (!wanted.success) return { status: 400, body: { error: wanted.error.message } };
  const { title, key, can_push: canPush } = wanted.data;
  const made = { id: forge.nextId(), title, key, canPush };
  repository.keys.push(made);
  return { status: 201, body: { id: made.id, key, title, can_push: canPush } };
}
