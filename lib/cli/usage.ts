/** What `gitferry --help` prints. */
export const usage = `gitferry - mirrors Git repositories by relaying packs from one server into another

Usage:
  gitferry sync SOURCE TARGET [options]    one run between two repositories
  gitferry --help | --version

SOURCE and TARGET are https:// or http:// URLs. Passwords: in the URL, or in
GITFERRY_SOURCE_PASSWORD and GITFERRY_TARGET_PASSWORD. GITFERRY_ALLOW_ADDRESSES:
address ranges to allow, separated by commas.

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
  --lfs auto|on|off              LFS objects (this version moves none)
  --dry-run                      show the plan, write nothing
  --allow-address CIDR           allow a private address range (repeatable)
  --timeout SECONDS              for the whole run (default 3600)
  --json                         one JSON document on standard output

Exit status: 0 success, 1 failed, 2 wrong usage, 3 partial.
`;
