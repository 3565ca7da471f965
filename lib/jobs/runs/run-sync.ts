/** One run of a mirror: both ends' URLs, credentials and host keys, its rules, and the engine; whatever goes wrong is in the outcome. */
import type { Deadline } from '../../core/deadline.ts';
import { GitferryError, toGitferryError } from '../../core/errors.ts';
import { createRedactor, type LearningRedactor, type Redactor } from '../../core/redact.ts';
import type { Credential } from '../../credentials/credential.ts';
import { secretsOf } from '../../credentials/secrets-of.ts';
import type { CredentialReference } from '../../credentials/shared-credential.ts';
import type { ListMemory } from '../../git/client/list-memory.ts';
import { shortRefName } from '../../git/ref-name.ts';
import { isAllowed } from '../../git/transport/allowed-urls.ts';
import type { RemoteEndpoint } from '../../git/transport/create-transport.ts';
import { parseLfsUrl } from '../../git/transport/lfs-url.ts';
import { isSameRepository, parseRepositoryUrl, type RepositoryUrl } from '../../git/transport/repository-url.ts';
import type { Transport } from '../../git/transport/transport.ts';
import type { LfsEnd } from '../../lfs/create-lfs-server.ts';
import type { LfsServer } from '../../lfs/lfs-server.ts';
import type { NarrowInput } from '../../mirror/list-narrowly.ts';
import { type RunOutcome, summarise } from '../../mirror/outcome.ts';
import { compileRules, type MirrorRules } from '../../mirror/rules.ts';
import type { PushLimit } from '../../mirror/slices/slice-size.ts';
import { syncRepositories } from '../../mirror/sync.ts';
import type { RunWay, SyncProgress } from '../../mirror/sync-input.ts';
import type { Mirror } from '../../model/mirror.ts';
import type { Project } from '../../model/project.ts';
import { type HostReport, watchHost } from '../hosts/watch-host.ts';
import { type CredentialDeps, credentialOf, type UsableCredential } from './credential-of.ts';
import { lfsInputOf } from './lfs-memory.ts';

export interface RunSyncInput {
  readonly mirror: Mirror;
  readonly project: Project;
  readonly dryRun: boolean;
  readonly confirmDeletions: boolean;
  /** 0 = any share is too much. */
  readonly maxDeletionsPercent: number;
  /** Deletions of the last 24 hours; absent = none. */
  readonly earlierDeletions?: MirrorRules['earlierDeletions'];
  /** How much the target takes in one push, as earlier runs have learned it. */
  readonly pushLimit?: PushLimit | undefined;
  /** Waited for before anything is written to the target; where it rejects, that is why the run failed. */
  readonly mayWrite?: Promise<unknown>;
  /** As the engine's: when the run may go to the target. Without it, both ends are listed at once. */
  readonly admitTarget?: ((sourceListed: Promise<unknown>) => Promise<void>) | undefined;
  /** Settles before the run lists; undefined = an ordinary run. */
  readonly narrow?: Promise<NarrowInput | undefined>;
}

export interface RunSyncDeps extends CredentialDeps {
  readonly deadline: Deadline;
  connect(end: RemoteEndpoint, deadline: Deadline): Transport;
  connectLfs(end: LfsEnd, deadline: Deadline, redactor: LearningRedactor): LfsServer;
  /** Memory for ref lists, shared with other runs; without it, only the limits of each list hold. */
  readonly listMemory?: ListMemory | undefined;
  onProgress?(progress: SyncProgress): void;
}

export interface SyncedRun {
  readonly outcome: RunOutcome;
  /** Short name of the branch that the project's HEAD stands for; null = not seen. */
  readonly defaultBranch: string | null;
  /** Knows every credential that was used. */
  readonly redactor: Redactor;
  /** What was seen of each host that was asked. */
  readonly hosts?: readonly HostReport[];
  /** undefined = it did not get as far as that. */
  readonly way?: RunWay | undefined;
  /** Narrow runs leave it to an ordinary one to make up for what they did not see. */
  readonly ordinaryDueAt?: number;
}

