/** The host keys that a server offers, all types: one handshake for each, none of which signs in. */

import type { Deadline } from '../../../core/deadline.ts';
import { GitferryError } from '../../../core/errors.ts';
import type { AddressGuard } from '../../../net/address-guard.ts';
import { defaultPorts } from '../same-host.ts';
import { fingerprintOf, type HostKey, type HostKeyFingerprint, hostKeyTypes } from './host-key.ts';
import { type HostPlace, knownHostsLine } from './known-hosts.ts';

export interface DetectedHostKey extends HostKeyFingerprint {
  /** To be stored as it is. */
  readonly line: string;
}

export interface DetectDeps {
  readonly guard: AddressGuard;
  readonly deadline: Deadline;
}

/**
 * Connects once per type (five) at the same time, and once more for those that failed for what may pass. At least one key; in the order of `hostKeyTypes`.
 * Throws `address_blocked`, `dns_failed`, `connection_failed`, `timed_out`, `deadline_exceeded`, `not_an_ssh_server`, `ssh_algorithms_differ`, ...
 * Nothing is trusted by this: a person has to compare the fingerprints.
 */
export async function detectHostKeys(place: HostPlace, deps: DetectDeps): Promise<readonly DetectedHostKey[]> {
  const { offeredHostKey } = await import('../ssh/ssh-client.ts');
  const ask = (type: string): Promise<HostKey | undefined> =>
    offeredHostKey({ host: place.host, port: place.port ?? defaultPorts.ssh, algorithms: [type] }, deps);
  const answers = await Promise.allSettled(hostKeyTypes.map(ask));
  const keys: HostKey[] = [];
  for (const [index, answer] of answers.entries()) {
    // Busy servers drop some of several connections that come at once (sshd: MaxStartups): a key that was missed for that would look like a changed one later.
    const key =
      answer.status === 'fulfilled' ? answer.value : await again(answer.reason, () => ask(hostKeyTypes[index] ?? ''), answers, deps);
    if (key !== undefined) keys.push(key);
  }
  if (keys.length === 0)
    throw new GitferryError('ssh_algorithms_differ', { detail: 'The server has no host key of a type that is taken here.' });
  return keys.map((key) => ({ ...fingerprintOf(key), line: knownHostsLine(place, key) }));
}

/** As the API and the command line show them; `known_hosts` has one line per key. */
export function describeHostKeys({ host, port }: HostPlace, keys: readonly DetectedHostKey[]) {
  return {
    host,
    port: port ?? defaultPorts.ssh,
    known_hosts: keys.map(({ line }) => line).join('\n'),
    fingerprints: keys.map(({ line, ...fingerprint }) => ({ ...fingerprint, known_hosts: line })),
  };
}

/** Only where another type came through: where all failed, the reason is not the number of connections. */
async function again<T>(
  reason: unknown,
  ask: () => Promise<T>,
  answers: readonly PromiseSettledResult<unknown>[],
  { deadline }: DetectDeps,
): Promise<T> {
  const mayPass = reason instanceof GitferryError && reason.disposition === 'retry' && !deadline.signal.aborted;
  if (!mayPass || answers.every(({ status }) => status === 'rejected')) throw reason;
  return ask();
}
