/** A mirror's form: its values, as stored and as sent, and the parameters of the API that they stand for. */
import { createHash } from 'node:crypto';
import type { Mirror } from '../model/mirror.ts';
import { type AddressValues, addressFields, addressInput, addressValues, type CredentialOption, newAddress } from './address-form.ts';
import type { Form } from './read-form.ts';

export interface RuleValues {
  readonly branches: 'all' | 'protected' | 'regex';
  readonly branchRegex: string;
  readonly tags: 'all' | 'none' | 'regex';
  readonly tagRegex: string;
  /** Push only. */
  readonly keepsDivergent: boolean;
  /** Push only. */
  readonly deletesAmbiguous: boolean;
  /** Pull only. */
  readonly overwritesDiverged: boolean;
  readonly lfs: 'auto' | 'on' | 'off';
  readonly lfsUrl: string;
}

export interface MirrorValues {
  readonly direction: 'push' | 'pull';
  readonly address: AddressValues;
  readonly rules: RuleValues;
  readonly enabled: boolean;
  /** Of the settings that the form was made from; `` for a new mirror. */
  readonly version: string;
}

/** What the API names its faults by. */
export const mirrorFields = ['url', ...addressFields, 'mirror_branch_regex', 'mirror_tags', 'lfs', 'lfs_url'] as const;

const newRules: RuleValues = {
  branches: 'all',
  branchRegex: '',
  tags: 'all',
  tagRegex: '',
  keepsDivergent: false,
  deletesAmbiguous: false,
  overwritesDiverged: false,
  lfs: 'auto',
  lfsUrl: '',
};

export function newMirror(direction: 'push' | 'pull'): MirrorValues {
  return { direction, address: newAddress, rules: newRules, enabled: true, version: '' };
}

export function storedMirrorValues(mirror: Mirror): MirrorValues {
  const { mirrorTags, mirrorBranchRegex } = mirror;
  const tags = mirrorTags === 'all' || mirrorTags === 'none' ? mirrorTags : 'regex';
  return {
    direction: mirror.direction,
    address: {
      ...newAddress,
      url: mirror.url,
      way: 'keep',
      credentialId: mirror.credential?.kind === 'shared' ? String(mirror.credential.credentialId) : '',
      hostKeys: mirror.hostKeys.join('\n'),
    },
    rules: {
      branches: mirror.onlyProtectedBranches ? 'protected' : mirrorBranchRegex === null ? 'all' : 'regex',
      branchRegex: mirrorBranchRegex ?? '',
      tags,
      tagRegex: tags === 'regex' ? mirrorTags : '',
      keepsDivergent: mirror.keepDivergentRefs,
      deletesAmbiguous: mirror.deleteAmbiguousRefs,
      overwritesDiverged: mirror.mirrorOverwritesDivergedBranches,
      lfs: mirror.lfs,
      lfsUrl: mirror.lfsUrl ?? '',
    },
    enabled: mirror.enabled,
    version: settingsVersion(mirror),
  };
}

export function mirrorValues(form: Form): MirrorValues {
  return {
    direction: form.text('direction') === 'pull' ? 'pull' : 'push',
    address: addressValues(form, 'url'),
    rules: {
      branches: oneOf(form.text('branches'), ['all', 'protected', 'regex']),
      branchRegex: form.text('mirror_branch_regex'),
      tags: oneOf(form.text('tags'), ['all', 'none', 'regex']),
      tagRegex: form.text('mirror_tags'),
      keepsDivergent: form.isOn('keep_divergent_refs'),
      deletesAmbiguous: form.isOn('delete_ambiguous_refs'),
      overwritesDiverged: form.isOn('mirror_overwrites_diverged_branches'),
      lfs: oneOf(form.text('lfs'), ['auto', 'on', 'off']),
      lfsUrl: form.text('lfs_url'),
    },
    enabled: form.isOn('enabled'),
    version: form.text('version'),
  };
}

/** As POST and PUT of mirrors take it, for both directions. */
export function mirrorInput(
  form: Form,
  { isNew, credentials }: { readonly isNew: boolean; readonly credentials: readonly CredentialOption[] },
): Record<string, unknown> {
  const { direction, rules, enabled } = mirrorValues(form);
  return {
    ...addressInput(form, 'url', { isNew, credentials }),
    enabled,
    only_protected_branches: rules.branches === 'protected',
    // An empty regex would match everything, which is another choice of the form.
    mirror_branch_regex: rules.branches === 'regex' ? rules.branchRegex || emptyRegex : null,
    mirror_tags: rules.tags === 'regex' ? rules.tagRegex : rules.tags,
    ...(direction === 'push'
      ? { keep_divergent_refs: rules.keepsDivergent, delete_ambiguous_refs: rules.deletesAmbiguous }
      : { mirror_overwrites_diverged_branches: rules.overwritesDiverged }),
    lfs: rules.lfs,
    lfs_url: rules.lfsUrl === '' ? null : rules.lfsUrl,
  };
}

/** Matches names of no characters: none. */
const emptyRegex = '^$';

/** Changes with every setting, so that a form which was made from other settings can be told. */
export function settingsVersion(mirror: Mirror): string {
  const { url, authMethod, credential, hostKeys, publicKey, enabled, lfs, lfsUrl } = mirror;
  const { onlyProtectedBranches, mirrorBranchRegex, keepDivergentRefs, mirrorOverwritesDivergedBranches, mirrorTags, deleteAmbiguousRefs } =
    mirror;
  const settings = [
    [url, authMethod, credential, hostKeys, publicKey, enabled, lfs, lfsUrl],
    [onlyProtectedBranches, mirrorBranchRegex, keepDivergentRefs, mirrorOverwritesDivergedBranches, mirrorTags, deleteAmbiguousRefs],
  ];
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64url').slice(0, 16);
}

function oneOf<const T extends string>(text: string, known: readonly [T, ...T[]]): T {
  return known.find((value) => value === text) ?? known[0];
}
