/** A call of the API: its method, path, who may make it, what it takes, and what it does. The OpenAPI document is made of the same. */
import type { z } from 'zod';
import type { AccessToken, Role } from '../../model/access-token.ts';
import type { Project } from '../../model/project.ts';
import type { ApiDeps } from '../api-deps.ts';
import type { Answer } from './answer.ts';

export interface Call<I> {
  readonly deps: ApiDeps;
  readonly input: I;
  readonly token: AccessToken;
  /** From the path, decoded; `` if the path has no such parameter. */
  pathParameter(name: string): string;
  /** From the path; refuses with 400 what cannot be an id. */
  pathId(name: string): number;
  /** As requested, for links to other pages. */
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface ProjectCall<I> extends Call<I> {
  /** Exists, and the token may see it. */
  readonly project: Project;
}

/** `instance` calls concern more than the token's projects: they need a token that is not limited to some. */
export type Access =
  | { readonly scope: 'token' }
  | { readonly scope: 'instance'; readonly role: Role }
  | { readonly scope: 'project'; readonly role: Role };

export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below /api/v4, with `{name}` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly access: Access;
  readonly input: z.ZodObject;
  /** Parameters that GitLab's call takes and that mean nothing here. */
  readonly ignored: ReadonlySet<string>;
  readonly answers: Readonly<Record<number, z.ZodType | null>>;
  handle(call: ProjectCall<Readonly<Record<string, unknown>>>): Promise<Answer>;
}

interface Spec<I extends z.ZodObject> {
  readonly method: Endpoint['method'];
  readonly path: string;
  readonly summary: string;
  readonly input: I;
  readonly ignored?: readonly string[];
  readonly answers: Endpoint['answers'];
}

/** A call below /projects/{id}: reporters may read, `role` says who else may what. */
export function projectEndpoint<I extends z.ZodObject>(
  spec: Spec<I> & { readonly role: Role },
  handle: (call: ProjectCall<z.output<I>>) => Promise<Answer>,
): Endpoint {
  return {
    ...spec,
    access: { scope: 'project', role: spec.role },
    ignored: new Set(spec.ignored),
    handle: handle as unknown as Endpoint['handle'],
  };
}

/** A call about the instance as a whole; without `role` any token will do. */
export function instanceEndpoint<I extends z.ZodObject>(
  spec: Spec<I> & { readonly role?: Role },
  handle: (call: Call<z.output<I>>) => Promise<Answer>,
): Endpoint {
  const access: Access = spec.role === undefined ? { scope: 'token' } : { scope: 'instance', role: spec.role };
  return { ...spec, access, ignored: new Set(spec.ignored), handle: handle as unknown as Endpoint['handle'] };
}
