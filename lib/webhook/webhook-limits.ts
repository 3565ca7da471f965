/** Every limit of receiving webhooks in one place, each with its reason. */

export const webhookLimits = {
  /** Lambda takes 6 MB and base64 adds a third; providers' push events stay far below. */
  bodyBytes: 4 * 1024 * 1024,
  /** Senders give up after 10 s (GitHub), and send 4 MiB in less. */
  bodyMs: 10_000,
  /** Bodies that are read or handled at the same time, in all and for one project. On Lambda there is one. */
  bodies: { totalBytes: 64 * 1024 * 1024, senderBytes: 16 * 1024 * 1024 },
  /** What an event's JSON may hold: GitHub's largest, with 2,048 commits, has 100,000 commas, colons and brackets on 8 levels. More would take longer than 0.2 s to parse. */
  json: { levels: 64, marks: 150_000 },
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
