/** A call of the API: its method, path, who may make it, what it takes, and what it does. The OpenAPI document is made of the same. */
import type { z } from 'zod';
import type { AccessToken, Role } from '../../model/access-token.ts';
import type { Project } from '../../model/project.ts';
import type { ApiDeps } from '../api-deps.ts';
import type { Answer, AnswerOf, AnswerSchemas } from './answer.ts';
import { projectNotFound } from './api-error.ts';
import { checkInput } from './check-input.ts';
import type { Parameters } from './read-parameters.ts';

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

/** A call whose parameters are not checked yet. */
export interface UncheckedCall extends Call<Parameters> {
  /** Of a path below /projects/{id}. */
  readonly project: Project | undefined;
  /** Resolves when the audit trail has it that this call begins. Asked once the parameters are right, before anything is changed. */
  begin(): Promise<void>;
}

export interface Endpoint<P extends string = string, R extends Answer = Answer> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below /api/v4, with `{name}` for parameters. */
  readonly path: P;
  readonly summary: string;
  readonly access: Access;
  readonly input: z.ZodObject;
  /** Parameters that GitLab's call takes and that mean nothing here. */
  readonly ignored: ReadonlySet<string>;
  readonly answers: AnswerSchemas;
  /** Whether a host is asked, which may take too long: 504. */
  readonly mayTimeOut?: boolean;
  /** Checks the parameters and carries the call out. Refuses with an ApiError. */
  handle(call: UncheckedCall): Promise<R>;
}

/** A value for each `{name}` of a path. */
export type PathParameters<P extends string> = Readonly<Record<NamesIn<P>, string | number>>;
type NamesIn<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;

interface Spec<P extends string, I extends z.ZodObject, A extends AnswerSchemas> {
  readonly method: Endpoint['method'];
  readonly path: P;
  readonly summary: string;
  readonly input: I;
  readonly ignored?: readonly string[];
  /** By status: what `handle` answers must fit, or it does not compile. */
  readonly answers: A;
  readonly mayTimeOut?: boolean;
}

/** A call below /projects/{id}: reporters may read, `role` says who else may what. */
export function projectEndpoint<const P extends string, I extends z.ZodObject, A extends AnswerSchemas>(
  spec: Spec<P, I, A> & { readonly role: Role },
  handle: (call: ProjectCall<z.output<I>>) => Promise<AnswerOf<A>>,
): Endpoint<P, AnswerOf<A>> {
  const ignored = new Set(spec.ignored);
  return {
    ...spec,
    access: { scope: 'project', role: spec.role },
    ignored,
    async handle({ project, begin, ...call }) {
      if (project === undefined) throw projectNotFound();
      const input = checkInput(spec.input, ignored, call.input);
      await begin();
      return handle({ ...call, project, input });
    },
  };
}

/** A call about the instance as a whole; without `role` any token will do. */
export function instanceEndpoint<const P extends string, I extends z.ZodObject, A extends AnswerSchemas>(
  spec: Spec<P, I, A> & { readonly role?: Role },
  handle: (call: Call<z.output<I>>) => Promise<AnswerOf<A>>,
): Endpoint<P, AnswerOf<A>> {
  const access: Access = spec.role === undefined ? { scope: 'token' } : { scope: 'instance', role: spec.role };
  const ignored = new Set(spec.ignored);
  return {
    ...spec,
    access,
    ignored,
    async handle({ begin, ...call }) {
      const input = checkInput(spec.input, ignored, call.input);
      await begin();
      return handle({ ...call, input });
    },
  };
}
