/** What must be true of a target: every ref old or new at any time, in the end what the source has, and a sound repository. */
import { git, refsOf } from '../support/git.ts';

type Refs = Readonly<Record<string, string>>;

/** Empty = all is well. */
export async function brokenRefs(target: string, before: Refs, wanted: Refs): Promise<readonly string[]> {
  const now = await refsOf(target);
  const names = new Set([...Object.keys(before), ...Object.keys(wanted), ...Object.keys(now)]);
  return [...names]
    .filter((name) => now[name] !== before[name] && now[name] !== wanted[name])
    .map((name) => `${name} is neither old nor new: ${now[name]}`);
}

export async function missingRefs(target: string, wanted: Refs): Promise<readonly string[]> {
  const now = await refsOf(target);
  const names = new Set([...Object.keys(wanted), ...Object.keys(now)]);
  return [...names]
    .filter((name) => now[name] !== wanted[name])
    .map((name) => `${name} is ${now[name] ?? 'missing'}, not ${wanted[name] ?? 'gone'}`);
}

export async function unsound(repository: string): Promise<readonly string[]> {
  const found = await git(repository, ['fsck', '--strict', '--no-dangling']).catch((error: Error) => error.message);
  return found === '' ? [] : [`fsck: ${found.slice(0, 300)}`];
}
