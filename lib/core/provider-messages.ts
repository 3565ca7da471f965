/** What well-known hosts say when they refuse something, and what to do about it. These texts refine hints only; no decision is made by them. */
import type { ErrorCode } from './error-catalogue.ts';
import { ownWords } from './own-words.ts';

const hostHints = {
  codeCommit:
    'CodeCommit wants the HTTPS Git credentials of the IAM user (Security credentials tab), not the AWS access keys; over SSH the username is the SSH key id. With auth_method aws_iam the role needs codecommit:GitPull and, for a target, codecommit:GitPush on this repository, and the clock here must be right.',
  bitbucketUser:
    'Bitbucket Cloud takes tokens with a fixed user name: x-bitbucket-api-token-auth for an API token (ATATT...), x-token-auth for an access token of a repository, project or workspace (ATCTT...). App passwords ended in June 2026. On Bitbucket Data Center give the user name too.',
  gogsUser: 'Gogs takes a token as the user name: put it there and leave the password empty.',
} as const;

interface ProviderMessage {
  readonly pattern: RegExp;
  readonly hint: string;
}

/** The first that fits counts: those that say more stand before those that say less. */
const providerMessages: readonly ProviderMessage[] = [
  // The commits
  {
    pattern: /GH007|RST_STREAM|private email address/i,
    hint: 'GitHub blocks commits that show a private e-mail address. In the e-mail settings of the GitHub account that owns the token, switch off "Block command line pushes that expose my email", or rewrite the commits.',
  },
  {
    pattern:
      /push cannot contain secrets|github push protection|PUSH BLOCKED: Secrets detected|VS403654|contains? (one or more|\d+) secrets?\b/i,
    hint: 'The target found a password or token in the commits. Revoke it, and remove it from the history at the source; where it is no secret, allow it at the target (GitHub: by the link in the message).',
  },
  {
    pattern: /workflows?\W+(scope|permission)|create or update workflow/i,
    hint: 'The token may not change .github/workflows. Give the GitHub token the Workflows permission (read and write), or the workflow scope of a classic token.',
  },
  {
    pattern:
      /does not follow the (pattern|format)|is not a (GitLab user|member of (the )?team)|cannot be found in GitLab|commit author '|committer email|reject unsigned commits|commits? must be signed|must have verified signatures/i,
    hint: 'A push rule of the target refuses commits like these (author, e-mail, message or signature; the message says which). Switch the rule off for the mirrored repository, or let the account that mirrors pass it.',
  },
  {
    pattern:
      /GH001|file size limit|larger than .{0,40}(MB|MiB|GB)|exceeds .{0,60}(file|blob).{0,20}limit|object exceeds maximum allowed size/i,
    hint: "A file is over the target host's size limit. Move it to Git LFS on the source, or raise the limit on the target.",
  },
  {
    pattern: /GH008|LFS objects? (are|is) missing|missing LFS objects?/i,
    hint: 'The target refuses commits whose LFS objects it does not have. Copy the objects first (git lfs push --all), or switch LFS off on the target.',
  },

  // How much
  {
    pattern: /LFS budget|over its data quota|LFS (bandwidth|storage) (quota|limit)/i,
    hint: "The LFS storage or bandwidth of the repository's owner is used up. Raise the LFS budget (GitHub: Billing and licensing), wait for the next month, or set lfs to off.",
  },
  {
    pattern: /pack exceeds maximum allowed size|pack is larger than the maximum|TF402462|push was rejected because its size is greater/i,
    hint: 'The push is larger than the host takes at once (GitHub: 2 GiB, Bitbucket: 3.5 GB, Azure DevOps: 5 GB; git: receive.maxInputSize). Raise the limit where you can, or mirror fewer branches first (--branch-regex, or the filter of the mirror).',
  },
  {
    pattern: /maximum ref updates exceeded|too many ref(erence)? update|update more than \d+ (branches|tags|refs)/i,
    hint: 'The host takes fewer branches and tags in one push. Raise the limit in its push policy (GitHub: Settings, General, Pushes), or mirror fewer at once (--branch-regex, or the filter of the mirror).',
  },
  {
    pattern:
      /exceeded (its|the) (size limit|allocated storage|storage limit)|quota (is |was |has been )?exceeded|over its size limit|storage limit .{0,40}reached|exceed(s|ed) .{0,30}(repository|storage) (size|limit|quota)/i,
    hint: 'The storage of the repository or its owner is used up at the target. Raise the limit or quota there, or remove what is not needed.',
  },
  {
    pattern: /no space left on device|disk quota exceeded/i,
    hint: "The target host's disk is full. Whoever runs the host has to make room.",
  },

  // The repository
  {
    pattern:
      /archived|(is|are|in) (currently |temporarily |now )?read[- ]only( mode)?|read-only GitLab instance|restricted to read-only access/i,
    hint: 'The target takes no pushes now: it is archived or read-only. Unarchive it (or end the maintenance, or pay the bill that the message names), or disable the mirror.',
  },
  {
    pattern: /this repository (has )?moved|was moved to|repository has been (moved|renamed)/i,
    hint: 'The repository was renamed or moved. Give the mirror its new address; the message may name it.',
  },
  {
    pattern: /repository is disabled|TF401019|repository access blocked|has been disabled|disabled by/i,
    hint: 'The repository is disabled, deleted, or not visible to this account. Look at it on the host as that account.',
  },

  // Who asks
  {
    pattern: /SAML SSO|organization SAML enforcement|single sign-on/i,
    hint: 'The organization wants single sign-on. Authorize the token or SSH key for the organization (GitHub: Settings, Developer settings or SSH keys, "Configure SSO").',
  },
  {
    pattern: /IP allow ?list|IP address .{0,60}(not permitted|not allowed|not (white|allow)listed)|not (white|allow)listed/i,
    hint: 'The host lets in certain IP addresses only. Add the address from which gitferry connects to its IP allow list (on AWS: that of the NAT gateway).',
  },
  {
    pattern: /deploy key|key (permission|access) denied|key you are authenticating with|marked as read[- ]only|access key/i,
    hint: 'The SSH key is known, but may not do this here. For a target the deploy key needs write access (Gogs and Bitbucket Cloud have none with it: use the key of an account); for a source it must belong to this repository.',
  },
  {
    pattern: /does not exist or you do not have access|GenericContribute|ForcePush|TF401027/i,
    hint: 'Check the path in the URL, and that the account or key may read the source and write the target (Azure DevOps: Contribute, and Force push for changed history).',
  },
  {
    pattern: /could not read Username/i,
    hint: hostHints.bitbucketUser,
  },
  {
    pattern: /only allows? public key|server only supports public key/i,
    hint: 'The server takes no passwords. Use an SSH key instead; a firewall that inspects SSH can also cause this.',
  },
  {
    pattern: /token .{0,30}expired|expired .{0,30}token/i,
    hint: 'The token has expired. Create a new one on the host and store it as the password.',
  },
  {
    pattern: /operations via plain username and password/i,
    hint: hostHints.gogsUser,
  },
  {
    pattern: /\b2FA\b|two-factor|password authentication (was removed|is not supported)/i,
    hint: 'Accounts with two-factor authentication need a token as the password (GitLab: username oauth2, password = a token with write_repository).',
  },

  // The refs
  {
    pattern: /GH013|repository rule violations|push declined due to repository rule/i,
    hint: 'A ruleset of the target refuses this ref; the message names the rule. Let the account that mirrors bypass the ruleset (GitHub: Settings, Rules, Bypass list), or leave the ref out of the mirror.',
  },
  {
    pattern:
      /protected (branch|tag)|GH006|not allowed to (force )?push|TF402455|you must use a pull request|permission denied to update branch|protected from (force )?push/i,
    hint: 'A rule of the target protects this branch. Allow the account that mirrors to push (and force push) to it, or leave the branch out of the mirror.',
  },
];

