/** `gitferry host-keys`: what a server offers, as a known_hosts file with its fingerprints as comments, or as JSON. */
import { type GitferryError, toGitferryError } from '../core/errors.ts';
import { printableJson } from '../core/printable.ts';
import { type DetectedHostKey, describeHostKeys } from '../git/transport/host-keys/detect-host-keys.ts';
import { type HostPlace, knownHostsName } from '../git/transport/host-keys/known-hosts.ts';
import { renderError } from './render.ts';
import type { CommandOutput } from './sync-command.ts';

/** Detects and prints; returns the exit status: 0, or 1 if there is nothing to show. */
export async function runHostKeysCommand(
  detect: () => Promise<readonly DetectedHostKey[]>,
  { place, json }: { readonly place: HostPlace; readonly json: boolean },
  { stdout, stderr }: CommandOutput,
): Promise<number> {
  let keys: readonly DetectedHostKey[] = [];
  let error: GitferryError | null = null;
  try {
    keys = await detect();
  } catch (thrown) {
    error = toGitferryError(thrown);
  }
  if (json) {
    const shown = error === null ? null : { code: error.code, message: error.message, hint: error.hint };
    stdout.write(`${printableJson({ ...describeHostKeys(place, keys), error: shown })}\n`);
  } else if (error === null) {
    stdout.write(keys.map((key) => renderKey(key, knownHostsName(place))).join(''));
    stderr.write('Compare these fingerprints with those that the host publishes before you trust them.\n');
  } else {
    stderr.write(renderError(error));
  }
  return error === null ? 0 : 1;
}

/** Fingerprints in the words of `ssh-keygen -l`; what begins with # is a comment in known_hosts. */
function renderKey({ bits, sha256, md5, label, line }: DetectedHostKey, name: string): string {
  return `# ${bits} ${sha256} ${name} (${label})\n# ${bits} ${md5} ${name} (${label})\n${line}\n`;
}
