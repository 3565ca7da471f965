/** What a route answers, and how times are written in it. */
import type { z } from 'zod';
import { printableJson } from '../../core/printable.ts';
import { gitlabWords, type RefusedAnswer } from './api-error.ts';

export interface Answer {
  readonly status: number;
  /** JSON; without it the answer has no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** By status; null = no body. */
export type AnswerSchemas = Readonly<Record<number, z.ZodType | null>>;

/** One of the answers that these schemas allow. */
export type AnswerOf<A extends AnswerSchemas> = {
  readonly [S in keyof A]: {
    readonly status: S;
    readonly headers?: Readonly<Record<string, string>>;
  } & (A[S] extends z.ZodType ? { readonly body: Shown<A[S]> } : unknown);
}[keyof A] &
  Answer;

/** What a schema describes, to be read only. */
export type Shown<S extends z.ZodType> = DeepReadonly<z.output<S>>;

type DeepReadonly<T> = T extends object ? { readonly [Name in keyof T]: DeepReadonly<T[Name]> } : T;

export interface BodyAnswer<S extends number, B> {
  readonly status: S;
  readonly body: B;
  readonly headers?: Readonly<Record<string, string>>;
}

export function ok<const B>(body: B): BodyAnswer<200, B> {
  return { status: 200, body };
}

export function created<const B>(body: B): BodyAnswer<201, B> {
  return { status: 201, body };
}

export const noContent = { status: 204 } as const;

/** The content type has no charset: python-gitlab compares it as a whole. Answers hold secrets at times: nobody may keep them. */
export function toResponse(answer: Answer | RefusedAnswer): Response {
  const { status, headers } = answer;
  const body = 'refusal' in answer ? gitlabWords(answer.refusal) : answer.body;
  const common = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  if (body === undefined) return new Response(null, { status, headers: { ...common, ...headers } });
  return new Response(printableJson(body), { status, headers: { ...common, 'content-type': 'application/json', ...headers } });
}

/** ISO 8601, UTC, with milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
