/** Writes each change, look at a key and refused call to the audit trail: begun before anything is changed, ended with what came of it. The one place that all calls pass. */
import { z } from 'zod';
import { toGitferryError } from '../../core/errors.ts';
import type { LogFields } from '../../core/log.ts';
import type { AccessToken } from '../../model/access-token.ts';
import type { AuditAuthor, AuditTarget, NewAuditEvent } from '../../model/audit-event.ts';
import type { Session } from '../../model/session.ts';
import type { ApiDeps } from '../api-deps.ts';
import type { Answer } from './answer.ts';
import type { RefusedAnswer } from './api-error.ts';
import { changesOf } from './audit-changes.ts';
import type { Endpoint, UncheckedCall } from './endpoint.ts';
import type { FoundEndpoint } from './find-endpoint.ts';
import type { Parameters } from './read-parameters.ts';

/** Where a call comes from. */
export interface Sender {
  readonly address: string | null;
  /** Of the console; null = a call over HTTP. */
  readonly session: string | null;
  /** Whether it names a token that may be wrong. */
  readonly offersToken?: boolean;
}

/** Enough to tell a person's sessions apart; a hash of a hash's beginning opens nothing. */
export function shownSession({ sessionHash }: Pick<Session, 'sessionHash'>): string {
  return sessionHash.slice(0, 12);
}

export function authorOf(token: AccessToken | undefined): AuditAuthor {
  if (token === undefined) return { kind: 'unknown', id: null, name: '', provider: null, subject: null };
  const { id, name, person } = token;
  return person === undefined
    ? { kind: 'token', id, name, provider: null, subject: null }
    : { kind: 'person', id: null, name, provider: person.provider, subject: person.subject };
}

/** Every call that is no plain reading. */
export function isAudited({ method, path }: Pick<Endpoint, 'method' | 'path'>): boolean {
  return method !== 'GET' || path.endsWith('/public_key');
}

/** The kinds of objects, by the last of these words in a path; GitLab's names where it has them. */
const targetTypes: Readonly<Record<string, string>> = {
  projects: 'Project',
  remote_mirrors: 'RemoteMirror',
  mirror: 'PullMirror',
  protected_branches: 'ProtectedBranch',
  incoming_hooks: 'IncomingHook',
  notification_channels: 'NotificationChannel',
  credentials: 'Credential',
  personal_access_tokens: 'PersonalAccessToken',
  settings: 'ApplicationSettings',
  ssh_host_keys: 'SshHostKeys',
};

/** What a path speaks of, without its id; undefined for words that are not known here. */
export function targetTypeOf(path: string): string | undefined {
  const word = path.split('/').findLast((segment) => Object.hasOwn(targetTypes, segment));
  return word === undefined ? undefined : targetTypes[word];
}

/** One call's part of the trail. */
export class AuditTrail {
  readonly #found: FoundEndpoint;
  readonly #endpoints: readonly Endpoint[];
  readonly #from: Sender;
  readonly #deps: ApiDeps;
  #id: number | undefined;
  #before: unknown;
  #begun: NewAuditEvent | undefined;
  #changes: NewAuditEvent['changes'] = [];

  constructor(found: FoundEndpoint, endpoints: readonly Endpoint[], from: Sender, deps: ApiDeps) {
    this.#found = found;
    this.#endpoints = endpoints;
    this.#from = from;
    this.#deps = deps;
  }

