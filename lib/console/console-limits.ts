/** Every limit of the console, each with its reason. */

export const consoleLimits = {
  /** A working day: longer, and a forgotten browser stays signed in; the token itself may end it sooner. */
  sessionMs: 12 * 3600_000,
  /** From the way to an identity provider to the way back: a password, a second factor, perhaps a new password. */
  flowSeconds: 600,
  /** Such ways at the same time in one browser: as many tabs as somebody opens at once. */
  openFlows: 6,
  /** Longest path that a sign-in returns to; filters and searches have far less. */
  returnPathCharacters: 500,
  /** A cookie holds 4 KB, encoded. */
  flashCharacters: 700,
  /** How long a message waits for the page that shows it. */
  flashSeconds: 60,
  /** Forms hold at most a few host keys and a token. */
  formBytes: 256 * 1024,
  /** A token and a path to return to. */
  signInBytes: 4 * 1024,
  /** A form that is not there after this time does not come. */
  formMs: 30_000,
  /** Rows of the overview: some 100 KB of HTML, and more than anybody reads. */
  overviewRows: 50,
  /** Rows of tokens and credentials. */
  listRows: 50,
  /** Shared credentials to choose from in a form, in the order of their making: more than anybody looks through, and some 100 KB of HTML. */
  offeredCredentials: 1000,
  /** Between two looks while something runs: soon enough to watch, seldom enough for a page that stays open. */
  pollSeconds: 5,
  /** The same on an instance whose overview takes long to read. */
  slowPollSeconds: 30,
  slowPollFromMirrors: 2_000,
  /** The same on a project's page, which is one small query: somebody has just pressed "Update now" and waits. */
  projectPollSeconds: 2,
  /** Names of one kind in a preview: enough to see whether a rule does what was meant. */
  previewNames: 60,
  /** Refs of a plan in a form. */
  planRefs: 100,
  /** Refs on one page of a run, which may have 10,000: some 150 KB of HTML. */
  runRefs: 250,
  /** Runs on one page of a history, and as many bars in its chart. */
  historyRuns: 40,
  /** Entries of a project's activity on its page; more are a link away. */
  activityEntries: 15,
  activityPage: 50,
  /** Events of the audit trail on a page, and in one download: some 8 MB, which takes 100 queries. */
  auditRows: 50,
  auditExport: 10_000,
} as const;
