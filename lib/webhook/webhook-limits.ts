/** Every limit of receiving webhooks in one place, each with its reason. */

export const webhookLimits = {
  /** Lambda takes 6 MB and base64 adds a third; providers' push events stay far below. */
  bodyBytes: 4 * 1024 * 1024,
  /** A project as it was this long ago answers an event: deletions, new hooks and changed rules take effect after at most this long. */
  contentsMs: 2_000,
  /** Where that answer is a refusal or leads to nothing, the project is read again, but not more often than this. */
  recheckMs: 1_000,
  /** Projects and unknown numbers kept, each list by itself: floods of unknown tokens do not drive out projects. */
  cachedProjects: 1_000,
  cachedUnknown: 1_000,
  /** The signing key never changes; it is read again to notice that it became unreadable. */
  signingKeyMs: 300_000,
  /** Standard Webhooks: how far a signed time may be off, either way. */
  timestampToleranceMs: 5 * 60_000,
  /** Standard Webhooks: a header holds one signature per live secret of the sender. */
  signatureHeaderCharacters: 4096,
  signatures: 16,
  /** The last delivery is noted this often per hook. */
  noteEveryMs: 60_000,
  notedHooks: 10_000,
  /** What an event may say about itself in an answer or a log. */
  wordsCharacters: 200,
  /** Work on matching an event's refs with a mirror's filter. An event that takes longer asks for the run, which finds out. */
  filterMs: 100,
  /** Addresses of its repository that an event may give. */
  repositoryAddresses: 16,
} as const;
