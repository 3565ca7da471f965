/** The closed list of failures: what each one means, what to do about it, and what happens next. docs/errors.md is this table as text. */

/**
 * What a failure leads to (behaviour.md §5): `retry` = tried again with backoff, `park` = waits until something changes,
 * `partial` = recorded per ref, the rest went through.
 */
export type Disposition = 'retry' | 'park' | 'partial';

export interface CatalogueEntry {
  readonly disposition: Disposition;
  /** One plain sentence; details may follow it in an error's message. */
  readonly sentence: string;
  /** What a person can do about it. */
  readonly hint: string;
}

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

  // Reaching the host
  address_blocked: {
    disposition: 'park',
    sentence: 'The host is at an address that gitferry does not connect to.',
    hint: 'Private, loopback and other special addresses are refused. If this host is meant, allow its range in GITFERRY_ALLOW_ADDRESSES (on the command line also --allow-address CIDR).',
  },
  dns_failed: {
    disposition: 'retry',
    sentence: 'The host name could not be resolved.',
    hint: 'Check the host name in the URL, and that it can be resolved from where gitferry runs.',
  },
  connection_failed: {
    disposition: 'retry',
    sentence: 'The connection to the host failed.',
    hint: 'Check that the host is up and can be reached from where gitferry runs (port, firewall, proxy).',
  },
  timed_out: {
    disposition: 'retry',
    sentence: 'The host did not answer in time.',
    hint: 'The host may be overloaded or a firewall may drop packets; try again later, or allow more time.',
  },
  deadline_exceeded: {
    disposition: 'retry',
    sentence: 'The run did not finish in the time it was given.',
    hint: 'What was mirrored stays mirrored and the next run goes on from there; on the command line, allow more time for a large first mirror (--timeout).',
  },
  run_interrupted: {
    disposition: 'retry',
    sentence: 'The run was interrupted before it finished.',
    hint: 'What was mirrored stays mirrored; run it again to complete it.',
  },
  tls_certificate_invalid: {
    disposition: 'park',
    sentence: "The host's TLS certificate is not valid.",
    hint: 'Renew the certificate, or make its certificate authority known to Node (NODE_EXTRA_CA_CERTS=/path/to/ca.pem).',
  },
  redirect_refused: {
    disposition: 'park',
    sentence: 'The host redirects to a place that gitferry does not follow.',
    hint: "Redirects are followed within one host and from http to https only, at most 5 times. Use the repository's final address.",
  },

  // What the host said
  credentials_missing: {
    disposition: 'park',
    sentence: 'The host asks for a username and password.',
    hint: 'Give them with the project or mirror (on the command line: in the URL, or the password in GITFERRY_SOURCE_PASSWORD or GITFERRY_TARGET_PASSWORD). Some hosts answer like this for repositories that do not exist.',
  },
  credentials_refused: {
    disposition: 'park',
    sentence: 'The host refused the username or password.',
    hint: 'Check that the token has not expired and may read (source) or write (target) this repository. With two-factor authentication use a token as the password; on GitLab the username oauth2 goes with any token.',
  },
  permission_denied: {
    disposition: 'park',
    sentence: 'The account may not do this with the repository.',
    hint: 'The source needs read access, the target write access; check the role and the scopes of the token.',
  },
  repository_not_found: {
    disposition: 'park',
    sentence: 'There is no such repository on the host.',
    hint: 'Check the path in the URL; many hosts also answer like this when the account may not see the repository.',
  },
  rate_limited: {
    disposition: 'retry',
    sentence: 'The host asks to send fewer requests.',
    hint: 'It is tried again after the time the host asked for.',
  },
  server_error: {
    disposition: 'retry',
    sentence: 'The host answered with an error of its own.',
    hint: "Usually temporary; if it stays, look at the host's status page or its logs.",
  },
  request_refused: {
    disposition: 'park',
    sentence: 'The host refused the request.',
    hint: "The host's own words, if any, are in the message; check that the URL is that of a Git repository.",
  },
  request_too_large: {
    disposition: 'park',
    sentence: 'The host refused the request because it is too large.',
    hint: 'Raise the limit on the host (nginx: client_max_body_size, git: receive.maxInputSize), or mirror fewer branches at a time.',
  },
  chunking_refused: {
    disposition: 'retry',
    sentence: 'The host does not take requests of unknown length.',
    hint: 'gitferry sends the pack once more with its length, from a temporary file.',
  },
  spool_limit_exceeded: {
    disposition: 'park',
    sentence: 'The host wants the length of the pack in advance, and the pack is larger than what may be stored here.',
    hint: 'Allow chunked requests on the host (nginx: proxy_request_buffering, HTTP/1.1), or mirror fewer branches at a time.',
  },
  not_a_git_server: {
    disposition: 'park',
    sentence: 'The address does not answer like a Git repository.',
    hint: 'A web page or another service answered; check the URL (often the path, or a missing .git).',
  },
  dumb_http: {
    disposition: 'park',
    sentence: 'The host serves the repository over the "dumb" HTTP protocol only.',
    hint: 'Enable smart HTTP on the host (git http-backend) or use another address of the repository.',
  },
  protocol_error: {
    disposition: 'park',
    sentence: 'The host does not keep to the Git protocol.',
    hint: 'Check that no proxy changes the answer; if the host is a Git server, please report this with the message.',
  },
  remote_error: {
    disposition: 'retry',
    sentence: 'The Git server reported an error.',
    hint: "The server's own words are in the message.",
  },
  advertisement_too_large: {
    disposition: 'park',
    sentence: 'The list of refs is larger than gitferry reads.',
    hint: 'Remove refs that nobody needs, or hide them on the host (transfer.hideRefs).',
  },

  // SSH
  not_an_ssh_server: {
    disposition: 'park',
    sentence: 'What answers at this address is not an SSH server.',
    hint: 'Check host and port of the ssh:// URL; SSH is usually at port 22, and some hosts serve Git at another one.',
  },
  ssh_algorithms_differ: {
    disposition: 'park',
    sentence: 'The SSH server and gitferry have no algorithm in common.',
    hint: 'The server is very old or allows very little. Allow a current key exchange, cipher and host key type there (curve25519-sha256, aes128-gcm@openssh.com, ssh-ed25519), or use https://.',
  },
  host_key_unknown: {
    disposition: 'park',
    sentence: 'No host key of the SSH server is stored.',
    hint: "Detect the server's host keys (`npx gitferry host-keys HOST`, or in the mirror's settings), compare the fingerprints with those the host publishes, and save them (on the command line: --known-hosts FILE).",
  },
  host_key_changed: {
    disposition: 'park',
    sentence: 'Host key verification failed: the SSH server proved another key than those stored.',
    hint: 'Either the host has changed its keys or somebody is in between. Compare the new fingerprint with what the host publishes; if it is right, detect the host keys again and save them.',
  },
  public_key_required: {
    disposition: 'park',
    sentence: 'The SSH server only allows public key authentication.',
    hint: 'Choose SSH public key authentication for this mirror and add its public key on the host (on the command line: --source-ssh-key or --target-ssh-key). A firewall that inspects SSH can also cause this.',
  },
  password_required: {
    disposition: 'park',
    sentence: 'The SSH server does not allow public key authentication.',
    hint: 'Choose password authentication for this mirror, or allow public keys on the host (sshd: PubkeyAuthentication).',
  },
  private_key_unusable: {
    disposition: 'park',
    sentence: 'The SSH private key cannot be used.',
    hint: 'Give an unencrypted private key in OpenSSH or PEM format (`ssh-keygen -p -N "" -f FILE` removes a passphrase), or let gitferry make a key pair.',
  },

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
  unpack_failed: {
    disposition: 'retry',
    sentence: 'The target could not store the pack.',
    hint: "The target's own words are in the message: often a full disk, a size limit (a file over the host's limit), or objects that git fsck complains about.",
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

  // LFS objects that did not move
  lfs_objects_failed: {
    disposition: 'partial',
    sentence: 'Some LFS objects could not be copied:',
    hint: 'The reason stands beside each object. What was not copied is tried again with every run.',
  },
  lfs_disabled: {
    disposition: 'partial',
    sentence: 'The host serves no LFS objects for this repository.',
    hint: 'Switch LFS on in the settings of the repository or its host; give lfs_url if the LFS server is elsewhere; or set lfs to off.',
  },
  lfs_access_denied: {
    disposition: 'partial',
    sentence: "The host's LFS server does not let this account in.",
    hint: 'Check that the token may read (source) or write (target) LFS objects, and that LFS is switched on for the repository: some hosts answer like this where it is off.',
  },
  lfs_quota_exceeded: {
    disposition: 'partial',
    sentence: 'The storage or bandwidth for LFS objects is used up.',
    hint: "Raise the quota at the host, or remove objects there; a source's bandwidth is often counted by month.",
  },
  lfs_object_missing: {
    disposition: 'partial',
    sentence: 'The source does not have this LFS object.',
    hint: 'Somebody who has the file can push it to the source: git lfs push --object-id REMOTE OID.',
  },
  lfs_object_refused: {
    disposition: 'partial',
    sentence: 'The target refuses this LFS object.',
    hint: "The host's own words are in the message: often the object is over a size limit.",
  },
  lfs_object_corrupt: {
    disposition: 'partial',
    sentence: 'What the source sent is not this LFS object: size or SHA-256 differ.',
    hint: 'Nothing of it was stored at the target. Run git lfs fsck on a clone of the source, and push the object to it again.',
  },
  lfs_transfer_failed: {
    disposition: 'partial',
    sentence: 'The transfer of this LFS object broke off.',
    hint: 'Usually temporary; the next run tries it again. If it stays, look at the logs of the host that the message names.',
  },
  lfs_protocol_error: {
    disposition: 'partial',
    sentence: "The host's LFS server does not keep to its protocol.",
    hint: 'Check that no proxy changes the answer and that lfs_url, if set, is that of an LFS server; otherwise please report this with the message.',
  },
  lfs_scan_failed: {
    disposition: 'partial',
    sentence: 'The LFS objects that the refs need could not be found out.',
    hint: 'The next run looks at everything once more. Sources that can filter (git: uploadpack.allowFilter) make it cheap.',
  },

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
