/** The rules of a mirror (behaviour.md §2): plain data, and their compiled form with RE2 and wildcard matching. */
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';

export interface MirrorRules {
  readonly onlyProtectedBranches: boolean;
  /** Names or patterns: `*` matches any characters, `/` too; all else is literal. */
  readonly protectedBranches: readonly string[];
  /** RE2, unanchored, on the short branch name. Excludes `onlyProtectedBranches`. */
  readonly branchRegex?: string;
  /** `all`, `none`, or an RE2 on the short tag name. */
  readonly tags: 'all' | 'none' | { readonly regex: string };
  /** Push: leave diverged refs alone and delete nothing. */
  readonly keepDivergentRefs: boolean;
  /** Pull: set diverged branches and changed tags to upstream's value. */
  readonly overwriteDivergedBranches: boolean;
  /** Push: whether refs that only the target has may be deleted at all. */
  readonly deletions: boolean;
  /** Lets deletions pass that the deletion guard would hold back. */
  readonly confirmDeletions: boolean;
  readonly maxDeletionsPercent: number;
}

export const defaultRules: MirrorRules = {
  onlyProtectedBranches: false,
  protectedBranches: [],
  tags: 'all',
  keepDivergentRefs: false,
  overwriteDivergedBranches: false,
  deletions: true,
  confirmDeletions: false,
  maxDeletionsPercent: limits.maxDeletionsPercent,
};

export interface CompiledRules extends MirrorRules {
  /** By short name. */
  branchMatches(name: string): boolean;
  tagMatches(name: string): boolean;
  /** What the branch filter is, for messages; undefined if there is none. */
  readonly branchFilter: string | undefined;
}

/** Checks and compiles. Throws `filters_exclusive`, `regex_too_long`, `invalid_regex` (with the part that RE2 cannot read). */
export async function compileRules(rules: MirrorRules): Promise<CompiledRules> {
  const { onlyProtectedBranches, protectedBranches, branchRegex, tags } = rules;
  if (onlyProtectedBranches && branchRegex !== undefined) throw new GitferryError('filters_exclusive');
  const branchPattern = branchRegex === undefined ? undefined : await compileRegex(branchRegex, 'mirror_branch_regex');
  const tagPattern = typeof tags === 'string' ? undefined : await compileRegex(tags.regex, 'mirror_tags');
  const patterns = protectedBranches.map((pattern) => pattern.split('*'));
  return {
    ...rules,
    branchMatches(name) {
      if (onlyProtectedBranches) return patterns.some((parts) => matchesWildcard(parts, name));
      return branchPattern?.(name) ?? true;
    },
    tagMatches: (name) => tags !== 'none' && (tagPattern?.(name) ?? true),
    branchFilter: onlyProtectedBranches ? 'the list of protected branches' : branchRegex === undefined ? undefined : 'the branch regex',
  };
}

async function compileRegex(pattern: string, field: string): Promise<(name: string) => boolean> {
  if ([...pattern].length > limits.regexCharacters)
    throw new GitferryError('regex_too_long', { detail: `${field} has ${[...pattern].length}.` });
  // Loaded only for mirrors with a regex: the native module takes longer to load than all else.
  const { default: RE2 } = await import('re2');
  try {
    const compiled = new RE2(pattern, 'u');
    return (name) => compiled.test(name);
  } catch (cause) {
    throw new GitferryError('invalid_regex', { detail: `${field}: ${(cause as Error).message}.`, cause });
  }
}

/** Whether a name fits a pattern that was split at its stars. Takes linear time. */
function matchesWildcard(parts: readonly string[], name: string): boolean {
  const [first = '', ...others] = parts;
  const last = others.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of others) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}
