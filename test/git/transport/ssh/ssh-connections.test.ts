import { describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline, type Deadline } from '../../../../lib/core/deadline.ts';
import { GitferryError } from '../../../../lib/core/errors.ts';
import { limits } from '../../../../lib/core/limits.ts';
import type { SshChannel } from '../../../../lib/git/transport/ssh/ssh-channel.ts';
import { type Connection, SshConnections } from '../../../../lib/git/transport/ssh/ssh-connections.ts';
import { codeOf } from '../../../support/byte-streams.ts';

/** A channel of which only the end matters here. */
class Channel {
  readonly closed: Promise<void>;
  end: () => void = () => {};
  constructor() {
    this.closed = new Promise((resolve) => {
      this.end = resolve;
    });
  }
}

class Host {
  readonly channels: Channel[] = [];
  connected = 0;
  open = 0;
  /** What it does when a connection is asked for. */
  fault: GitferryError | undefined;
  readonly #sessions: number;
  readonly #hangsUp: boolean;

  constructor({ sessions = 1, hangsUp = false }: { sessions?: number; hangsUp?: boolean } = {}) {
    this.#sessions = sessions;
    this.#hangsUp = hangsUp;
  }

  async connect(): Promise<Connection> {
    if (this.fault !== undefined) throw this.fault;
    this.connected++;
    this.open++;
    let started = 0;
    let failure: GitferryError | undefined;
    return {
      get failure() {
        return failure;
      },
      exec: async () => {
        if (failure !== undefined) throw failure;
        if (++started > this.#sessions) return undefined;
        // A command takes longer to start than a channel to be refused.
        await new Promise(setImmediate);
        if (failure !== undefined) throw failure;
        const channel = new Channel();
        this.channels.push(channel);
        if (this.#hangsUp) channel.closed.then(() => (failure ??= new GitferryError('connection_failed')));
        return channel as unknown as SshChannel;
      },
      end: () => {
        if (failure === undefined || this.#hangsUp) this.open--;
        failure ??= new GitferryError('connection_failed');
      },
    };
  }
}

function connectionsTo(
  host: Host,
  { roomMs = 60_000, letGo = () => {} } = {},
): { connections: SshConnections<Connection>; deadline: Deadline } {
  const deadline = createDeadline(60_000);
  onTestFinished(() => deadline.clear());
  return { connections: new SshConnections({ connect: () => host.connect(), letGo, signal: deadline.signal, roomMs }), deadline };
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 5_000; !condition() && performance.now() < end; ) await new Promise(setImmediate);
  expect(condition()).toBe(true);
}

const start = (connections: SshConnections<Connection>, count: number): Promise<SshChannel>[] =>
  Array.from({ length: count }, () => connections.start('git-upload-pack x', {}));

describe('the connections of a run', () => {
  it('are one where the server opens as many channels as are wanted', async () => {
    const host = new Host({ sessions: 100 });
    const { connections } = connectionsTo(host);
    await Promise.all(start(connections, 40));
    expect(host.connected).toBe(1);
    connections.close();
    expect(host.open).toBe(0);
  });

  it.each([1, 2, 3])('are never more than the limit with %i channels each, and all commands get their turn', async (sessions) => {
    const host = new Host({ sessions });
    const { connections } = connectionsTo(host);
    const count = limits.sshConnections * sessions;
    const started = start(connections, count + 12);
    for (let ended = 0; ended < count + 12; ended++) {
      await until(() => host.channels.length > ended);
      expect(host.open).toBeLessThanOrEqual(limits.sshConnections);
      host.channels[ended]?.end();
    }
    expect(await Promise.all(started)).toHaveLength(count + 12);
    await until(() => host.open <= 1);
    expect(connections.isCrowded).toBe(false);
  });

  it('are never more than the limit where the server hangs up after each command', async () => {
    const host = new Host({ hangsUp: true });
    const { connections } = connectionsTo(host);
    const first = await connections.start('x', {});
    host.channels[0]?.end();
    await first.closed;
    const started = start(connections, 20);
    for (let ended = 1; ended <= 20; ended++) {
      await until(() => host.channels.length > ended);
      expect(host.channels.length - ended).toBeLessThanOrEqual(limits.sshConnections);
      host.channels[ended]?.end();
    }
    expect(await Promise.all(started)).toHaveLength(20);
  });

  it('that are all in use are asked to let go, and one that is let go serves who waits', async () => {
    const host = new Host();
    const { connections } = connectionsTo(host, { letGo: () => host.channels[3]?.end() });
    await Promise.all(start(connections, limits.sshConnections));
    await connections.start('one more', {});
    expect([host.open, host.connected]).toEqual([limits.sshConnections, limits.sshConnections + 1]);
  });

  it('that stay in use fail who waits, in time, and those that wait end with the run or the transport', async () => {
    const host = new Host();
    const impatient = connectionsTo(host, { roomMs: 20 });
    await Promise.all(start(impatient.connections, limits.sshConnections));
    expect(await codeOf(impatient.connections.start('x', {}))).toBe('connection_failed');
    const { connections, deadline } = connectionsTo(host);
    await Promise.all(start(connections, limits.sshConnections));
    const [one, other] = [codeOf(connections.start('x', {})), codeOf(connections.start('x', {}))];
    await until(() => connections.isCrowded);
    deadline.abort(new GitferryError('deadline_exceeded'));
    expect([await one, await other]).toEqual(['deadline_exceeded', 'deadline_exceeded']);
    const third = connectionsTo(host).connections;
    await Promise.all(start(third, limits.sshConnections));
    const waiting = codeOf(third.start('x', {}));
    await until(() => third.isCrowded);
    third.close();
    expect(await waiting).toBe('connection_failed');
    expect(await codeOf(third.start('x', {}))).toBe('connection_failed');
  });

  it('tell everybody who waits that there are none to be had', async () => {
    const host = new Host();
    const { connections } = connectionsTo(host);
    host.fault = new GitferryError('credentials_refused');
    const codes = await Promise.all(start(connections, 12).map(codeOf));
    expect(new Set(codes)).toEqual(new Set(['credentials_refused']));
  });

  it('fail where the server opens no channel at all', async () => {
    const host = new Host({ sessions: 0 });
    const { connections } = connectionsTo(host);
    const codes = await Promise.all(start(connections, 3).map(codeOf));
    expect(codes).toEqual(['connection_failed', 'connection_failed', 'connection_failed']);
    expect(host.connected).toBeLessThanOrEqual(3);
    connections.close();
    expect(host.open).toBe(0);
  });

  it('are ended when they come too late', async () => {
    const host = new Host();
    const { connections } = connectionsTo(host);
    const late = codeOf(connections.start('x', {}));
    connections.close();
    expect(await late).toBe('connection_failed');
    expect(host.open).toBe(0);
  });
});