  /** Before anything is changed. Rejects with `storage_unavailable`: then the change must not be made. */
  async begin(call: UncheckedCall): Promise<void> {
    if (!isAudited(this.#found.endpoint)) return;
    this.#before = await this.#look(call);
    const project = call.project === undefined ? null : { id: call.project.id, path: call.project.path };
    this.#begun = { ...this.#event(call.token, null), project };
    this.#id = await this.#deps.records.audit.add(this.#begun);
  }

  /** Never rejects: what is done is done. A record whose end cannot be written stays open, and the log says so. */
  async end(
    answer: Answer | RefusedAnswer,
    { input, token }: { readonly input: Parameters; readonly token: AccessToken | undefined },
  ): Promise<void> {
    const { status } = answer;
    const { audit } = this.#deps.records;
    try {
      if (this.#id === undefined || this.#begun === undefined) {
        if (this.#isToldRefusal(status)) await audit.addRefused(this.#event(token, status));
        return;
      }
      const { endpoint } = this.#found;
      const body = 'refusal' in answer ? undefined : answer.body;
      if (status < 400 && endpoint.method !== 'GET') this.#changes = changesOf({ endpoint, before: this.#before, body, input });
      const made = status === 201 ? idOf(body) : null;
      const target = made === null || this.#begun.target.id !== null ? this.#begun.target : { ...this.#begun.target, id: made };
      const project = this.#begun.project ?? (made !== null && target.type === 'Project' ? madeProject(body) : null);
      await audit.finish(this.#id, { status, changes: this.#changes, target, project });
    } catch (error) {
      this.#deps.log.write('error', 'audit_left_open', { audit: this.#id, status, code: toGitferryError(error).code });
    }
  }

  logFields(): LogFields {
    const { address, session } = this.#from;
    const changes = this.#changes.length === 0 ? {} : { changes: JSON.stringify(this.#changes) };
    return { audit: this.#id, ...(address === null ? {} : { address }), ...(session === null ? {} : { session }), ...changes };
  }

  /** The object as the API shows it, by the call that reads the same path; undefined = there is none, or no such call. */
  async #look(call: UncheckedCall): Promise<unknown> {
    const { endpoint } = this.#found;
    if (endpoint.method === 'GET') return undefined;
    const reading = this.#endpoints.find(({ method, path }) => method === 'GET' && path === endpoint.path);
    if (reading === undefined || reading.answers[200] instanceof z.ZodArray) return undefined;
    return reading.handle({ ...call, input: {}, begin: async () => {} }).then(
      ({ body }) => body,
      () => undefined,
    );
  }

  /** A wrong token anywhere; what somebody may not do only where it would change something. */
  #isToldRefusal(status: number): boolean {
    // Not 429: what follows many wrong tokens is not even looked up, and writes nothing.
    if (status === 401) return this.#from.offersToken ?? false;
    return (status === 403 || status === 404) && isAudited(this.#found.endpoint);
  }

  #event(token: AccessToken | undefined, status: number | null): NewAuditEvent {
    const { endpoint, parameters } = this.#found;
    const { address, session } = this.#from;
    const isSignIn = status === 401;
    return {
      name: isSignIn ? 'sign_in_refused' : `${endpoint.method} ${endpoint.path}`,
      author: authorOf(token),
      ...{ session, address, status },
      project: null,
      target: targetOf(endpoint, parameters),
      changes: [],
    };
  }
}

function targetOf({ path }: Endpoint, parameters: ReadonlyMap<string, string>): AuditTarget {
  const own = [...parameters].at(-1);
  const isProject = own?.[0] === 'id';
  const type = targetTypeOf(path) ?? 'Instance';
  // A name that nobody has may be anything, also something secret that was put in the wrong place: cut, and only where it names a branch or a number.
  const id = own === undefined || (isProject && type !== 'Project') || !/^(\d{1,16}|[^\s]{1,255})$/.test(own[1]) ? null : own[1];
  return { type, id: id !== null && own?.[0] !== 'name' && !/^\d+$/.test(id) ? null : id };
}

function idOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null;
  if ('id' in body && typeof body.id === 'number') return String(body.id);
  return 'name' in body && typeof body.name === 'string' ? body.name : null;
}

function madeProject(body: unknown): NewAuditEvent['project'] {
  const { success, data } = z.object({ id: z.int(), path_with_namespace: z.string() }).safeParse(body);
  return success ? { id: data.id, path: data.path_with_namespace } : null;
}
