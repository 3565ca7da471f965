/** What a mirror moves, as a call gives it: checked, and put together with what is stored. */
import type { z } from 'zod';
import { GitferryError } from '../../core/errors.ts';
import { parseLfsUrl } from '../../git/transport/lfs-url.ts';
import { compileRules, defaultRules } from '../../mirror/rules.ts';
import type { MirrorSettings } from '../../model/mirror.ts';
import type { AddressGuard } from '../../net/address-guard.ts';
import { ApiError, invalidField, invalidFieldOf } from '../http/api-error.ts';
import { choice, flag, text } from '../http/fields.ts';

/** Longer than any regex that is taken, so that the engine's own limit is what people read about. */
const regexField = () => text(2048);

export const ruleFields = {
  enabled: flag().optional(),
  only_protected_branches: flag().optional(),
  mirror_branch_regex: regexField().nullable().optional().meta({ description: 'RE2; excludes only_protected_branches' }),
  mirror_tags: regexField().optional().meta({ description: '`all`, `none` or an RE2' }),
  lfs: choice(['auto', 'on', 'off']).optional(),
  lfs_url: text(2048).nullable().optional().meta({ description: "The mirror's LFS server, where it is not at <url>.git/info/lfs" }),
} as const;

/** What only push mirrors have. */
export const pushRuleFields = {
  keep_divergent_refs: flag().optional(),
  delete_ambiguous_refs: flag().optional().meta({
    description:
      'Targets with protocol v0 only (Gogs): delete refs even where another ref has the same value; one of them may be a symbolic ref',
  }),
} as const;

export type Rules = Pick<
  MirrorSettings,
  | 'enabled'
  | 'onlyProtectedBranches'
  | 'mirrorBranchRegex'
  | 'keepDivergentRefs'
  | 'deleteAmbiguousRefs'
  | 'mirrorOverwritesDivergedBranches'
  | 'mirrorTags'
  | 'lfs'
  | 'lfsUrl'
>;

/** undefined = not given. */
export type GivenRules = { readonly [Name in keyof Rules]?: Rules[Name] | undefined };

/** Of a mirror that says nothing about them. */
export const initialRules: Rules = {
  enabled: true,
  onlyProtectedBranches: false,
  mirrorBranchRegex: null,
  keepDivergentRefs: false,
  deleteAmbiguousRefs: false,
  mirrorOverwritesDivergedBranches: false,
  mirrorTags: 'all',
  lfs: 'auto',
  lfsUrl: null,
};

export function givenRules(input: z.output<z.ZodObject<typeof ruleFields>>): GivenRules {
  return {
    enabled: input.enabled,
    onlyProtectedBranches: input.only_protected_branches,
    // An empty field of a form is no regex.
    mirrorBranchRegex: input.mirror_branch_regex === '' ? null : input.mirror_branch_regex,
    mirrorTags: input.mirror_tags,
    lfs: input.lfs,
    // An empty field of a form is none.
    lfsUrl: input.lfs_url === '' ? null : input.lfs_url,
  };
}

export function givenPushRules(input: z.output<z.ZodObject<typeof pushRuleFields>>): GivenRules {
  return { keepDivergentRefs: input.keep_divergent_refs, deleteAmbiguousRefs: input.delete_ambiguous_refs };
}

/** Refuses with 400: both filters (a stored one counts), a regex that RE2 does not take. */
export async function resolveRules(given: GivenRules, guard: AddressGuard, stored: Rules = initialRules): Promise<Rules> {
  const rules: Rules = {
    enabled: given.enabled ?? stored.enabled,
    onlyProtectedBranches: given.onlyProtectedBranches ?? stored.onlyProtectedBranches,
    mirrorBranchRegex: given.mirrorBranchRegex === undefined ? stored.mirrorBranchRegex : given.mirrorBranchRegex,
    keepDivergentRefs: given.keepDivergentRefs ?? stored.keepDivergentRefs,
    deleteAmbiguousRefs: given.deleteAmbiguousRefs ?? stored.deleteAmbiguousRefs,
    mirrorOverwritesDivergedBranches: given.mirrorOverwritesDivergedBranches ?? stored.mirrorOverwritesDivergedBranches,
    mirrorTags: given.mirrorTags ?? stored.mirrorTags,
    lfs: given.lfs ?? stored.lfs,
    lfsUrl: given.lfsUrl === undefined ? stored.lfsUrl : checkLfsUrl(given.lfsUrl, guard),
  };
  if (rules.onlyProtectedBranches && rules.mirrorBranchRegex !== null) {
    const { code, hint } = new GitferryError('filters_exclusive');
    throw new ApiError(400, { as: 'error', message: 'only_protected_branches, mirror_branch_regex are mutually exclusive', code, hint });
  }
  if (given.mirrorBranchRegex) await checkRegex('mirror_branch_regex', { branchRegex: given.mirrorBranchRegex });
  if (given.mirrorTags === '') throw invalidField('mirror_tags', 'is empty: give all, none or a regular expression');
  if (given.mirrorTags !== undefined && !['all', 'none'].includes(given.mirrorTags))
    await checkRegex('mirror_tags', { tags: { regex: given.mirrorTags } });
  return rules;
}

async function checkRegex(field: string, rules: Pick<Partial<typeof defaultRules>, 'branchRegex' | 'tags'>): Promise<void> {
  try {
    await compileRules({ ...defaultRules, ...rules });
  } catch (error) {
    throw invalidFieldOf(field, error);
  }
}

/** As it is stored. Names are checked when they are resolved, at every run. */
function checkLfsUrl(typed: string | null, guard: AddressGuard): string | null {
  if (typed === null) return null;
  try {
    const { host, href } = parseLfsUrl(typed, 'lfs_url');
    guard.checkLiteral(host);
    return href;
  } catch (error) {
    throw invalidFieldOf('lfs_url', error);
  }
}
