/** The closed list of failures: what each one means, what to do about it, and what happens next. docs/errors.md is this table as text. */
import type { CatalogueEntry } from './catalogue-entry.ts';
import { credentialErrors } from './credential-errors.ts';
import { hostErrors } from './host-errors.ts';
import { lfsErrors } from './lfs-errors.ts';

const entries = {
  // What somebody typed
  invalid_arguments: {
    disposition: 'park',
    sentence: 'The arguments are not usable.',
    hint: 'See `npx gitferry --help` for the options and what they take.',
  },
  invalid_url: {
    disposition: 'park',
    sentence: 'The repository URL is not valid.',
    hint: 'Give a full URL such as https://host/group/repository.git or ssh://git@host/group/repository.git.',
  },
  scp_style_url: {
    disposition: 'park',
    sentence: 'SCP-style addresses are not supported.',
    hint: 'Use the ssh:// form: put ssh:// in front and a / instead of the : between host and path.',
  },
  unsupported_scheme: {
    disposition: 'park',
    sentence: 'Only https://, http:// and ssh:// repositories can be mirrored.',
    hint: 'Give the address at which the Git host serves the repository over HTTPS or SSH; files on this machine cannot be mirrored.',
  },
  invalid_regex: {
    disposition: 'park',
    sentence: 'The regular expression is not valid RE2.',
    hint: 'RE2 has no lookahead, lookbehind or backreferences; see https://github.com/google/re2/wiki/Syntax.',
  },
  regex_too_long: {
    disposition: 'park',
    sentence: 'The regular expression is longer than 255 characters.',
    hint: 'Shorten it, or protect the branches and mirror only protected branches.',
  },
  filter_too_costly: {
    disposition: 'park',
    sentence: 'Matching the filter of branches or tags takes too long.',
    hint: 'Write * or + instead of counted repetitions such as {1,1000}, begin the regular expression with ^, or protect fewer wildcards.',
  },
  filters_exclusive: {
    disposition: 'park',
    sentence: 'Only protected branches and a branch regex cannot be used together.',
    hint: 'Choose one of the two filters.',
  },
  same_repository: {
    disposition: 'park',
    sentence: 'Source and target are the same repository.',
    hint: 'Check both URLs; a repository cannot be a mirror of itself.',
  },

  ...hostErrors,

  ...credentialErrors,

  // The repositories
  object_format_mismatch: {
    disposition: 'park',
    sentence: 'Source and target use different object formats (SHA-1 and SHA-256).',
    hint: "Create the target with the source's object format (git init --object-format=...).",
  },
  source_shallow: {
    disposition: 'park',
    sentence: 'The source is a shallow repository: part of its history is missing.',
    hint: 'Complete it on its host (git fetch --unshallow), or mirror from the repository it was cloned from.',
  },
  source_empty: {
    disposition: 'partial',
    sentence: 'The source has no branches and no tags: there is nothing to mirror, and nothing was deleted.',
    hint: 'Push something to the source, or check that its URL is the right one.',
  },
  history_too_large: {
    disposition: 'partial',
    sentence: 'The history is too large to check here.',
    hint: 'The source server cannot answer history questions itself; allow filters there (git: uploadpack.allowFilter).',
  },
  pack_truncated: {
    disposition: 'retry',
    sentence: 'The source ended the pack too early.',
    hint: "Usually a cut connection; if it stays, look at the source host's logs.",
  },
  pack_corrupt: {
    disposition: 'retry',
    sentence: 'The pack from the source is damaged.',
    hint: 'Run git fsck on the source repository; a proxy in between may also damage data.',
  },
  source_damaged: {
    disposition: 'partial',
    sentence: 'The source cannot read objects that these refs need:',
    hint: "Run git fsck on the source repository: objects are missing or damaged there. The source's own words stand beside each ref.",
  },
  push_too_large: {
    disposition: 'partial',
    sentence: 'Some refs need a larger push than the target takes:',
    hint: 'Raise the limit at the target (nginx: client_max_body_size, git: receive.maxInputSize) or leave these refs out of the mirror. Others have moved.',
  },
  objects_refused: {
    disposition: 'partial',
    sentence: 'Some refs need objects that the target refuses:',
    hint: "The target's own words name the object. If git fsck complains about it: rewrite that commit at the source, or allow this kind of fault at the target (git: receive.fsck.<id>).",
  },
  target_locked: {
    disposition: 'retry',
    sentence: 'Some refs are locked at the target:',
    hint: 'Another program is at work there; it is tried again. If it stays, a .lock file was left behind: remove it when no git process runs in that repository.',
  },
  unpack_failed: {
    disposition: 'retry',
    sentence: 'The target could not store the pack.',
    hint: "The target's own words are in the message: often a full disk, or missing permissions in the repository's folder.",
  },
  report_missing: {
    disposition: 'retry',
    sentence: 'The target did not say what it did with the push.',
    hint: "The refs were read again to see what happened; if it stays, look at the target host's logs (a hook may have ended it).",
  },

  // Refs that did not move
  refs_diverged: {
    disposition: 'partial',
    sentence: 'Some refs have diverged and have not been updated on the remote:',
    hint: 'Bring the two sides together (merge, or reset the branch on the target), or let the mirror overwrite diverged refs.',
  },
  default_branch_diverged: {
    disposition: 'partial',
    sentence: 'The default branch has diverged from its upstream counterpart and could not be updated automatically.',
    hint: 'Merge the upstream branch by hand, or let the mirror overwrite diverged branches.',
  },
  refs_rejected: {
    disposition: 'partial',
    sentence: 'Some refs have been rejected by the remote:',
    hint: "The target's own words stand beside each ref: often a protected branch, a hook, or a missing permission.",
  },
  refs_raced: {
    disposition: 'partial',
    sentence: 'Some refs were moved by somebody else during the run:',
    hint: 'Nothing was overwritten; the next run looks at them again.',
  },

  ...lfsErrors,

  // The service itself
  invalid_settings: {
    disposition: 'park',
    sentence: 'The settings of this gitferry instance are not usable.',
    hint: 'See docs/configuration.md for each variable and what it takes.',
  },
  not_found: {
    disposition: 'park',
    sentence: 'There is no such project or mirror on this instance.',
    hint: 'Give the number of the project or its path (group/name), and the number of the push mirror or "pull".',
  },
  storage_unavailable: {
    disposition: 'retry',
    sentence: 'The table of this gitferry instance cannot be reached.',
    hint: 'DynamoDB may be throttling or down, or the function lacks permission; see the logs. Nothing that was accepted is lost.',
  },
  secrets_unavailable: {
    disposition: 'retry',
    sentence: 'The secret store of this gitferry instance cannot be reached.',
    hint: 'Secrets Manager may be throttling or down, or the function lacks permission; see the logs.',
  },
  secret_missing: {
    disposition: 'park',
    sentence: 'The stored credential does not exist any more.',
    hint: 'Set the credential of the mirror (or of its project) again, or choose another shared credential.',
  },
  credential_not_allowed: {
    disposition: 'park',
    sentence: 'The shared credential may not be used at this URL.',
    hint: 'An owner of the instance can add the URL, its group or its host to the allowed_urls of the credential; or use another credential.',
  },
  memory_short: {
    disposition: 'retry',
    sentence: 'The ref lists of other runs leave no room for those of this one.',
    hint: 'It is tried again by itself. If that happens often, give the worker more memory (workerMemory; with `npm start`, --max-old-space-size in NODE_OPTIONS).',
  },
  silent_mode: {
    disposition: 'retry',
    sentence: 'The run was ended because silent mode was switched on.',
    hint: 'It runs by itself when silent mode is switched off.',
  },
  internal_error: {
    disposition: 'retry',
    sentence: 'gitferry itself failed.',
    hint: 'This is a defect in gitferry; please report it with the message.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof entries;

export const errorCatalogue: Readonly<Record<ErrorCode, CatalogueEntry>> = entries;
