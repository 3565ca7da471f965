/** What `gitferry --help` prints. */
export const usage = `gitferry - mirrors Git repositories by relaying packs from one server into another

Usage:
  gitferry sync SOURCE TARGET [options]    one run between two repositories
  gitferry host-keys HOST[:PORT]           the keys that an SSH server offers, with
                                           their fingerprints, as a known_hosts file
  gitferry --help | --version

SOURCE and TARGET are https://, http:// or ssh:// URLs. Passwords: in the URL, or
in GITFERRY_SOURCE_PASSWORD and GITFERRY_TARGET_PASSWORD.
GITFERRY_ALLOW_ADDRESSES: address ranges to allow, separated by commas.

Options of sync:
  --direction push|pull          whose rules apply: push (default) makes TARGET
                                 follow SOURCE; pull never deletes and leaves
                                 diverged branches alone
  --only-protected-branches      mirror only the branches named by
  --protected-branch PATTERN     (repeatable; * matches any characters)
  --branch-regex RE2             mirror only branches that match
  --tags all|none|RE2            which tags to mirror (default all)
  --keep-divergent-refs          push: leave diverged refs alone, delete nothing
  --overwrite-diverged-branches  pull: set diverged branches to SOURCE's value
  --no-delete                    push: delete nothing
  --confirm-deletions            let the deletion guard pass
  --delete-ambiguous-refs        push, to a target with protocol v0: delete refs
                                 even where another ref has the same value; one
                                 of them may be a symbolic ref
  --lfs auto|on|off              LFS objects: auto (default) moves those that new
                                 commits need, on looks at all commits
  --source-lfs-url URL           the LFS server of SOURCE, where it is not at
  --target-lfs-url URL           its usual place; the same for TARGET
  --dry-run                      show the plan, write nothing
  --source-ssh-key FILE          private key for an ssh:// SOURCE
  --target-ssh-key FILE          private key for an ssh:// TARGET
  --known-hosts FILE             keys of the ssh:// hosts; without one that fits,
                                 nothing is connected to (see host-keys)
  --allow-address CIDR           allow a private address range (repeatable)
  --timeout SECONDS              for the whole run (default 3600)
  --json                         one JSON document on standard output

Options of host-keys: --allow-address, --timeout (default 25), --json.

Exit status: 0 success, 1 failed, 2 wrong usage, 3 partial.
`;
