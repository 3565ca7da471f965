/** The files that SSH options of the command line name: private keys and known_hosts. */
import { open } from 'node:fs/promises';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { knownHostsName, selectHostKeys } from '../git/transport/host-keys/known-hosts.ts';
import type { RepositoryUrl } from '../git/transport/repository-url.ts';

/** The text of a private key that can be used. Throws `invalid_arguments` (the file) and `private_key_unusable`, naming the option and never the text. */
export async function readPrivateKey(option: string, path: string): Promise<string> {
  const text = await readText(option, path, limits.privateKeyFileBytes);
  const { parsePrivateKey } = await import('../git/transport/ssh/ssh-key-pair.ts');
  try {
    parsePrivateKey(text);
  } catch (error) {
    if (!(error instanceof GitferryError)) throw error;
    throw new GitferryError(error.code, { detail: `${option}: ${error.detail}` });
  }
  return text;
}

/** A known_hosts file. Throws `invalid_arguments` if it cannot be read. */
export async function readKnownHosts(option: string, path: string): Promise<string> {
  return readText(option, path, limits.knownHostsFileBytes);
}

/** The keys of a URL's host in a known_hosts file (undefined = none was named). Throws `host_key_unknown`, saying how to come by them. */
export function hostKeysOf(url: RepositoryUrl, field: string, knownHosts: string | undefined): readonly string[] {
  if (url.scheme !== 'ssh') return [];
  const name = knownHostsName(url);
  const place = url.port === undefined ? url.host : `${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}`;
  const found = knownHosts === undefined ? [] : selectHostKeys(knownHosts, url);
  if (found.length > 0) return found;
  throw new GitferryError('host_key_unknown', {
    detail:
      knownHosts === undefined
        ? `${field} is on ${name}, and --known-hosts is not given.`
        : `--known-hosts holds no key of ${name} (${field}).`,
    hint: `\`npx gitferry host-keys ${place} > known_hosts\` writes the keys that the server offers now. Compare their fingerprints with those the host publishes, then give --known-hosts known_hosts.`,
  });
}

async function readText(option: string, path: string, maxBytes: number): Promise<string> {
  const unreadable = (why: string, cause?: unknown): GitferryError =>
    new GitferryError('invalid_arguments', { detail: `${option}: the file ${why}.`, cause });
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw unreadable(`is larger than ${maxBytes} bytes`);
      // Pipes say that they have no size.
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw unreadable(`is larger than ${maxBytes} bytes`);
        chunks.push(chunk);
      }
      if (bytes === 0) throw unreadable('is empty');
      return Buffer.concat(chunks).toString('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof GitferryError) throw error;
    // Node's own message repeats the path, which is what was typed.
    throw unreadable(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, error);
  }
}
