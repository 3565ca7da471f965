/** A Git host in memory: what it holds, and what it was asked. Its dialects answer requests (forge-github-like.ts, forge-gitlab.ts). */
import type { IncomingHttpHeaders } from 'node:http';

export type ForgeKind = 'github' | 'gitlab' | 'forgejo' | 'gitea' | 'gogs';

export interface ForgeHook {
  id: number;
  url: string;
  secret: string;
  active: boolean;
  events: string[];
  deliveries: { id: number; status: number }[];
}

export interface ForgeRepository {
  id: number;
  path: string;
  description: string;
  visibility: 'private' | 'internal' | 'public';
  archived: boolean;
  defaultBranch: string;
  topics: string[];
  protectedBranches: string[];
  hooks: ForgeHook[];
  keys: { id: number; key: string; title: string; canPush: boolean }[];
}

export interface ForgeRequest {
  readonly method: string;
  /** Below the API's base. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
}

export interface ForgeAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Forge {
  readonly kind: ForgeKind;
  origin = '';
  readonly me = 'ada';
  readonly token = 'token-of-ada-0123456789';
  readonly organisations = ['acme'];
  readonly repositories: ForgeRepository[] = [];
  /** What the token may: hosts answer 403 or 404 to the rest. */
  isAdministrator = true;
  pageSize = 100;
  readonly requests: ForgeRequest[] = [];
  /** Answers in its place; undefined = as usual. */
  misbehave: ((request: ForgeRequest) => ForgeAnswer | undefined) | undefined;
  #id = 100;

  constructor(kind: ForgeKind) {
    this.kind = kind;
  }

  nextId(): number {
    return ++this.#id;
  }

  find(path: string): ForgeRepository | undefined {
    return this.repositories.find((each) => each.path === path);
  }

  add(path: string, given: Partial<ForgeRepository> = {}): ForgeRepository {
    const repository: ForgeRepository = {
      id: this.nextId(),
      path,
      description: '',
      visibility: 'private',
      archived: false,
      defaultBranch: 'main',
      topics: [],
      protectedBranches: [],
      hooks: [],
      keys: [],
      ...given,
    };
    this.repositories.push(repository);
    return repository;
  }
}

/** One page of a list, with the headers that say whether there is another one. */
export function pageOf(forge: Forge, all: readonly unknown[], query: URLSearchParams): ForgeAnswer {
  const page = Number(query.get('page') ?? 1);
  const size = Math.min(forge.pageSize, Number(query.get('per_page') ?? query.get('limit') ?? 30));
  const isMore = all.length > page * size;
  const link = { link: `<${forge.origin}/?page=${page + 1}>; rel="next"` };
  const headers = forge.kind === 'gitlab' ? { 'x-next-page': isMore ? String(page + 1) : '' } : isMore ? link : {};
  return { status: 200, body: all.slice((page - 1) * size, page * size), headers };
}
