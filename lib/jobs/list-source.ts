/** Lists the branches and tags that a mirror would carry, for previews: one conversation with the source, nothing planned and nothing written. */
import { toGitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { createRedactor } from '../core/redact.ts';
import { toldError } from '../core/told.ts';
import { Turns } from '../core/turns.ts';
import type { Credential } from '../credentials/credential.ts';
import { secretsOf } from '../credentials/secrets-of.ts';
import { ListMemory } from '../git/client/list-memory.ts';
import { UploadPack } from '../git/client/upload-pack.ts';
import { branchPrefix, isBranch, shortRefName, tagPrefix } from '../git/ref-name.ts';
import { parseRepositoryUrl } from '../git/transport/repository-url.ts';
import type { Transport } from '../git/transport/transport.ts';
import type { AdvertisedRef } from '../git/wire/advertisement.ts';
import type { RunError } from '../mirror/outcome.ts';
import type { Mirror } from '../model/mirror.ts';
import type { Project } from '../model/project.ts';
import { credentialOf } from './runs/credential-of.ts';
import type { RunSyncDeps } from './runs/run-sync.ts';

/** Short names, in the source's order. */
export interface SourceListing {
  readonly branches: readonly string[];
  readonly tags: readonly string[];
}

/** Symbolic refs left out; in short turns. */
async function shortNames(refs: readonly AdvertisedRef[]): Promise<SourceListing> {
  const turns = new Turns(limits.turnMs);
  const [branches, tags]: [string[], string[]] = [[], []];
  for (const { name, symrefTarget } of refs) {
    if (symrefTarget === undefined) (isBranch(name) ? branches : tags).push(shortRefName(name));
    const pause = turns.pause();
    if (pause !== undefined) await pause;
  }
  return { branches, tags };
}

/** Of a push mirror the project's refs, of a pull mirror its upstream's. Never throws: what fails is an error by code, without secrets. */
export async function listSource(
  { mirror, project }: { readonly mirror: Mirror; readonly project: Project },
  deps: Omit<RunSyncDeps, 'onProgress' | 'connectLfs'>,
): Promise<SourceListing | { readonly error: RunError }> {
  let credential: Credential | undefined;
  let transport: Transport | undefined;
  const lists = (deps.listMemory ?? new ListMemory(undefined)).open();
  try {
    const source = mirror.direction === 'push' ? { ...project, url: project.repositoryUrl } : mirror;
    const { url } = parseRepositoryUrl(source.url, 'url');
    const usable = await credentialOf(source.credential, { url: url.href, writes: false, fresh: false }, deps);
    credential = usable?.value;
    transport = deps.connect(
      { url, credential, allowedUrls: usable?.allowedUrls, renew: usable?.renew, hostKeys: source.hostKeys },
      deps.deadline,
    );
    const { refs } = await (await UploadPack.open(transport, lists.share())).listRefs([branchPrefix, tagPrefix]);
    return await shortNames(refs);
  } catch (thrown) {
    return { error: toldError(toGitferryError(thrown), createRedactor(secretsOf(credential))) };
  } finally {
    await transport?.close();
    lists.close();
  }
}
