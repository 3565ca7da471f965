/** Form fields for what a mirror moves. */
import type { Faults } from '../faults.ts';
import type { MirrorValues } from '../mirror-values.ts';
import { shownUrl } from '../shown-url.ts';
import { CheckField, RadioField, SelectField, TextField } from './form-field.tsx';

interface Props {
  readonly values: MirrorValues;
  readonly faults: Faults;
  readonly protectedBranches: number;
}

export function RuleFields({ values: { direction, rules }, faults, protectedBranches }: Props) {
  const fault = (name: string) => faults.fields[name];
  return (
    <>
      <RadioField
        name="branches"
        label="Branches"
        value={rules.branches}
        options={[
          { value: 'all', label: 'All branches' },
          {
            value: 'protected',
            label: 'Only protected branches',
            hint: protectedBranches === 0 ? 'The project has none yet, so no branch would move.' : `The project has ${protectedBranches}.`,
          },
          { value: 'regex', label: 'Branches that match a regular expression' },
        ]}
      />
      <div class="for-choice for-branches-regex">
        <TextField
          name="mirror_branch_regex"
          label="Regular expression for branches"
          value={rules.branchRegex}
          code
          fault={fault('mirror_branch_regex')}
          placeholder="^(main|release/.*)$"
          hint="RE2, at most 255 characters, not anchored: main also matches maintenance."
        />
      </div>
      <RadioField
        name="tags"
        label="Tags"
        value={rules.tags}
        options={[
          { value: 'all', label: 'All tags' },
          { value: 'none', label: 'No tags' },
          { value: 'regex', label: 'Tags that match a regular expression' },
        ]}
      />
      <div class="for-choice for-tags-regex">
        <TextField
          name="mirror_tags"
          label="Regular expression for tags"
          value={rules.tagRegex}
          code
          fault={fault('mirror_tags')}
          placeholder="^v\d+"
        />
      </div>
      {direction === 'push' ? (
        <>
          <CheckField
            name="keep_divergent_refs"
            label="Keep divergent refs"
            checked={rules.keepsDivergent}
            hint="Branches and tags that were changed at the target are left alone and reported, and nothing is deleted there. Otherwise the target is made to look like the project."
          />
          <details class="more" open={rules.deletesAmbiguous}>
            <summary>Targets with protocol v0 only, such as Gogs</summary>
            <CheckField
              name="delete_ambiguous_refs"
              label="Delete refs even where another ref has the same value"
              checked={rules.deletesAmbiguous}
              hint="Such a target does not say which refs are symbolic, and deleting a symbolic ref deletes the branch that it names. Switch this on if it has no symbolic refs beside HEAD."
            />
          </details>
        </>
      ) : (
        <CheckField
          name="mirror_overwrites_diverged_branches"
          label="Overwrite diverged branches"
          checked={rules.overwritesDiverged}
          hint="Branches and tags that were changed here are set to the upstream’s value: commits that only the project has are lost from them. Otherwise they are left alone and reported."
        />
      )}
      <details
        class="more"
        open={rules.lfs !== 'auto' || rules.lfsUrl !== '' || fault('lfs') !== undefined || fault('lfs_url') !== undefined}
      >
        <summary>Git LFS</summary>
        <SelectField
          name="lfs"
          label="LFS objects"
          value={rules.lfs}
          fault={fault('lfs')}
          options={[
            { value: 'auto', label: 'Automatic: where the repository uses LFS' },
            { value: 'on', label: 'On: look at everything' },
            { value: 'off', label: 'Off: move pointers only' },
          ]}
        />
        <TextField
          name="lfs_url"
          label="LFS server of the mirror"
          value={shownUrl(rules.lfsUrl)}
          code
          fault={fault('lfs_url')}
          hint="Only where it is not at the repository’s URL with /info/lfs."
        />
      </details>
    </>
  );
}
