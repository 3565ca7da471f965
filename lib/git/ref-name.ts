/** Which ref names git accepts, and how they are shortened. */
import { limits } from '../core/limits.ts';

export const branchPrefix = 'refs/heads/';
export const tagPrefix = 'refs/tags/';

// biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids exactly these, git-check-ref-format(1)
const forbidden = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$|\.lock(\/|$)|(^|\/)\./;

/** What is wrong with a full ref name (`refs/...`) by the rules of git-check-ref-format(1), or undefined if git accepts it. */
export function refNameFault(name: string): string | undefined {
  if (Buffer.byteLength(name) > limits.refNameBytes) return `the name is longer than ${limits.refNameBytes} bytes`;
  if (name.includes('\ufffd')) return 'the name is not UTF-8';
  if (forbidden.test(name) || name === '@' || !name.startsWith('refs/')) return 'git does not accept this ref name';
  return undefined;
}

/** `refs/heads/main` → `main`, `refs/tags/v1` → `v1`; other names stay. */
export function shortRefName(name: string): string {
  if (name.startsWith(branchPrefix)) return name.slice(branchPrefix.length);
  if (name.startsWith(tagPrefix)) return name.slice(tagPrefix.length);
  return name;
}

export function isBranch(name: string): boolean {
  return name.startsWith(branchPrefix);
}

export function isTag(name: string): boolean {
  return name.startsWith(tagPrefix);
}

/** `refs/heads/a/b` → `refs/heads/a`, `refs/heads`, `refs`: names that cannot exist beside it. */
export function foldersOf(ref: string): string[] {
  const folders: string[] = [];
  for (let at = ref.lastIndexOf('/'); at > 0; at = ref.lastIndexOf('/', at - 1)) folders.push(ref.slice(0, at));
  return folders;
}
