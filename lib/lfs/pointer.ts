/** The text that stands in a Git repository for a large file: strict parsing by the LFS pointer specification, and writing. */

/** Blobs from this size on are no pointers (specification: "less than 1024 bytes in size"). */
export const pointerBytes = 1024;

/** Names an LFS object: the SHA-256 of its content in lower-case hexadecimal digits, and its size in bytes. */
export interface LfsObject {
  readonly oid: string;
  readonly size: number;
}

export interface Pointer extends LfsObject {
  /** Keys and values of extensions, `ext-0-name` → `sha256:...`, sorted. They name what a filter of the user made of the content; the object moved is `oid`. */
  readonly extensions: readonly (readonly [string, string])[];
}

const currentVersion = 'https://git-lfs.github.com/spec/v1';
/** Written by releases before 1.0; git-lfs reads them still (its `v1Aliases`). */
const versions: ReadonlySet<string> = new Set([currentVersion, 'http://git-media.io/v/2', 'https://hawser.github.com/spec/v1']);
const beginning = 'version http';
const hash = /^sha256:([0-9a-f]{64})$/;
const extensionKey = /^ext-([0-9])-\w/;
const digits = /^\+?[0-9]{1,16}$/;
const space = /[\s\0]/;

/**
 * The pointer that a blob holds, or undefined if it is anything else. Takes what `git lfs pointer --check` takes, which is what its smudge filter replaces by
 * an object: also the old version URLs, empty lines, CRLF and a missing line end, none of which git-lfs writes.
 */
export function parsePointer(blob: Uint8Array): Pointer | undefined {
  if (blob.length >= pointerBytes) return undefined;
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.length);
  // Nearly every small file of a repository ends here.
  if (!bytes.includes(beginning)) return undefined;
  const text = trimmed(bytes.toString('utf8'));
  if (!text.startsWith(beginning)) return undefined;
  const extensions: (readonly [string, string])[] = [];
  const values: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    const at = line.indexOf(' ');
    const [key, value] = [line.slice(0, at), line.slice(at + 1)];
    if (at > 0 && key === keys[values.length]) values.push(value);
    else if (at > 0 && extensionKey.test(key)) extensions.push([key, value]);
    else return undefined;
  }
  const [version = '', oidText = '', sizeText = ''] = values;
  const oid = hash.exec(oidText)?.[1];
  const size = Number(sizeText);
  if (!versions.has(version) || oid === undefined || !digits.test(sizeText) || !Number.isSafeInteger(size)) return undefined;
  return areExtensions(extensions) ? { oid, size, extensions } : undefined;
}

/** By hand: a regular expression that looks for spaces at the end begins anew at each space, and a repository can hold millions of blobs of spaces. */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && space.test(text.charAt(start))) start++;
  while (end > start && space.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

/** What follows what; extensions may stand anywhere between. */
const keys: readonly string[] = ['version', 'oid', 'size'];

/** Each has a priority of its own and the hash of what it was given. */
function areExtensions(pairs: readonly (readonly [string, string])[]): boolean {
  const priorities = new Set(pairs.map(([key]) => extensionKey.exec(key)?.[1]));
  return priorities.size === pairs.length && pairs.every(([, value]) => hash.test(value));
}

/** The canonical text of a pointer. */
export function encodePointer({ oid, size, extensions }: Pointer): string {
  const lines = [`version ${currentVersion}`, ...extensions.map(([key, value]) => `${key} ${value}`), `oid sha256:${oid}`, `size ${size}`];
  return `${lines.join('\n')}\n`;
}