/** Refusals after which a credential that was changed meanwhile may do better. */
const refusals: ReadonlySet<string> = new Set([
  'credentials_refused',
  'credentials_missing',
  'permission_denied',
  'repository_not_found',
  'public_key_required',
  'password_required',
  'private_key_unusable',
]);

/**
 * Runs once, and once more where the host refuses and a fresh look at the secrets gives other ones. Never throws: a secret that cannot be read, a URL
 * or a rule that cannot be used is a failed outcome with its code.
 */
export async function runSync(input: RunSyncInput, deps: RunSyncDeps): Promise<SyncedRun> {
  return new MirrorRun(input, deps).run();
}

interface RunSide extends RemoteEndpoint {
  readonly credential: Credential | undefined;
}

interface RunSides {
  readonly project: RunSide;
  readonly mirror: RunSide;
}

class MirrorRun {
  readonly #input: RunSyncInput;
  readonly #deps: RunSyncDeps;
  #used: readonly Credential[] = [];
  #redactor = createRedactor([]);
  #defaultBranch: string | null = null;
  readonly #hosts = new Map<string, HostReport>();
  #way: RunWay | undefined;

  constructor(input: RunSyncInput, deps: RunSyncDeps) {
    this.#input = input;
    this.#deps = deps;
  }

  async run(): Promise<SyncedRun> {
    const startedAt = performance.now();
    let outcome: RunOutcome;
    try {
      outcome = await this.#attempts();
    } catch (error) {
      const durationMs = performance.now() - startedAt;
      const facts = { refs: [], divergedDefaultBranch: undefined, bytes: 0, durationMs, dryRun: this.#input.dryRun, notes: [] };
      outcome = summarise({ ...facts, error: toGitferryError(error) }, this.#redactor);
    }
    return { outcome, defaultBranch: this.#defaultBranch, redactor: this.#redactor, hosts: [...this.#hosts.values()], way: this.#way };
  }

  async #attempts(): Promise<RunOutcome> {
    const ends = await this.#ends();
    const outcome = await this.#sync(ends);
    if (outcome.outcome !== 'failed' || !refusals.has(outcome.error?.code ?? '')) return outcome;
    // A secret that cannot be read now does not hide what the host said.
    const fresh = await this.#ends(ends).catch(() => ends);
    return isSame(ends.project, fresh.project) && isSame(ends.mirror, fresh.mirror) ? outcome : this.#sync(fresh);
  }

  /** `refused`: with these the hosts have let nobody in. */
  async #ends(refused?: RunSides): Promise<RunSides> {
    const { project, mirror } = this.#input;
    const urls = {
      project: parseRepositoryUrl(project.repositoryUrl, 'repository_url').url,
      mirror: parseRepositoryUrl(mirror.url, 'url').url,
    };
    if (isSameRepository(urls.project, urls.mirror)) throw new GitferryError('same_repository');
    const [ofProject, ofMirror] = await Promise.all([
      this.#credential(project.credential, { url: urls.project.href, writes: mirror.direction === 'pull' }, refused?.project),
      this.#credential(mirror.credential, { url: urls.mirror.href, writes: mirror.direction === 'push' }, refused?.mirror),
    ]);
    return {
      project: endOf(urls.project, ofProject, project.hostKeys),
      mirror: endOf(urls.mirror, ofMirror, mirror.hostKeys),
    };
  }

  async #credential(
    reference: CredentialReference | null,
    use: { readonly url: string; readonly writes: boolean },
    refused: RunSide | undefined,
  ): Promise<UsableCredential | undefined> {
    const credential = await credentialOf(reference, { ...use, fresh: refused !== undefined, refused: refused?.credential }, this.#deps);
    if (credential === undefined) return undefined;
    this.#used = [...this.#used, credential.value];
    this.#redactor = createRedactor(this.#used.flatMap(secretsOf));
    const { renew } = credential;
    if (renew === undefined) return credential;
    const learning = async (): Promise<Credential> => {
      const value = await renew();
      this.#redactor.learn(secretsOf(value).map(({ password }) => password));
      return value;
    };
    return { ...credential, renew: learning };
  }

  async #sync({ project, mirror }: RunSides): Promise<RunOutcome> {
    const { direction, lfsUrl } = this.#input.mirror;
    const rules = await compileRules(rulesOf(this.#input));
    const ends = direction === 'push' ? { source: project, target: mirror } : { source: mirror, target: project };
    const [projectSide, mirrorSide] = direction === 'push' ? (['source', 'target'] as const) : (['target', 'source'] as const);
    const lfsUrls = { [mirrorSide]: lfsUrl === null ? undefined : parseLfsUrl(lfsUrl, 'lfs_url') };
    const { deadline, connect, connectLfs, listMemory, onProgress } = this.#deps;
    // Learned once, with the first run of a pull mirror; later on only where it costs nothing.
    const learnTargetHead = direction === 'pull' && this.#input.project.defaultBranch === null && !this.#input.dryRun;
    const narrow = await this.#input.narrow;
    return syncRepositories(
      {
        direction,
        rules,
        dryRun: this.#input.dryRun,
        learnTargetHead,
        lfs: lfsInputOf(this.#input.mirror),
        pushLimit: this.#input.pushLimit,
        narrow,
      },
      {
        deadline,
        listMemory,
        redactor: this.#redactor,
        mayWrite: this.#input.mayWrite,
        connect: (side, until, address) =>
          this.#watched(ends[side].url.host.toLowerCase(), connect({ ...ends[side], url: movedTo(ends[side], address) }, until)),
        connectLfs: (side, until, redactor) => connectLfs({ side, ...ends[side], lfsUrl: lfsUrls[side] }, until, redactor),
        onHead: (side, branch) => {
          if (side === projectSide) this.#defaultBranch = shortRefName(branch);
        },
        onWay: (way) => {
          this.#way = way;
        },
        ...(onProgress === undefined ? {} : { onProgress }),
        ...(this.#input.admitTarget === undefined ? {} : { admitTarget: this.#input.admitTarget }),
      },
    );
  }

  #watched(host: string, transport: Transport): Transport {
    return watchHost(transport, (failure) => this.#hosts.set(host, { host, failure }));
  }
}

/** The rules of a mirror, as the engine takes them. */
export function rulesOf({
  mirror,
  project,
  confirmDeletions,
  maxDeletionsPercent,
  earlierDeletions,
}: Pick<RunSyncInput, 'mirror' | 'project' | 'confirmDeletions' | 'maxDeletionsPercent' | 'earlierDeletions'>): MirrorRules {
  const { mirrorTags, mirrorBranchRegex } = mirror;
  return {
    onlyProtectedBranches: mirror.onlyProtectedBranches,
    protectedBranches: project.protectedBranches.map(({ name }) => name),
    ...(mirrorBranchRegex === null ? {} : { branchRegex: mirrorBranchRegex }),
    tags: mirrorTags === 'all' || mirrorTags === 'none' ? mirrorTags : { regex: mirrorTags },
    keepDivergentRefs: mirror.keepDivergentRefs,
    overwriteDivergedBranches: mirror.mirrorOverwritesDivergedBranches,
    deletions: true,
    deleteAmbiguousRefs: mirror.deleteAmbiguousRefs,
    confirmDeletions,
    maxDeletionsPercent,
    earlierDeletions,
  };
}

function endOf(url: RepositoryUrl, credential: UsableCredential | undefined, hostKeys: readonly string[]): RunSide {
  return { url, credential: credential?.value, allowedUrls: credential?.allowedUrls, renew: credential?.renew, hostKeys };
}

/** Where redirects of this host led to before, if its credential may go there. */
function movedTo({ url, allowedUrls }: RunSide, address: string | undefined): RepositoryUrl {
  if (address === undefined || address === url.href) return url;
  const moved = parseRepositoryUrl(address, 'url').url;
  const mayGo = moved.host === url.host && (allowedUrls === undefined || isAllowed(address, allowedUrls));
  return mayGo ? moved : url;
}

function isSame(a: RunSide, b: RunSide): boolean {
  const [one, other] = [a.credential, b.credential];
  return one?.username === other?.username && one?.password === other?.password && one?.privateKey === other?.privateKey;
}
