/** The rules of a mirror (docs/behaviour.md): plain data, and their compiled form with RE2 and wildcard matching. */
import { setImmediate } from 'node:timers/promises';
import { GitferryError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { branchPrefix, isBranch, isTag, tagPrefix } from '../git/ref-name.ts';
import { NameFilter } from './name-filter.ts';
import { regexSize } from './regex-size.ts';

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
  /** Push, to a target that lists no symbolic refs (protocol v0): delete refs all the same whose value another ref has. One may be a symbolic ref; git then deletes what it names. */
  readonly deleteAmbiguousRefs: boolean;
  /** Lets deletions pass that the deletion guard would hold back. */
  readonly confirmDeletions: boolean;
  readonly maxDeletionsPercent: number;
  /** Deletions of the last 24 hours, and how many matching refs the target had before them; absent = none. */
  readonly earlierDeletions?: { readonly count: number; readonly of: number } | undefined;
}

export const defaultRules: MirrorRules = {
  onlyProtectedBranches: false,
  protectedBranches: [],
  tags: 'all',
  keepDivergentRefs: false,
  overwriteDivergedBranches: false,
  deletions: true,
  deleteAmbiguousRefs: false,
  confirmDeletions: false,
  maxDeletionsPercent: limits.maxDeletionsPercent,
};

export interface CompiledRules extends MirrorRules {
  /** By short name. Of many names only after `prepare`. */
  branchMatches(name: string): boolean;
  tagMatches(name: string): boolean;
  /** Matches these refs (full names) in short turns, so that nobody waits for all of them. Throws `filter_too_costly`. */
  prepare(refs: Iterable<string>): Promise<void>;
  /** Whether any of these refs (full names of branches and tags) is let pass. Throws `filter_too_costly` after `budgetMs` of work. */
  matchesAny(refs: readonly string[], budgetMs: number): Promise<boolean>;
  /** What the branch filter is, for messages; undefined if there is none. */
  readonly branchFilter: string | undefined;
}

/**
 * Checks and compiles. Throws `filters_exclusive`, `regex_too_long`, `invalid_regex` (with the part that RE2 cannot read), `filter_too_costly` (with the
 * part that repeats too much).
 */
export async function compileRules(rules: MirrorRules): Promise<CompiledRules> {
  const { onlyProtectedBranches, protectedBranches, branchRegex, tags } = rules;
  if (onlyProtectedBranches && branchRegex !== undefined) throw new GitferryError('filters_exclusive');
  const branches = onlyProtectedBranches
    ? new NameFilter('the list of protected branches', matchesList(protectedBranches))
    : branchRegex === undefined
      ? undefined
      : new NameFilter('mirror_branch_regex', await compileRegex(branchRegex, 'mirror_branch_regex'));
  const tagFilter = typeof tags === 'string' ? undefined : new NameFilter('mirror_tags', await compileRegex(tags.regex, 'mirror_tags'));
  const filters = [
    { prefix: branchPrefix, filter: branches },
    { prefix: tagPrefix, filter: tagFilter },
  ];
  return {
    ...rules,
    branchMatches: (name) => branches?.matches(name) ?? true,
    tagMatches: (name) => tags !== 'none' && (tagFilter?.matches(name) ?? true),
    async prepare(refs) {
      for (const { prefix, filter } of filters) await filter?.prepare(shortNames(refs, prefix));
    },
    async matchesAny(refs, budgetMs) {
      const hasTags = refs.some(isTag);
      if (hasTags && tags !== 'none' && (tagFilter === undefined || (await tagFilter.matchesAny(shortNames(refs, tagPrefix), budgetMs))))
        return true;
      if (!refs.some(isBranch)) return false;
      return branches === undefined || branches.matchesAny(shortNames(refs, branchPrefix), budgetMs);
    },
    branchFilter: onlyProtectedBranches ? 'the list of protected branches' : branchRegex === undefined ? undefined : 'the branch regex',
  };
}

function* shortNames(refs: Iterable<string>, prefix: string): Iterable<string> {
  for (const ref of refs) if (ref.startsWith(prefix)) yield ref.slice(prefix.length);
}

async function compileRegex(pattern: string, field: string): Promise<(name: string) => boolean> {
  if ([...pattern].length > limits.regexCharacters)
    throw new GitferryError('regex_too_long', { detail: `${field} has ${[...pattern].length}.` });
  const { size, part } = regexSize(pattern, limits.regexSize);
  if (size > limits.regexSize) {
    const what = part === undefined ? '' : `, most of it by ${part}`;
    throw new GitferryError('filter_too_costly', {
      detail: `${field} has ${size} steps with its repetitions written out${what}; ${limits.regexSize} are taken.`,
    });
  }
  // Loaded only for mirrors with a regex: the native module takes longer to load than all else.
  const { default: RE2 } = await import('re2');
  // A regex may take 50 ms, and a mirror can have two.
  await setImmediate();
  try {
    const compiled = new RE2(pattern, 'u');
    return (name) => compiled.test(name);
  } catch (cause) {
    throw new GitferryError('invalid_regex', { detail: `${field}: ${(cause as Error).message}.`, cause });
  }
}

/** Names without a star are looked up, the others tried one by one. */
function matchesList(protectedBranches: readonly string[]): (name: string) => boolean {
  const exact = new Set(protectedBranches.filter((pattern) => !pattern.includes('*')));
  const patterns = protectedBranches.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'));
  return (name) => exact.has(name) || patterns.some((parts) => matchesWildcard(parts, name));
}

/** Whether a name fits a pattern that was split at its stars. Takes linear time. */
function matchesWildcard(parts: readonly string[], name: string): boolean {
  const [first = '', ...others] = parts;
  const last = others.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of others) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}
