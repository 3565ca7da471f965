/** A call of the API from its path to its answer: finds the endpoint, checks token, project, role and parameters, and turns every failure into an answer. */
import { type GitferryError, toGitferryError } from '../../core/errors.ts';
import { createRedactor } from '../../core/redact.ts';
import type { AccessToken } from '../../model/access-token.ts';
import { parseId } from '../../model/parse-id.ts';
import type { Project } from '../../model/project.ts';
import type { ApiDeps } from '../api-deps.ts';
import { endpoints } from '../endpoints.ts';
import type { Answer } from './answer.ts';
import { ApiError, badParameter, projectNotFound, type RefusedAnswer } from './api-error.ts';
import { AuditTrail, isAudited, type Sender } from './audit-trail.ts';
import { maySee, requireInstanceRole, requireRole } from './authenticate.ts';
import type { Endpoint, PathParameters, UncheckedCall } from './endpoint.ts';
import { type FoundEndpoint, findEndpoint } from './find-endpoint.ts';
import type { Parameters } from './read-parameters.ts';
import { apiPrefix, routeSegments } from './route-path.ts';
import { secretsOfCall } from './secrets-of-call.ts';

/** A call as it came in, by HTTP or from the console. `token` and `input` refuse with an ApiError. */
export interface IncomingCall {
  /** With `/api/v4` in front; percent-encoded or decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  token(): Promise<AccessToken>;
  /** Asked only when the caller is known and may make this call. */
  input(sender: number, takesParameters: boolean): Promise<Parameters>;
  readonly from: Sender;
}

/**
 * A call for somebody who is known already, in this process: the same endpoints, roles, checks, masking and redaction as by HTTP; its answer has the type of
 * the endpoint's schemas. Refusals are answers, too (`'refusal' in answer`). Never rejects.
 */
export function callApi<P extends string, R extends Answer>(
  deps: ApiDeps,
  token: AccessToken,
  endpoint: Endpoint<P, R>,
  parameters: PathParameters<P>,
  input: Parameters = {},
  from: Sender = { address: null, session: null },
): Promise<R | RefusedAnswer> {
  const given = new Map(Object.entries<string | number>(parameters).map(([name, value]) => [name, String(value)]));
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given.get(name) ?? ''));
  const incoming = { path: `${apiPrefix}${path}`, query: new URLSearchParams(), token: async () => token, input: async () => input, from };
  return carryOut(incoming, { endpoint, parameters: given }, deps);
}

/** The call that a request means. Never rejects. */
export async function answerCall(incoming: IncomingCall & { readonly method: string }, deps: ApiDeps): Promise<Answer | RefusedAnswer> {
  const found = findEndpoint(endpoints, incoming.method, routeSegments(incoming.path) ?? []);
  return 'endpoint' in found ? carryOut(incoming, found, deps) : found.answer;
}

/** What is known of a call when it is logged. */
interface Seen {
  input: Parameters;
  /** undefined = nobody whom we know. */
  token: AccessToken | undefined;
  trail: AuditTrail;
}

async function carryOut<R extends Answer>(
  incoming: IncomingCall,
  { endpoint, parameters }: FoundEndpoint<R>,
  deps: ApiDeps,
): Promise<R | RefusedAnswer> {
  // What the call holds, for the redactor of what may go wrong, and who makes it.
  const seen: Seen = { input: {}, token: undefined, trail: new AuditTrail({ endpoint, parameters }, endpoints, incoming.from, deps) };
  const answered = await admitAndHandle(incoming, { endpoint, parameters }, deps, seen).catch(
    (thrown: unknown) => (thrown instanceof ApiError ? thrown : refusalOf(toGitferryError(thrown), endpoint, seen.input, deps)).answer,
  );
  await seen.trail.end(answered, seen);
  logCall({ endpoint, parameters }, seen, answered.status, deps);
  return answered;
}

async function admitAndHandle<R extends Answer>(
  incoming: IncomingCall,
  { endpoint, parameters }: FoundEndpoint<R>,
  deps: ApiDeps,
  seen: Seen,
): Promise<R> {
  const token = await incoming.token();
  seen.token = token;
  const project = await admit(endpoint, token, parameters.get('id') ?? '', deps);
  const takesParameters = Object.keys(endpoint.input.shape).length + endpoint.ignored.size > 0;
  seen.input = await incoming.input(token.id, takesParameters);
  const call: UncheckedCall = {
    deps,
    token,
    project,
    input: seen.input,
    pathParameter: (name) => parameters.get(name) ?? '',
    pathId: (name) => idOf(name, parameters.get(name) ?? ''),
    path: incoming.path,
    query: incoming.query,
    begin: async () => seen.trail.begin(call),
  };
  return endpoint.handle(call);
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
  if (id === undefined) throw badParameter(name, 'is invalid');
  return id;
}

/** Our own stores are down: 503, the caller may try again. Everything else is a defect and told to the log only. */
function refusalOf(error: GitferryError, endpoint: Endpoint, input: Parameters, { log }: ApiDeps): ApiError {
  const isUnavailable = error.code === 'storage_unavailable' || error.code === 'secrets_unavailable';
  const fields = { call: `${endpoint.method} ${endpoint.path}`, code: error.code, error: error.message };
  log.write(isUnavailable ? 'warn' : 'error', 'api_call_failed', fields, createRedactor(secretsOfCall(input)));
  if (!isUnavailable) return new ApiError(500, { message: '500 Internal Server Error' });
  return new ApiError(503, { message: '503 Service Unavailable', code: error.code, hint: error.hint }, { 'retry-after': '5' });
}

/** Whoever calls, as the log names them for good: names may change. */
function callerId({ id, person }: AccessToken): object {
  return person === undefined ? { token: id } : { sso: person.provider, subject: person.subject };
}

/** Who did what to which object: every change and every refused one, and each look at a public key. The path itself may hold names that are nobody's business. */
function logCall({ endpoint, parameters }: FoundEndpoint, { token, trail }: Seen, status: number, { log }: ApiDeps): void {
  const { method, path } = endpoint;
  if (!isAudited(endpoint)) return;
  const ids = [...parameters]
    .filter(([, value]) => parseId(value) !== undefined)
    .map(([name, value]) => [name === 'id' ? 'project' : name, Number(value)]);
  const who = token === undefined ? {} : { by: token.name, ...callerId(token) };
  log.write('info', 'api_call', { call: `${method} ${path}`, status, ...Object.fromEntries(ids), ...who, ...trail.logFields() });
}
