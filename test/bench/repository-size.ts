/** The size of a repository's packs. */
import { git } from '../support/git.ts';

export async function repositoryBytes(path: string): Promise<number> {
  const kibibytes = /^size-pack: (\d+)$/m.exec(await git(path, ['count-objects', '-v']))?.[1];
  return Number(kibibytes) * 1024;
}
