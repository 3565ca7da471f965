/** Every limit of the console, each with its reason. */

export const consoleLimits = {
  /** A working day: longer, and a forgotten browser stays signed in; the token itself may end it sooner. */
  sessionMs: 12 * 3600_000,
  /** Longest path that a sign-in returns to; filters and searches have far less. */
  returnPathCharacters: 500,
  /** A cookie holds 4 KB, encoded. */
  flashCharacters: 700,
  /** How long a message waits for the page that shows it. */
  flashSeconds: 60,
  /** Forms hold at most a few host keys and a token. */
  formBytes: 256 * 1024,
  /** Rows of the overview: some 100 KB of HTML, and more than anybody reads. */
  overviewRows: 50,
  /** Rows of tokens and credentials. */
  listRows: 50,
  /** Between two looks while something runs: soon enough to watch, seldom enough for a page that stays open. */
  pollSeconds: 5,
  /** The same on an instance whose overview takes long to read. */
  slowPollSeconds: 30,
  slowPollFromMirrors: 2_000,
} as const;
