/** A source and a target with LFS servers of the test's own, filled by git-lfs or by plain pointers, and what is at the target afterwards. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { encodePointer } from '../../lib/lfs/pointer.ts';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { commitTo } from './commit-to.ts';
import { git, temporaryFolder } from './git.ts';
import type { GitHttpServer, GitHttpServerOptions } from './git-http-server.ts';
import { type LfsServerOptions, type LfsTestServer, lfsServer } from './lfs-server.ts';
import { started } from './scenario.ts';
import { sync } from './sync.ts';

export interface LfsRepository {
  readonly path: string;
  readonly url: string;
  readonly server: GitHttpServer;
  readonly lfs: LfsTestServer;
}

export interface LfsEndOptions {
  readonly lfs?: Omit<LfsServerOptions, 'root'>;
  readonly git?: Omit<GitHttpServerOptions, 'root' | 'intercept'>;
  /** No LFS there: its requests go to git, which knows nothing of them. */
  readonly withoutLfs?: boolean;
}

export interface LfsScenario {
  readonly folder: string;
  readonly source: LfsRepository;
  readonly target: LfsRepository;
  /** `--lfs auto`, with more options. */
  sync(...options: string[]): Promise<RunOutcome>;
  /** Commits these files on main at the source: text as it is, buffers as LFS objects (their content into the source's store, unless `lost`). */
  commit(files: Readonly<Record<string, string | Buffer>>, options?: { readonly lost?: boolean }): Promise<string>;
}

export interface LfsScenarioOptions {
  readonly source?: LfsEndOptions;
  readonly target?: LfsEndOptions;
  /** Of both repositories; sha1 unless given. */
  readonly format?: string;
}

export async function lfsScenario({ format = 'sha1', ...ends }: LfsScenarioOptions = {}): Promise<LfsScenario> {
  const { path: folder, remove } = await temporaryFolder();
  onTestFinished(remove);
  const source = await repository(folder, format, 'source', ends.source);
  const target = await repository(folder, format, 'target', ends.target);
  return {
    folder,
    source,
    target,
    sync: (...options) => sync(source.url, target.url, options),
    async commit(files, { lost = false } = {}) {
      const texts: Record<string, string> = {};
      for (const [name, content] of Object.entries(files)) {
        texts[name] = typeof content === 'string' ? content : pointerTo(content);
        if (typeof content !== 'string' && !lost) await source.lfs.put(content);
      }
      return commitTo(source.path, texts);
    },
  };
}

async function repository(
  folder: string,
  format: string,
  name: string,
  { lfs: options, git: serverOptions, withoutLfs }: LfsEndOptions = {},
): Promise<LfsRepository> {
  const root = join(folder, name);
  const path = join(root, 'repo.git');
  await mkdir(root);
  await git('/', ['init', '--quiet', '--bare', `--object-format=${format}`, '--initial-branch=main', path]);
  const lfs = lfsServer({ root: join(folder, `${name}-objects`), ...options });
  const server = await started(root, { ...serverOptions, ...(withoutLfs === true ? {} : { intercept: lfs.handle }) });
  return { path, url: server.url('repo.git'), server, lfs };
}

/** Canonical, as git-lfs writes it. */
export function pointerTo(content: Buffer): string {
  return encodePointer({ oid: oidOf(content), size: content.length, extensions: [] });
}

export function oidOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
