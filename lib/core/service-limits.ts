/** Every limit of the service's jobs and records, each with its reason. Those of the engine: limits.ts. */

const minute = 60_000;
const day = 24 * 60 * minute;
const daySeconds = 24 * 3600;

export const serviceLimits = {
  /** A request is tried so often before its mirror counts as failed: over some minutes, in which a restarted host comes back. */
  attempts: 4,
  /** A message that was sent gets this long before the tick sends it again. */
  graceMs: minute,
  /** A message this much overdue may be lost: somebody who asks by hand need not wait for the tick to find out. */
  overdueMs: 15_000,
  /** What is kept of an invocation's time for recording and giving back, when a run is ended for lack of it. */
  recordingMs: 30_000,
  /** A worker beats every 10 s, and one that cannot gives up after 40. */
  deadAfterMs: 50_000,
  /** A tick ends after this; the next comes after a minute. */
  tickMs: 50_000,
  /** Pull mirrors that fail are tried less and less often, down to this. */
  longestPullIntervalMs: 5 * 60 * minute,
  /** The deletion guard adds up the deletions of a mirror over this time. */
  deletionsMs: day,
  /** A target's push limit is forgotten after this: hosts change their limits, and people their plans. */
  pushLimitMs: 30 * day,

  /** An event with more refs than this, or with longer names together, is for an ordinary run. They are written with the mirror's item, up to seven times a run. */
  eventRefs: 20,
  eventRefBytes: 1000,
  /** Names of refs that wait with a mirror's requests. Each request adds at most `eventRefs` to fewer than these. */
  waitingRefs: 20,
  /** Two listings longer than this are a burden that an hour's events may share; shorter ones are read every ten minutes. */
  longListBytes: 1_000_000,
  /** Refs of narrow runs since the last ordinary one: more of them are a busy mirror whose lists are worth reading. */
  narrowRefs: 100,
  /** What narrow runs remember goes by itself, in days: an hour is the longest that it is of use. */
  narrowMemorySeconds: 2 * daySeconds,

  /** Runs and activity are deleted after this long; so are notices and their deliveries. */
  runDays: 90,
  noticeSeconds: 90 * daySeconds,
  /** Refused sign-ins and calls in the audit trail, of one process, for strangers and for known tokens apart: this many at once, then one a minute; the others are counted. At most 1,460 a day each, whatever storm. */
  auditRefusals: 20,
  auditRefusalMs: minute,
  /** Values and fields of a change in the audit trail: with these a record stays under 100 KB. */
  auditValueCharacters: 500,
  auditFields: 100,
  /** Records read for one page by id when few of them fit a filter; the link to the next page goes on from there. */
  auditRowsRead: 2_000,
  auditPageRows: 200,
  /** Refs in a run's record, those that were not done first: some 300 KB compressed. */
  runRefs: 10_000,
  /** Notes of a run, and their length: a note quotes a host's own words. */
  runNotes: 30,
  noteCharacters: 2_000,
  /** A run's message lists up to 100 refs. */
  messageCharacters: 30_000,
  /** A mirror's last error, which is written with its item; beside its last run, whose own record has all of it; and the hint. */
  lastErrorBytes: 16_384,
  lastRunErrorBytes: 1024,
  hintBytes: 2048,
  /** Refs that one notice carries: a whole repository's would not fit into a message. */
  noticeRefs: 100,
  /** Ids of the last notices that a mirror or host has made. A change makes at most three. */
  newsIds: 12,
  /** More than these are not read for one page. An instance this large is looked at by search and by project. */
  overviewMirrors: 20_000,
  overviewProjects: 20_000,

  /** A changed secret takes effect after this long; a call to Secrets Manager costs money and 20 ms. */
  secretCacheMs: minute,
  cachedSecrets: 2_000,
  /** Secrets Manager's shortest. The name stays taken for as long. */
  secretRecoveryDays: 7,
  /** Changed settings take effect after this long. */
  settingsCacheMs: 5_000,
  /** Another value of the deployment's token counts after this, and the one before no more. */
  deploymentTokenCacheMs: minute,
  /** A shorter token of a deployment can be guessed: it is taken for none. */
  deploymentTokenCharacters: 20,
  /** An expired token can be seen in the list for this long before DynamoDB deletes it. */
  expiredTokenSeconds: 30 * daySeconds,

  /** SQS's own: messages in one call, and what a message can be delayed by. */
  queueBatch: 10,
  queueDelaySeconds: 900,
} as const;
