/** Every limit of the engine in one place, each with its reason. */

const KiB = 1024;
const MiB = 1024 * KiB;

export const limits = {
  /** Longest data in a pkt-line, gitprotocol-common(5): 65520 with the length itself. */
  pktLineBytes: 65520,
  /** One listing. 500,000 refs with long names take about 60 MB; what goes on longer is not a ref list. */
  advertisementBytes: 128 * MiB,
  refs: 1_000_000,
  /** What a line of a ref list takes of memory until the run is over (values, plan, outcome), and each of its bytes: lists of 20,000 to 200,000 refs with
   * names of 30 to 930 bytes on one end or both took 0.7 to 1.1 times this. */
  listBytesPerRef: 900,
  listBytesPerByte: 5,
  /** Of a function's memory, what is left for all else: Node, the AWS SDK, a pack on its way. Lists get this much at least. */
  listReservedMiB: 110,
  listLeastMiB: 32,
  /** What each run may take whatever the lists of others take: 1,600 refs with names of usual length, more than most repositories have. 24 runs exceed their
   * memory by 48 MiB at most. */
  listKeptBytes: 2 * MiB,
  /** Servers have about ten; without a limit, millions of empty lines would fit into the bytes of a ref list. */
  capabilityLines: 1000,
  /** Commits at which a repository is shallow go with each request for a pack. A clone of one depth has about as many as branches. */
  shallowCommits: 10_000,
  /** Objects that a target has through alternates (`.have`) make packs smaller. Forks of busy repositories show thousands; a request names 256 of them. */
  extraHaves: 10_000,
  /** Git itself takes names of any length, file systems 255 bytes a component; longer than this is an attack. */
  refNameBytes: 1024,
  /** What a message shows of a server's words, cut when secrets are masked. More is kept until then (the limits below and above), so that no secret that
   * begins in what is shown has lost its end: passwords have 4,096 characters at most, and twice to three times as many in most encodings. */
  toldCharacters: 2_000,
  /** The same beside one LFS object, of which there may be hundreds. */
  lfsToldCharacters: 500,
  /** Of links and headers that LFS servers give out, what is remembered for masking: they are quoted at once or never. */
  learnedSecrets: 64,
  learnedSecretCharacters: 4_096,
  /** How much of an HTTP error's body is read to find the host's words. */
  errorBodyBytes: 16 * KiB,
  /** How much of a server's progress and hook output (sideband 2) is kept for messages. */
  remoteWordsBytes: 8 * KiB,
  /** A report on 2,000 commands with long reasons. */
  reportBytes: 16 * MiB,
  /** What comes before the pack in the answer to a fetch: at most two acknowledgements for each have, 60 bytes each, and `shallow` lines. */
  fetchAnswerBytes: 8 * MiB,
  redirects: 5,
  /** What is read of an answer of a host's API that makes tokens: GitHub lists the permissions and repositories of one, 100 KB at most. */
  tokenAnswerBytes: MiB,
  /** A temporary token is replaced this long before its end, so that it lasts for the requests of a push. */
  tokenMarginMs: 5 * 60_000,
  /** Temporary tokens in memory, some hundred bytes each: one for each repository that a worker serves within an hour. */
  cachedTokens: 5_000,
  /** A GitLab token's expiry is looked at this often by each worker: it is a matter of days. */
  tokenCheckMs: 60 * 60_000,
  /** A renewal that takes longer has died: two requests of a minute at most, and the pauses below. */
  renewalMs: 180_000,
  /** Looks at a token that another worker renews, and the time between them: most renewals take two seconds. */
  renewalLooks: 20,
  renewalLookMs: 500,
  /** Before each try to store a new token: the SDK tries each of them four times. Together shorter than what a run keeps for its record. */
  storePausesMs: [0, 200, 1_000, 3_000],
  /** An App's installation, with its permissions, is asked for again after this. */
  installationMs: 60 * 60_000,

  /** Addresses of a name that are tried, IPv4 and IPv6 each. Big hosts have up to eight; each that does not answer costs a quarter of a second. */
  addressesOfFamily: 8,
  /** TCP and TLS together. A host that needs longer is down. */
  connectMs: 15_000,
  /** An idle connection is kept this long where the server names no time of its own: for events a minute apart. nginx, the shortest of the usual ones
   * that say nothing, closes after 75 s, so that most are ended by us. */
  idleConnectionMs: 65_000,
  /** However long a server says that it keeps one. */
  longestIdleConnectionMs: 600_000,
  /** From a small request to the first byte of its answer, and between two pieces of it. Big hosts take seconds to list 500,000 refs. */
  answerMs: 60_000,
  /** The least that comes of a list in a minute of waiting, and of a pack in five, and is taken of it: 170 and 220 bytes a second. Who sends less would be done after hours, if ever. */
  leastListRate: { bytes: 10 * KiB, inMs: 60_000 },
  leastPackRate: { bytes: 64 * KiB, inMs: 300_000 },
  /** The unread rest of an answer that is read so that its connection can be used again. Answers to history questions have a few hundred bytes. */
  restBytes: 64 * KiB,
  restMs: 1_000,
  /** Silence in the middle of a pack. Servers compress large packs for minutes, but C git and JGit send keep-alives while they do. */
  relaySilenceMs: 600_000,

  /** From a connected socket to being signed in over SSH. sshd itself gives up after 120 s, but who needs 20 is down. */
  sshHandshakeMs: 20_000,
  /** Opening an SSH channel and starting a command in it: two short messages, and on some hosts a slow login. */
  sshChannelMs: 20_000,
  /** Silence after which an SSH server is asked whether it is still there, and how often it may fail to answer: firewalls forget quiet connections after a minute or more. */
  sshKeepAliveMs: 15_000,
  sshKeepAlives: 4,
  /** SSH connections to one host in one run: one is enough, but for servers that allow one channel each (MaxSessions 1). */
  sshConnections: 8,
  /** Waiting until one of a run's own commands ends where a server allows no more of them: all that are short have been answered or given up by then. */
  sshRoomMs: 60_000,
  /** keyboard-interactive: a password prompt and, rarely, a second one; what asks on is no password prompt. */
  sshPromptRounds: 3,
  sshPrompts: 4,
  /** How long a command that is told goodbye may take to end. */
  sshGoodbyeMs: 250,
  /** SSH connections that one process keeps for next runs, for `idleConnectionMs`: each is a session at a host. */
  sshIdleConnections: 32,
  /** Files named on the command line: a known_hosts of 100,000 hosts has some 15 MB; a private key of RSA 16,384 has 13 KB. */
  knownHostsFileBytes: 32 * MiB,
  privateKeyFileBytes: 64 * KiB,
  /** Unread bytes of one SSH answer kept here; the rest waits in the channel's own window of 2 MiB. */
  sshQueueBytes: 256 * KiB,

  /** Extra time to list the target once more when a run was ended in the middle of a push. */
  relistMs: 15_000,

  /** Requests up to this size are sent with Content-Length, longer ones chunked (git: http.postBuffer). */
  bufferedRequestBytes: 1 * MiB,
  /** Requests longer than this are compressed where the protocol allows it (git does so from 1 KB as well). */
  gzipRequestBytes: 1 * KiB,
  /** A pack stored in /tmp for a host that refuses chunked requests. Lambda has 512 MB there by default. */
  spoolBytes: 400 * MiB,

  /** Haves in one fetch, the old values of changed refs first: 10,000 cost half a megabyte up and 0.2 s of the source's CPU, and find the same packs. */
  haves: 256,
  /** Objects of which a server is asked at once whether it has them. */
  probedHaves: 10_000,
  /** A pack that is read whole before the push: nearly every run after the first has a smaller one, and it is in memory while LFS objects are copied. */
  smallPackBytes: 1 * MiB,
  /** The same by its header, inflated, and one object of it that is looked into. */
  smallPackObjects: 10_000,
  smallPackInflatedBytes: 32 * MiB,
  smallPackObjectBytes: 256 * KiB,
  /** Blobs below this size may be LFS pointers. */
  smallBlobBytes: 1 * KiB,
  /** A narrow run's list of an event's refs: a thousand names that begin like them. */
  narrowListBytes: 100 * KiB,
  /** A narrow run knows few values of the target. With a larger pack than this, asking for all of them is worth it. */
  narrowObjects: 5_000,

  /** Commands in one push: CodeCommit takes 4,000 refs, C git is quadratic in places. */
  commandsPerPush: 2_000,

  /** Trying parts of refused pushes ends after this many refused ones, this many without any ref that moved (a target that refuses everything), this share
   * of the remaining time, and when refused parts cost twice the pack that was refused first, but at least this much. */
  isolationPushes: 400,
  isolationPushesInVain: 40,
  isolationTimeShare: 0.5,
  isolationLeastBytes: 16 * MiB,
  /** A push that broke off later than this is begun again by the next run, not by this one: hosts that refuse chunks hang up early. */
  resentBytes: 16 * MiB,
  /** Pauses before a locked ref is tried again: git holds locks for milliseconds, garbage collection for a second or two. */
  lockWaitsMs: [500, 1500, 4000],
  /** Refs, or LFS objects, in a run's message. The record has all. */
  listedInMessage: 100,
  /** A ref's reason. */
  refReasonCharacters: 500,
  /** Objects whose commit and path one reason tells, and that are looked up in a run: each look at a small pack takes up to 0.1 s. */
  namedCulprits: 3,
  culpritsLookedUp: 20,
  /** Lines of a target that a run keeps, for a note of `toldCharacters`. */
  heardLines: 200,

  /** A history that is too large for one push goes in slices. The first has this part of the missing commits: it only shows how large they are. */
  firstSliceDivisor: 16,
  /** From slice to slice at most so many times as many commits: the next ones may be larger. */
  sliceGrowth: 4,
  /** A slice is planned for this part of the target's limit and of the time left. */
  sliceShareOfLimit: 0.7,
  sliceTimeShare: 0.4,
  /** And for no more than this: GitHub takes 2 GiB a push, and what was sent of a slice is lost when a run is killed. */
  sliceBytes: 256 * MiB,
  /** A limit that was learned is never lower: slices of less would be all overhead. */
  leastPushLimitBytes: 256 * KiB,
  /** With less time than this no slice is begun. */
  leastSliceMs: 2_000,

  /** History questions under way at once against one source. */
  concurrentQuestions: 6,
  /** Questions put one by one after those that can be put together: hosts would take more for an attack. */
  aloneQuestions: 64,
  /** The same where nothing but the name of a result depends on the answers. */
  idleQuestions: 8,
  /** Commits that are read to prove that one contains another: some years of a busy project. Reading takes a second and 40 MB of memory. */
  historyCommits: 100_000,
  /** The pack that they come in, where the source does not filter too: a commit has some 300 bytes. */
  historyBytes: 48 * MiB,
  /** The same inflated, and one object of it: compression alone makes 1 MB a thousand. */
  historyInflatedBytes: 128 * MiB,
  historyObjectBytes: 4 * MiB,
  /** The bases of all deltas of a pack that is indexed: each may have to be put together again for its delta. */
  historyDeltaBaseBytes: 1024 * MiB,
  /** Tags on tags on tags that are followed to a commit: one of them is rare. */
  tagSteps: 10,
  /** A pack of tag objects: a hundred bytes each, some KB where they are signed. What follows is not what was asked for. */
  tagPackBytes: 8 * MiB,

  /** What is read to find LFS pointers. Small blobs are about 3 % of a repository: these of the Linux kernel fit. Inflating takes a second per 100,000. */
  lfsScanObjects: 3_000_000,
  lfsScanBytes: 512 * MiB,
  /** Pointers of one run. Each takes 300 bytes of memory, and a request for each hundred. */
  lfsObjects: 1_000_000,
  /** Objects in one batch request, git-lfs's own number; hosts refuse more. */
  lfsBatchObjects: 100,
  /** The answer to that: a hundred objects with signed links of a few KB. */
  lfsBatchBytes: 4 * MiB,
  /** Objects on their way at once (git-lfs: 8). */
  lfsConcurrentObjects: 8,
  /** Longest silence of either end in the middle of an object. */
  lfsSilenceMs: 120_000,
  /** A host that asks for a longer pause than this gets the object with the next run. */
  lfsPauseMs: 60_000,
  /** Actions that end sooner than this are asked for anew. */
  lfsExpiryMarginMs: 5_000,
  /** Named in a run's record; and remembered on the mirror, which is written with every heartbeat: with more, the next run looks at everything. */
  lfsNamedFailures: 500,
  /** Failures up to this number get the paths of their files: one more fetch, of trees alone. More are a matter of the host, not of files. */
  lfsPathedFailures: 20,
  /** Of trees in memory: those of a commit of the Linux kernel are 3 MB. */
  lfsPathBytes: 16 * MiB,
  /** The refs wait that long. */
  lfsPathMs: 10_000,
  /** Tips whose trees are looked at. */
  lfsPathTips: 20,
  lfsRememberedFailures: 200,

  /** Failures without an answer in between after which a host counts as down: one may be chance, and two may be one repository's. */
  hostFailures: 3,
  /** A host that is down is asked by one run a minute (less what ticks differ by); after an hour every two minutes: push mirrors are current within five after it is back. */
  hostProbeMs: 55_000,
  hostLongDownMs: 3600_000,
  hostLongProbeMs: 115_000,
  /** Somebody who has just mended the host and asks by hand need not wait for that. */
  hostProbeByHandMs: 15_000,
  /** Mirrors of a host that has been down for so long are `failed` for people. */
  hostDownFailedMs: 3600_000,
  /** Remembered of a host; with more, the oldest are forgotten and cost a run more. */
  hostFailuresKept: 50,
  hostFailureAgeMs: 24 * 3600_000,
  /** A host that asks for more than this is asked again all the same. */
  retryAfterSeconds: 6 * 3600,
  /** A place that was given to a waiting run is kept for it so long: a queue's delay on a busy machine, and a second host that has to find room as well. */
  placeKeptMs: 30_000,
  /** The first of a waiting list, as many as are looked at for the one whose project has least. */
  waitingLooked: 200,
  /** Behind push mirrors of the same age: pull mirrors are asked every 30 minutes anyway. */
  pullsWaitLongerMs: 300_000,
  /** Places given to waiting runs when one is freed: a host that comes back, or was idle, fills by doubling. */
  placesHandedOut: 2,
  /** A tick that comes so long after the one before tells of a time in which events may have been lost. Ticks come every minute, some a minute late. */
  tickGapMs: 150_000,
  /** Mirrors that may have missed an event are compared at this rate; pull mirrors, which have a schedule of minutes, later. */
  missedPerSecond: 20,
  missedPullsLaterMs: 120_000,
  /** The longest that a pull mirror's schedule waits. */
  longestPullIntervalSeconds: 5 * 3600,
  /** Waiting runs come by themselves after so long, should nobody have called them; up to half as much later, by chance. */
  waitForRoomMs: 30 * 60_000,
  waitForHostMs: 3600_000,

  /** GitLab's own limit for mirror_branch_regex. */
  regexCharacters: 255,
  /** Steps of a regex with its counted repetitions written out: 1,000 compile within 100 ms, and take RE2 at worst 25 ms for a name of 255 bytes, 100 ms for
   * one of 1,024. `.{1,400}` has 800. */
  regexSize: 1_000,
  /** Work on a filter's names before everything else has its turn, and in all: 1,000,000 names take honest filters 2 s. */
  turnMs: 5,
  filterMs: 10_000,
  /** Wrong tokens of one sender that are answered at once, and how often one more is: a script with an old token is told so, guessing 20 a minute is hopeless. */
  guessBurst: 30,
  guessMs: 3_000,
  /** 32 KiB of memory; who shares a bucket with a guesser by chance waits with it, unless its token is one of those that were right lately. */
  guessBuckets: 4_096,
  guessKnownTokens: 1_000,
  /** Free space and files below which the data folder of `npm start` is not written to: LevelDB's log (4 MiB), and a compaction of it, which writes its
   * result before it removes what it read. */
  dataReserveBytes: 16 * MiB,
  dataReserveFiles: 32,
  /** Between two looks whether a full disk has room again. */
  diskCheckMs: 1_000,
  /** Deletions in one run from which the deletion guard looks at their share. */
  guardedDeletions: 10,
  maxDeletionsPercent: 50,
} as const;
