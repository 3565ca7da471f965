/** A webhook delivery as it arrived, and what can be learned from one: before its proof is checked nothing but these bytes is looked at. */

export interface Delivery {
  /** Value of a header by its lower-case name; one that came several times is joined by commas, an empty one is ''. */
  header(name: string): string | undefined;
  /** As sent: decoded from base64 if the gateway encoded it, otherwise untouched. */
  readonly body: Uint8Array;
}

export interface WebhookEvent {
  /** `push` = branches or tags moved, `ping` = the provider tries the hook, `other` = nothing that concerns a mirror. */
  readonly kind: 'push' | 'ping' | 'other';
  /** The provider's own word for it. */
  readonly name: string;
  /** Every address that the event gives of its repository; undefined where the provider does not say which it is. Only ever compared, never contacted. */
  readonly repositories: readonly string[] | undefined;
  /** All refs that moved, by full name; undefined if the event does not list them, or not all. */
  readonly refs: readonly string[] | undefined;
}

/** How one provider proves its deliveries and what it says in them. */
export interface ProviderRules {
  /** Whether the delivery proves that its sender knows one of the secrets. Never throws; `now` in milliseconds since 1970. */
  proves(delivery: Delivery, secrets: readonly string[], now: number): boolean;
  /** A try-out that this provider sends without any proof: answered, and nothing is done. */
  isUnsignedPing?(delivery: Delivery): boolean;
  /** What a proved delivery says. `payload` is its parsed JSON, undefined for an empty body. Never throws. */
  readEvent(delivery: Delivery, payload: unknown): WebhookEvent;
  /** Header that holds the provider's number of the delivery, for the log. */
  readonly deliveryHeader?: string;
}
