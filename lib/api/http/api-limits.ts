/** Every limit of reading the API's requests, each with its reason. */

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
} as const;
