/** What the API's use cases work with; functions/wiring.ts builds it. */
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Credential } from '../credentials/credential.ts';
import type { SourceListing } from '../jobs/list-source.ts';
import type { MirrorJobs } from '../jobs/mirror-jobs.ts';
import type { JobQueue } from '../jobs/requests/job-queue.ts';
import type { RunError, RunOutcome } from '../mirror/outcome.ts';
import type { Channel } from '../model/channel.ts';
import type { Mirror } from '../model/mirror.ts';
import type { Project } from '../model/project.ts';
import type { Records } from '../model/records.ts';
import type { SecretStore } from '../model/secret-store.ts';
import type { AddressGuard } from '../net/address-guard.ts';
import type { SingleSignOn } from '../sso/single-sign-on.ts';
import type { GuessLimit } from './http/guess-limit.ts';

export interface DryRunInput {
  readonly mirror: Mirror;
  readonly project: Project;
  readonly timeoutMs: number;
  /** What `unsavedSecret` in the mirror's settings stands for. */
  readonly credential?: Credential;
}

export interface ApiDeps {
  readonly records: Records;
  readonly jobs: MirrorJobs;
  readonly queue: JobQueue;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly guard: AddressGuard;
  readonly guesses: GuessLimit;
  /** undefined = people sign in with tokens only. */
  readonly sso: SingleSignOn | undefined;
  /** Where people reach this instance: an origin, without a slash at its end. */
  readonly publicUrl: string;
  /** Sends a message that says so, and resolves with what the other side answered. */
  testChannel(channel: Channel): Promise<{ readonly ok: boolean; readonly words: string }>;
  /** A dry run. Ends as `failed` with `deadline_exceeded` when the time is up. */
  plan(input: DryRunInput): Promise<RunOutcome>;
  /** The branches and tags of the mirror's source. An error is an answer, too: `deadline_exceeded` when the time is up. */
  listSource(input: DryRunInput): Promise<SourceListing | { readonly error: RunError }>;
}
