/** A call of the API from its path to its answer: finds the endpoint, checks token, project, role and parameters, and turns every failure into an answer. */
import { type GitferryError, toGitferryError } from '../../core/errors.ts';
import { createRedactor } from '../../core/redact.ts';
import type { AccessToken } from '../../model/access-token.ts';
import { parseId } from '../../model/parse-id.ts';
import type { Project } from '../../model/project.ts';
import type { ApiDeps } from '../api-deps.ts';
import { endpoints } from '../endpoints.ts';
import type { Answer } from './answer.ts';
import { ApiError, badParameter, projectNotFound } from './api-error.ts';
import { maySee, requireInstanceRole, requireRole } from './authenticate.ts';
import type { Endpoint } from './endpoint.ts';
import { type FoundEndpoint, findEndpoint } from './find-endpoint.ts';
import type { Parameters } from './read-parameters.ts';
import { apiPrefix, routeSegments } from './route-path.ts';
import { secretsOfCall } from './secrets-of-call.ts';

/** A call as it came in, by HTTP or from the console. `token` and `input` refuse with an ApiError. */
export interface IncomingCall {
  readonly method: string;
  /** With `/api/v4` in front; percent-encoded or decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  token(): Promise<AccessToken>;
  /** Asked only when the caller is known and may make this call. */
  input(sender: number, takesParameters: boolean): Promise<Parameters>;
}

/**
 * A call for somebody who is known already, in this process: the same routes, roles, checks, masking and redaction as by HTTP. `path` is below /api/v4;
 * names in it are percent-encoded by the caller. Refusals are answers, too: look at the status. Never rejects.
 */
export function callApi(
  deps: ApiDeps,
  token: AccessToken,
  method: Endpoint['method'],
  path: string,
  input: Parameters = {},
): Promise<Answer> {
  const call = { method, path: `${apiPrefix}${path}`, query: new URLSearchParams(), token: async () => token, input: async () => input };
  return answerCall(call, deps);
}

/** What is known of a call when it is logged. */
interface Seen {
  input: Parameters;
  /** undefined = nobody whom we know. */
  token: AccessToken | undefined;
}

/** Never rejects. */
export async function answerCall(incoming: IncomingCall, deps: ApiDeps): Promise<Answer> {
  const found = findEndpoint(endpoints, incoming.method, routeSegments(incoming.path) ?? []);
  // What the call holds, for the redactor of what may go wrong, and who makes it.
  const seen: Seen = { input: {}, token: undefined };
  try {
    if (!('endpoint' in found)) return found.answer;
    const answer = await carryOut(incoming, found, deps, seen);
    logCall(found, seen, answer.status, deps);
    return answer;
  } catch (thrown) {
    const endpoint = 'endpoint' in found ? found.endpoint : undefined;
    const refusal = thrown instanceof ApiError ? thrown : refusalOf(toGitferryError(thrown), endpoint, seen.input, deps);
    if ('endpoint' in found) logCall(found, seen, refusal.status, deps);
    return { status: refusal.status, body: refusal.body, headers: refusal.headers };
  }
}

async function carryOut(incoming: IncomingCall, { endpoint, parameters }: FoundEndpoint, deps: ApiDeps, seen: Seen): Promise<Answer> {
  const token = await incoming.token();
  seen.token = token;
  const project = await admit(endpoint, token, parameters.get('id') ?? '', deps);
  const takesParameters = Object.keys(endpoint.input.shape).length + endpoint.ignored.size > 0;
  seen.input = await incoming.input(token.id, takesParameters);
  return endpoint.handle({
    deps,
    token,
    project,
    input: seen.input,
    pathParameter: (name) => parameters.get(name) ?? '',
    pathId: (name) => idOf(name, parameters.get(name) ?? ''),
    path: incoming.path,
    query: incoming.query,
  });
}

/** An unknown project and one that the token may not see look the same; only then does the role count. */
async function admit({ access }: Endpoint, token: AccessToken, id: string, { records }: ApiDeps): Promise<Project | undefined> {
  if (access.scope === 'token') return undefined;
  if (access.scope === 'instance') {
    requireInstanceRole(token, access.role);
    return undefined;
  }
  const maySeeIt = (projectId: number): boolean => maySee(token, projectId);
  const number = parseId(id);
  if (number === undefined && /^\d*$/.test(id)) throw projectNotFound();
  const project = number === undefined ? await records.projects.getByPath(id, maySeeIt) : await records.projects.get(number);
  if (project === undefined || !maySeeIt(project.id)) throw projectNotFound();
  requireRole(token, access.role);
  return project;
}

function idOf(name: string, text: string): number {
  const id = parseId(text);
  if (id === undefined) throw badParameter(`${name} is invalid`);
  return id;
}

/** Our own stores are down: 503, the caller may try again. Everything else is a defect and told to the log only. */
function refusalOf(error: GitferryError, endpoint: Endpoint | undefined, input: Parameters, { log }: ApiDeps): ApiError {
  const isUnavailable = error.code === 'storage_unavailable' || error.code === 'secrets_unavailable';
  const fields = { call: endpoint && `${endpoint.method} ${endpoint.path}`, code: error.code, error: error.message };
  log.write(isUnavailable ? 'warn' : 'error', 'api_call_failed', fields, createRedactor(secretsOfCall(input)));
  if (!isUnavailable) return new ApiError(500, { message: '500 Internal Server Error' });
  return new ApiError(503, { message: '503 Service Unavailable', code: error.code, hint: error.hint }, { 'retry-after': '5' });
}

/** Who did what to which object: every change and every refused one, and each look at a public key. The path itself may hold names that are nobody's business. */
function logCall({ endpoint, parameters }: FoundEndpoint, { token }: Seen, status: number, { log }: ApiDeps): void {
  const { method, path } = endpoint;
  if (method === 'GET' && !path.endsWith('/public_key')) return;
  const ids = [...parameters]
    .filter(([, value]) => parseId(value) !== undefined)
    .map(([name, value]) => [name === 'id' ? 'project' : name, Number(value)]);
  const who = token === undefined ? {} : { by: token.name, token: token.id };
  log.write('info', 'api_call', { call: `${method} ${path}`, status, ...Object.fromEntries(ids), ...who });
}
