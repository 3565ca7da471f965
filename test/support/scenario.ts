/** Two real repositories made from a description, each behind a server of its own, and what is in the target afterwards by object name. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { git, temporaryFolder } from './git.ts';
import { type GitHttpServer, type GitHttpServerOptions, startGitHttpServer } from './git-http-server.ts';
import { createObjectStore, type ObjectSpec, type ObjectStore, type RepositorySpec } from './repository.ts';
import { sync } from './sync.ts';

type ServerOptions = Omit<GitHttpServerOptions, 'root'>;

export interface ScenarioSpec {
  /** Commits and their parents; `{ c1: [], c2: ['c1'] , ... }`. */
  readonly parents: Readonly<Record<string, readonly string[]>>;
  readonly objects?: Readonly<Record<string, ObjectSpec>>;
  /** Refs with short names (`heads/main`, `tags/v1`); HEAD is `heads/main` unless `head` says otherwise. */
  readonly source: Readonly<Record<string, string>>;
  readonly target: Readonly<Record<string, string>>;
  readonly sourceHead?: string;
  readonly targetHead?: string;
  readonly symrefs?: Readonly<Record<string, string>>;
  readonly format?: 'sha1' | 'sha256';
  readonly sourceServer?: ServerOptions;
  readonly targetServer?: ServerOptions;
}

export interface Scenario {
  readonly folder: string;
  readonly store: ObjectStore;
  /** Folders of the bare repositories. */
  readonly source: string;
  readonly target: string;
  readonly sourceUrl: string;
  readonly targetUrl: string;
  readonly sourceServer: GitHttpServer;
  readonly targetServer: GitHttpServer;
  sync(...options: string[]): Promise<RunOutcome>;
  /** The target's refs, `heads/main` → name of an object, without symbolic ones, after `git fsck --strict` found nothing. */
  refs(): Promise<Record<string, string>>;
  oid(name: string): string;
}

/** The five commits that most cases need: c1 ← c2 ← c3, and `x`, `y` beside them. */
export const line = { c1: [], c2: ['c1'], c3: ['c2'], x: ['c1'], y: ['x'] } as const;

/** Sets up both repositories and servers; all is gone when the test ends. */
export async function scenario(spec: ScenarioSpec): Promise<Scenario> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const store = await createObjectStore(folder.path, spec.parents, spec.objects, spec.format);
  const roots = { source: join(folder.path, 's'), target: join(folder.path, 't') };
  await mkdir(roots.source);
  await mkdir(roots.target);
  const source = await store.create(join(roots.source, 'repo.git'), full(spec.source, spec.sourceHead));
  const target = await store.create(join(roots.target, 'mirror.git'), {
    ...full(spec.target, spec.targetHead),
    symrefs: prefixed(spec.symrefs ?? {}, true),
  });
  const sourceServer = await started(roots.source, spec.sourceServer);
  const targetServer = await started(roots.target, spec.targetServer);
  const [sourceUrl, targetUrl] = [sourceServer.url('repo.git'), targetServer.url('mirror.git')];
  return {
    folder: folder.path,
    store,
    source,
    target,
    sourceUrl,
    targetUrl,
    sourceServer,
    targetServer,
    sync: (...options) => sync(sourceUrl, targetUrl, options),
    refs: () => namedRefs(target, store),
    oid: store.oid,
  };
}

/** Starts a server that ends with the test. */
export async function started(root: string, options: ServerOptions = {}): Promise<GitHttpServer> {
  const server = await startGitHttpServer({ root, ...options });
  onTestFinished(server.close);
  return server;
}

/** `result ref` (short) for every ref of an outcome, sorted. */
export function resultsOf(outcome: RunOutcome): string[] {
  return outcome.refs.map(({ ref, result }) => `${result} ${ref.replace('refs/', '')}`).sort();
}

/** An executable hook in a repository. */
export async function hook(repository: string, name: string, script: string): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  await mkdir(join(repository, 'hooks'), { recursive: true });
  await writeFile(join(repository, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

async function namedRefs(repository: string, store: ObjectStore): Promise<Record<string, string>> {
  const text = await git(repository, ['for-each-ref', '--format=%(refname) %(objectname) %(symref)', 'refs/heads', 'refs/tags']);
  const lines = text.split('\n').filter(Boolean);
  const entries = lines.map((line) => line.split(' ') as [string, string, string]).filter(([, , symref]) => symref === '');
  const found = await git(repository, ['fsck', '--strict', '--no-dangling']);
  expect(found).toBe('');
  return Object.fromEntries(entries.map(([ref, oid]) => [ref.replace('refs/', ''), store.name(oid)]));
}

function full(refs: Readonly<Record<string, string>>, head = 'heads/main'): RepositorySpec {
  return { refs: prefixed(refs, false), head: `refs/${head}` };
}

function prefixed(refs: Readonly<Record<string, string>>, values: boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(refs).map(([ref, value]) => [`refs/${ref}`, values ? `refs/${value}` : value]));
}
