/** Every limit of the API's requests and answers, each with its reason. */

export const apiLimits = {
  /** Nothing that a call takes comes near this: the largest is a private key of 16 KB, or the host keys of a few hosts. */
  bodyBytes: 256 * 1024,
  /** curl -F. Its parts take ten times as long to read as other forms. */
  multipartBytes: 64 * 1024,
  /** Calls that take no parameters: some clients send `{}`. */
  noBodyBytes: 1024,
  /** A body that is not there after this time does not come. */
  bodyMs: 30_000,
  /** Bodies on their way at the same time, in all and of one token. On Lambda there is one. */
  bodies: { totalBytes: 16 * 1024 * 1024, senderBytes: 4 * 1024 * 1024 },
  /** The longest list has 1,000 texts. */
  json: { levels: 20, marks: 10_000 },
  /** What one page of a list has at most, and how far pages by number go: deeper only by keyset. Both as with GitLab. */
  perPage: 100,
  offset: 50_000,
  /** Browsers and proxies end at about this. */
  urlCharacters: 2048,
  userNameCharacters: 255,
  /** Tokens of some hosts are JWTs. */
  /** A PEM of an RSA key of 16,384 bits. */
  privateKeyCharacters: 16_384,
  passwordCharacters: 4096,
  /** Ours have 60; a deployment may choose its first. */
  tokenCharacters: 255,
  /** Where a shared credential may be used. They are all compared with each URL that is given. */
  allowedUrls: 50,
  /** Projects that a token is narrowed to: they are in its item, which is read with every request. */
  tokenProjects: 100,
  /** Hooks of a project are all read with every event. */
  hooks: 50,
  /** Time enough to paste a new secret at the host. */
  previousSecretMs: 24 * 3600_000,
  /** All branches of a project lie in one item of the table, which ends at 400 KB. */
  protectedBranches: 500,
  /** What asks a Git host while the caller waits. API Gateway gives up after 30 s. */
  answerMs: 25_000,
  /** Names in a preview, per kind; the numbers are of all. */
  previewNames: 1_000,
  /** Refs in a plan; the numbers are of all. */
  planRefs: 10_000,
  /** The refs of a run in one answer: it stays under 5 MB (Lambda's limit is 6), and what else is in it is small. */
  refsBytes: 4_500_000,
} as const;
