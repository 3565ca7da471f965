/** Failures of reaching a Git host, and what one may answer. A part of the closed list in error-catalogue.ts. */
import type { CatalogueEntry } from './catalogue-entry.ts';

export const hostErrors = {
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
    hint: 'Check that the token has not expired and may read (source) or write (target) this repository. With two-factor authentication use a token as the password; on GitLab the username oauth2 goes with any token. Gogs takes a token as the username instead, without a password.',
  },
  sign_in_not_supported: {
    disposition: 'park',
    sentence: 'The host offers no way of signing in that gitferry knows.',
    hint: 'It offers Negotiate (Kerberos), NTLM or Digest alone; your token is not at fault. Allow Basic authentication over HTTPS there, or mirror over SSH with a key.',
  },
  permission_denied: {
    disposition: 'park',
    sentence: 'The account may not do this with the repository.',
    hint: 'The source needs read access, the target write access; check the role and the scopes of the token.',
  },
  repository_not_found: {
    disposition: 'park',
    sentence: 'There is no such repository on the host.',
    hint: 'Check the path in the URL. Hosts answer like this too where it was deleted, renamed, disabled or archived, or where the account may not see it.',
  },
  repository_read_only: {
    disposition: 'park',
    sentence: 'The repository on the host is archived or read-only.',
    hint: 'Unarchive it or end the maintenance there; if it is to stay as it is, disable the mirror.',
  },
  rate_limited: {
    disposition: 'retry',
    sentence: 'The host is rate-limiting requests.',
    hint: 'A mirror tries again by itself, not before the time that the host names; on the command line, run it again in some minutes. If it stays, mirror fewer repositories of this host at once, or ask for a higher limit.',
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
  pack_too_large: {
    disposition: 'park',
    sentence: 'The push is larger than the host takes at once.',
    hint: 'Raise the limit on the host (git: receive.maxInputSize; GitHub takes 2 GiB, Bitbucket 3.5 GB, Azure DevOps 5 GB), or mirror fewer branches first.',
  },
  too_many_ref_updates: {
    disposition: 'park',
    sentence: 'The push changes more branches and tags than the host takes at once.',
    hint: 'Raise the limit on the host (GitHub: Settings, General, Pushes), or mirror fewer branches and tags at a time.',
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
    hint: 'Remove refs that nobody needs, hide them on the host (transfer.hideRefs), or give the worker more memory (workerMemory).',
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
} as const satisfies Record<string, CatalogueEntry>;
