/** How the client reaches a repository: the interface that every transport (HTTP, SSH) implements and one contract suite tests. */
import type { GitService } from '../wire/advertisement.ts';
import type { ByteStream } from '../wire/pkt-reader.ts';

/** Bytes of a server's answer, to be read to the end or destroyed. */
export interface GitResponse extends ByteStream {
  /** Ends it at once, also while somebody waits for its next bytes (that wait then fails or ends). Safe at any time, also twice. */
  destroy(): void;
}

export interface Transport {
  /** For messages: the URL without credentials. */
  readonly href: string;
  /** Where the repository is, behind redirects as far as they were followed; without credentials. */
  readonly address: string;
  /**
   * Starts a conversation with a service and asks for this protocol version; what the server really speaks stands in its advertisement.
   * Throws by code: network failures, `credentials_missing`, `credentials_refused`, `permission_denied`, `repository_not_found`,
   * `not_a_git_server`, `dumb_http`, `redirect_refused`, ...
   */
  open(service: GitService, options: OpenOptions): Promise<Conversation>;
  /** Ends what is still open. */
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly protocol: 0 | 2;
  /**
   * The server is known to speak v2 from another conversation: the advertisement may be left out (`advertisement` is then undefined)
   * where that saves a round trip. If it turns out wrong, `request` throws.
   */
  readonly assumeV2?: boolean;
  /** git-receive-pack: what its advertisement says is known, and may be left out where that saves a request. */
  readonly isKnown?: boolean;
  /** On a connection that was not there before: an earlier one may hang behind a request that the host answered without reading it to its end. */
  readonly isFresh?: boolean;
  /** git-upload-pack, protocol 2: the request that will come first, if the server speaks v2. It may be sent at once where that saves a round trip. */
  readonly ahead?: Buffer | undefined;
}

export interface Conversation {
  /** What the server says first. Read to its flush packet, and to its end, before `request`. */
  readonly advertisement: GitResponse | undefined;
  /** Requests do not depend on each other: several may be under way at once, with protocol v0 too (HTTP). */
  readonly stateless: boolean;
  /** The request `ahead`, where it was sent and the answer is under way: a first `request` with just these bytes gets it. */
  readonly sent?: Buffer | undefined;
  /**
   * Sends one request and resolves when the answer begins. A stream is taken with backpressure and ended early if the server answers first.
   * With protocol v0 one request is all that a conversation can hold, unless it is stateless. The caller reads the answer to its end or destroys it.
   */
  request(body: Uint8Array | ByteStream, options?: RequestOptions): Promise<GitResponse>;
  /** Ends the conversation. */
  close(): Promise<void>;
}

export interface RequestOptions {
  /** The answer is a list worth compressing (packs are compressed already). */
  readonly compressedAnswer?: boolean;
  /** Longest wait for the answer to begin, and for more of it; without it the limits for short questions hold. */
  readonly patient?: boolean;
}
