/** Messages that ssh2 would hold back until the server has answered another one, sent at once: two round trips less to sign in, one less for a command. */
import type { Client, ClientChannel, ParsedKey } from 'ssh2';

/** What is used of ssh2's inner parts (ssh2 is pinned exactly). Where they are not as expected, ssh2 goes its own way. */
interface Inner {
  readonly _protocol?: Partial<Protocol>;
  readonly _chanMgr?: { get(id: number): unknown };
  /** The version that the server named. */
  readonly _remoteVer?: string;
}

type Sign = (data: Buffer, done: (signature: Buffer) => void) => void;

interface Protocol {
  service(name: string): void;
  authPK(username: string, key: ParsedKey, algorithm: string | undefined, sign?: Sign): void;
  session(channel: number, window: number, packetBytes: number): void;
  exec(channel: number, command: string, wantReply: boolean): void;
  channelData(channel: number, data: Buffer): void;
  readonly _handlers: Partial<Record<'SERVICE_ACCEPT' | 'EXT_INFO', (protocol: unknown, answer: unknown) => void>>;
}

type InnerChannel = ClientChannel & { readonly outgoing: { readonly id: number; window: number } };

const digests: Readonly<Record<string, string>> = { 'ssh-rsa': 'sha1', 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };

/**
 * Signs in with the first message that can: the service is asked for and used in one go (RFC 4253 §10), and a key is not announced but used
 * (RFC 4252 §7: asking first saves a person's passphrase, which there is none of here). With an RSA key it waits for what the server says of signatures.
 */
export function signInAhead(client: Client, key: ParsedKey | undefined): void {
  const { _protocol: protocol } = client as unknown as Inner;
  const { service, authPK, _handlers: handlers } = protocol ?? {};
  const accepted = handlers?.SERVICE_ACCEPT;
  if (protocol === undefined || handlers === undefined || accepted === undefined || service === undefined || authPK === undefined) return;
  let signaturesKnown = key?.type !== 'ssh-rsa';
  const { EXT_INFO: heard } = handlers;
  handlers.EXT_INFO = (...said) => {
    heard?.(...said);
    signaturesKnown = true;
  };
  let isBegun = false;
  const begin = (...said: Parameters<typeof accepted>): void => {
    if (isBegun) return;
    isBegun = true;
    accepted(...said);
  };
  handlers.SERVICE_ACCEPT = begin;
  protocol.service = (name) => {
    service.call(protocol, name);
    // What came with the end of the handshake is heard first.
    setImmediate(() => {
      if (signaturesKnown) begin(protocol, name);
    });
  };
  protocol.authPK = (username, parsed, algorithm, sign) => {
    const signNow: Sign = (data, done) => {
      const signature = parsed.sign(data, digests[algorithm ?? parsed.type]);
      if (signature instanceof Error) client.emit('error', Object.assign(signature, { level: 'client-authentication' }));
      else done(signature);
    };
    authPK.call(protocol, username, parsed, algorithm, sign ?? signNow);
  };
}

/** The first bytes of commands, sent together with their start. */
export class EarlyInput {
  readonly #client: Inner;
  /** By the number that ssh2 gave the channel. */
  readonly #waiting = new Map<number, Buffer>();
  #opening: number | undefined;

  constructor(client: Client) {
    this.#client = client as unknown as Inner;
    const { _protocol: protocol } = this.#client;
    const { session, exec } = protocol ?? {};
    if (protocol === undefined || session === undefined || exec === undefined) return;
    protocol.session = (channel, ...rest) => {
      this.#opening = channel;
      session.call(protocol, channel, ...rest);
    };
    protocol.exec = (channel, ...rest) => {
      exec.call(protocol, channel, ...rest);
      this.#send(channel);
    };
  }

  /** `open` calls `client.exec`. Returns whether the bytes go with it; if not, they are to be written when it has started. */
  with(bytes: Buffer, open: () => void): boolean {
    this.#opening = undefined;
    open();
    if (this.#opening === undefined) return false;
    this.#waiting.set(this.#opening, bytes);
    return true;
  }

  /** `remote` is the server's number of the channel. */
  #send(remote: number): void {
    const { _chanMgr: channels, _protocol: protocol, _remoteVer: server = '' } = this.#client;
    for (const [local, bytes] of this.#waiting) {
      const channel = channels?.get(local) as InnerChannel | (() => void) | undefined;
      if (typeof channel !== 'object' || channel.outgoing.id !== remote) continue;
      this.#waiting.delete(local);
      const { outgoing } = channel;
      // OpenSSH opens a channel with a window of 0 and widens it when it starts the command, which it has done by the time it reads this. Elsewhere
      // ssh2 waits for the window, if it has to.
      if (outgoing.window < bytes.length && server.startsWith('OpenSSH_') && protocol?.channelData !== undefined) {
        outgoing.window -= bytes.length;
        protocol.channelData(remote, bytes);
      } else channel.write(bytes);
    }
  }

  /** For a channel that was refused: ssh2 gives its number away again. */
  forget(bytes: Buffer): void {
    for (const [local, waiting] of this.#waiting) if (waiting === bytes) this.#waiting.delete(local);
  }
}
