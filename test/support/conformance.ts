/** The conformance cases (test/data/refs.json) and how they are set up as real repositories and given as options. */
import { readFileSync } from 'node:fs';
import type { ObjectSpec, RepositorySpec } from './repository.ts';

export interface ConformanceCase {
  readonly name: string;
  readonly direction: 'push' | 'pull';
  readonly source: RepositorySpec;
  readonly target: RepositorySpec;
  readonly parents: Readonly<Record<string, readonly string[]>>;
  readonly objects?: Readonly<Record<string, ObjectSpec>>;
  readonly rules: {
    readonly only_protected_branches?: boolean;
    readonly protected_branches?: readonly string[];
    readonly mirror_branch_regex?: string;
    readonly keep_divergent_refs?: boolean;
    readonly mirror_overwrites_diverged_branches?: boolean;
  };
  readonly after: Readonly<Record<string, string>>;
  readonly diverged: readonly string[];
}

export const conformanceCases = JSON.parse(
  readFileSync(new URL('../data/refs.json', import.meta.url), 'utf8'),
) as readonly ConformanceCase[];

/** A case's direction and rules as options of `gitferry sync`. */
export function optionsOf({ direction, rules }: ConformanceCase): string[] {
  const options = ['--direction', direction];
  if (rules.only_protected_branches === true) options.push('--only-protected-branches');
  for (const pattern of rules.protected_branches ?? []) options.push('--protected-branch', pattern);
  if (rules.mirror_branch_regex !== undefined) options.push('--branch-regex', rules.mirror_branch_regex);
  if (rules.keep_divergent_refs === true) options.push('--keep-divergent-refs');
  if (rules.mirror_overwrites_diverged_branches === true) options.push('--overwrite-diverged-branches');
  return options;
}
