/** Mirrors and projects as plain data, and mirrors put straight into a test's table. */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { itemOfMirror } from '../../lib/aws/mirrors/mirror-item.ts';
import type { Clock } from '../../lib/core/clock.ts';
import type { Mirror } from '../../lib/model/mirror.ts';
import type { Project } from '../../lib/model/project.ts';
import type { TestAws } from './aws.ts';

/** Monday, some week in the future. */
export const noon = Date.UTC(2030, 0, 7, 12);
export const minute = 60_000;
export const hour = 60 * minute;

export const plainProject: Project = {
  id: 1,
  path: 'group/project',
  repositoryUrl: 'https://project.example.org/project.git',
  authMethod: 'password',
  credential: null,
  hostKeys: [],
  publicKey: null,
  defaultBranch: null,
  protectedBranches: [],
  createdAt: noon - hour,
};

/** Enabled, never run, nothing asked for, due in an hour. */
export const plainMirror: Mirror = {
  projectId: 1,
  mirror: 1,
  id: 1,
  direction: 'push',
  createdAt: noon - hour,
  enabled: true,
  url: 'https://mirror.example.org/mirror.git',
  authMethod: 'password',
  credential: null,
  hostKeys: [],
  publicKey: null,
  onlyProtectedBranches: false,
  mirrorBranchRegex: null,
  keepDivergentRefs: false,
  deleteAmbiguousRefs: false,
  mirrorOverwritesDivergedBranches: false,
  mirrorTags: 'all',
  lfs: 'auto',
  lfsUrl: null,
  lfsState: null,
  pushLimit: null,
  recentDeletions: null,
  updateStatus: 'none',
  lastUpdateStartedAt: null,
  lastUpdateAt: null,
  lastSuccessfulUpdateAt: null,
  lastError: null,
  lastRun: null,
  paused: false,
  failedRuns: 0,
  failingSince: null,
  attempts: 0,
  heldBackDeletions: 0,
  failing: false,
  refusedCredential: null,
  newsIds: null,
  requestedSeq: 0,
  doneSeq: 0,
  startedSeq: 0,
  queuedAt: null,
  queuedFor: null,
  queuedTrigger: null,
  waiting: null,
  dueAt: noon + hour,
  leaseToken: null,
  leaseBeat: 0,
  runTrigger: null,
  runConfirmDeletions: false,
  runRequestedAt: null,
};

let lastId = 0;

/** Puts a mirror with a number of its own into the table. */
export async function putMirror({ clients, tableName }: TestAws, fields: Partial<Mirror> = {}): Promise<Mirror> {
  const id = ++lastId;
  const mirror: Mirror = { ...plainMirror, id, mirror: id, projectId: id, ...fields };
  await clients.dynamo.send(new PutCommand({ TableName: tableName, Item: itemOfMirror(mirror) }));
  return mirror;
}

/** A clock that stands still until the test moves it; chance is always in the middle. */
export interface HeldClock extends Clock {
  set(time: number): void;
  add(ms: number): void;
}

export function heldClock(time = noon): HeldClock {
  let now = time;
  return {
    now: () => now,
    random: () => 0.5,
    set: (value) => {
      now = value;
    },
    add: (ms) => {
      now += ms;
    },
  };
}
