/** What a method needs to make a credential for a run: machine credentials are made anew, and live for minutes. */
import type { Clock } from '../core/clock.ts';
import type { HttpClient } from '../net/http-client.ts';
import type { AwsCredentials } from './aws/sigv4.ts';
import type { Credential } from './credential.ts';
import type { TokenCache } from './token-cache.ts';

export interface SignInRequest {
  readonly credentialId: number;
  /** What is stored of the method's own fields, but for secrets. */
  readonly settings: Readonly<Record<string, string>>;
  /** As of the record (shared-credential.ts). */
  readonly expiresAt: number | null;
  readonly renewingSince: number | null;
  /** What its secret holds; undefined = the method has none. */
  readonly secret: Credential | undefined;
  /** Of the repository. */
  readonly url: string;
  /** Whether the run pushes there. */
  readonly writes: boolean;
  /** What was made before and a host has refused: it is not used again. */
  readonly refused?: Credential | undefined;
}

/** Where a token that renews itself is kept: only a worker has it. */
export interface Renewals {
  /** What the host says of its end; ends a renewal. */
  noteExpiry(credentialId: number, expiresAt: number | null): Promise<void>;
  /** Before the host is asked: from now on it is known that the token may have been replaced. false = somebody else was first. */
  begin(credentialId: number, expiresAt: number | null): Promise<boolean>;
  /** Read anew. */
  read(credentialId: number): Promise<Credential | undefined>;
  store(credentialId: number, secret: Credential): Promise<void>;
}

export interface SignInMeans {
  /** Behind the address guard, as for repositories. */
  readonly http: HttpClient;
  readonly aws: AwsIdentity;
  readonly clock: Clock;
  /** Tokens that live for a while, in memory only. */
  readonly tokens: TokenCache;
  readonly renewals?: Renewals | undefined;
}

export interface SignInDeps extends SignInMeans {
  readonly signal: AbortSignal;
}

/** Who this process is for AWS. */
export interface AwsIdentity {
  /** Of its role; undefined = it has none. */
  credentials(): Promise<AwsCredentials | undefined>;
  /** Where KMS and STS are asked, if not at their usual address (AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL_STS). */
  readonly endpoints: { readonly kms?: string | undefined; readonly sts?: string | undefined };
  region(): Promise<string | undefined>;
}

/** Makes what signs in now; called before each request. Throws by code. */
export type SignIn = (request: SignInRequest, deps: SignInDeps) => Promise<Credential>;
