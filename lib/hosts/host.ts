/** What gitferry can ask of a Git host beside Git: one interface, carried out by one file per family (families/). */

export type Visibility = 'private' | 'internal' | 'public';

/** What a person does where the host's API cannot, or may not. */
export interface ByHand {
  readonly step: string;
  /** The page of the host where it is done. */
  readonly link: string;
}

/** Why something is not there: an expected alternative, not a failure. */
export interface Unavailable {
  /** `not_offered` = no account can do it at this host or version; `not_permitted` = this account or token may not. */
  readonly kind: 'not_offered' | 'not_permitted';
  readonly why: string;
  readonly byHand: ByHand;
}

export type Offered<T> = { readonly kind: 'done'; readonly value: T } | Unavailable;

export interface HostAccount {
  readonly name: string;
  /** Scopes of the token, where the host tells. */
  readonly scopes: readonly string[] | undefined;
}

export interface RepositoryDescription {
  /** Stays the same when the repository is renamed or moved. */
  readonly id: string;
  /** With its owner or groups, without `.git`. */
  readonly path: string;
  readonly httpUrl: string;
  readonly sshUrl: string;
  readonly webUrl: string;
  /** What HEAD names; a new repository may have one that does not exist yet. */
  readonly defaultBranch: string | undefined;
  readonly description: string;
  /** undefined = the host does not say; to be taken for private. */
  readonly visibility: Visibility | undefined;
  readonly isArchived: boolean;
  /** undefined = the host does not say; its refs tell. */
  readonly isEmpty: boolean | undefined;
  readonly sizeBytes: number | undefined;
  readonly hasLfs: boolean | undefined;
  readonly topics: readonly string[];
  /** What this account may; undefined = the host does not say. */
  readonly may: { readonly read: boolean; readonly write: boolean; readonly administer: boolean } | undefined;
}

export interface NewRepository {
  readonly path: string;
  readonly description: string;
  readonly visibility: Visibility;
}

/** Only what is given is changed. */
export interface RepositorySettings {
  readonly defaultBranch?: string;
  readonly description?: string;
  readonly topics?: readonly string[];
  readonly isArchived?: boolean;
}

export interface Webhook {
  /** Recognises the hook: the address of an incoming hook belongs to one project here. */
  readonly url: string;
  readonly secret: string;
}

/** A hook as the host has it. */
export interface HostWebhook {
  readonly id: string;
  readonly url: string;
  /** Active, with the events and the form that gitferry wants. The secret is never told. */
  readonly isRight: boolean;
}

export interface EnsuredWebhook {
  readonly id: string;
  readonly change: 'created' | 'repaired' | 'unchanged';
}

export interface WebhookDelivery {
  readonly id: string;
  /** Milliseconds since 1970; undefined = the host does not say. */
  readonly at: number | undefined;
  readonly event: string;
  /** HTTP status that the host got; undefined = it got no answer. */
  readonly status: number | undefined;
}

export interface DeployKey {
  readonly title: string;
  /** As in authorized_keys. */
  readonly publicKey: string;
  readonly canPush: boolean;
}

export interface RepositoryPage {
  readonly repositories: readonly RepositoryDescription[];
  /** Where to go on; undefined = this was the last page. */
  readonly next: number | undefined;
}

/**
 * A host as one credential sees it. Everything throws by code: failures of the network, `credentials_refused`, `rate_limited` (with the seconds to wait),
 * `server_error`, `redirect_refused`, `host_answer_unexpected` (what answered is not this API), `request_refused` (with the host's words).
 */
export interface HostSession {
  whoAmI(): Promise<Offered<HostAccount>>;
  /** undefined = there is no such repository, or this account may not see it: hosts do not tell these apart. */
  describe(path: string): Promise<Offered<RepositoryDescription | undefined>>;
  /** Without a first commit. Throws `repository_name_taken`, and `visibility_differs` where the host made it wider than asked for. */
  create(repository: NewRepository): Promise<Offered<RepositoryDescription>>;
  change(path: string, settings: RepositorySettings): Promise<Offered<void>>;
  /** Names and patterns. */
  protectedBranches(path: string): Promise<Offered<readonly string[]>>;
  /** Exactly one hook with this URL afterwards, active, with this secret. Throws `webhook_refused`. */
  ensureWebhook(path: string, webhook: Webhook): Promise<Offered<EnsuredWebhook>>;
  /** None with this URL afterwards; the value is how many there were. */
  removeWebhook(path: string, url: string): Promise<Offered<number>>;
  /** Asks the host to send a delivery now. */
  testWebhook(path: string, id: string): Promise<Offered<void>>;
  /** The last ones, newest first. */
  deliveries(path: string, webhookId: string): Promise<Offered<readonly WebhookDelivery[]>>;
  redeliver(path: string, webhookId: string, deliveryId: string): Promise<Offered<void>>;
  /** This key with this right afterwards, and no second one of the same value. */
  ensureDeployKey(path: string, key: DeployKey): Promise<Offered<'created' | 'replaced' | 'unchanged'>>;
  /** One page of what an owner (user, organisation, group with its subgroups) has; pages count from 1. */
  list(owner: string, page: number): Promise<Offered<RepositoryPage>>;
}