export interface PeerRefusal {
  readonly code: ErrorCode;
  /** What the peer said, and nothing of ours. */
  readonly words: string;
  /** The repository's URL. */
  readonly href?: string | undefined;
  /** Full names of refs that the peer may have repeated. */
  readonly refs?: readonly string[];
}

/**
 * A hint that fits what a host said, or who it is; undefined if nothing is known. What a peer only repeats (addresses, paths, names of refs and of the
 * repository) is not its own words, and chooses nothing.
 */
export function refineHint({ code, words, href, refs = [] }: PeerRefusal): string | undefined {
  const url = href !== undefined && URL.canParse(href) ? new URL(href) : undefined;
  const names = [...refs.map((ref) => ref.replace(/^refs\/(heads|tags)\//, '')), ...(url === undefined ? [] : pathNames(url.pathname))];
  const own = words === '' ? '' : ownWords(words, names);
  return (
    providerMessages.find(({ pattern }) => pattern.test(own))?.hint ?? (url === undefined ? undefined : hintForHost(code, url.hostname))
  );
}

function pathNames(path: string): readonly string[] {
  return path.split('/').flatMap((part) => [part, part.replace(/\.git$/, '')]);
}

const signInCodes: ReadonlySet<ErrorCode> = new Set(['credentials_missing', 'credentials_refused', 'permission_denied']);
const codeCommitHost = /^git-codecommit(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/i;

/** What is peculiar to a host when it does not let somebody in. */
function hintForHost(code: ErrorCode, host: string): string | undefined {
  if (signInCodes.has(code) && codeCommitHost.test(host)) return hostHints.codeCommit;
  if (signInCodes.has(code) && /^(www\.)?bitbucket\.org$/i.test(host)) return hostHints.bitbucketUser;
  return undefined;
}
