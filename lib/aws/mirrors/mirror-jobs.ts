/** The life of an update on DynamoDB: requests, leases and releases as conditional writes on a mirror's item (ARCHITECTURE.md). */
import { randomUUID } from 'node:crypto';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { serviceLimits } from '../../core/service-limits.ts';
import type { MirrorJobs, Release, UpdateRequest } from '../../jobs/mirror-jobs.ts';
import type { Mirror, MirrorKey } from '../../model/mirror.ts';
import type { Item } from '../table/item.ts';
import { updateExpression } from '../table/update-expression.ts';
import { createDueMirrors } from './due-mirrors.ts';
import { attributesOf, mirrorOfItem } from './mirror-item.ts';
import { type ConditionalWrite, createMirrorTable } from './mirror-table.ts';
import { releaseForms } from './release-forms.ts';
import { nothingQueued, queuedBy, scheduleTrigger, wokenBy } from './request-attributes.ts';

export interface MirrorJobsDeps {
  readonly dynamo: DynamoDBDocumentClient;
  readonly tableName: string;
}

/** Every method throws `storage_unavailable` when the table cannot be reached. */
export function createMirrorJobs(deps: MirrorJobsDeps): MirrorJobs {
  const table = createMirrorTable(deps);

  async function get(key: MirrorKey): Promise<Mirror | undefined> {
    const item = await table.read(key);
    return item === undefined ? undefined : mirrorOfItem(item);
  }

  async function tryForms(
    key: MirrorKey,
    release: Release,
    holds: ConditionalWrite['conditions'],
    values: Item,
  ): Promise<'done' | 'queued' | undefined> {
    const mark = randomUUID();
    for (const { answer, parts, conditions } of releaseForms(release, values, mark)) {
      if ((await table.write(key, { parts, conditions: [...holds, ...conditions] }, 'NONE')) !== undefined) return answer;
    }
    // Where an answer was lost, the SDK's second try finds the lease given back already, by the first.
    const item = await table.read(key);
    if (item?.['release_mark'] !== mark) return undefined;
    return item['queued_at'] === undefined ? 'done' : 'queued';
  }

  async function resume(key: MirrorKey, request: UpdateRequest): ReturnType<typeof table.writeOver> {
    const resumed = await table.writeOver(key, resumingWrite(request));
    if (resumed !== undefined) return resumed;
    // Un-paused meanwhile, perhaps by this very write, whose answer was lost.
    const plain = await table.writeOver(key, requestWrite(request));
    return plain === undefined ? undefined : { ...plain, wasRepeated: true };
  }

  return {
    get,

    async request(key, request) {
      const named = request.refs === undefined ? undefined : await table.writeOver(key, requestWrite(request));
      // Where too many wait already, theirs are no longer worth counting.
      const plain = named ?? (await table.writeOver(key, requestWrite({ ...request, refs: undefined })));
      const written = plain ?? (request.resume ? await resume(key, request) : undefined);
      if (written === undefined) return undefined;
      const before = mirrorOfItem(written.before);
      // Whose first answer was lost finds itself waiting: nobody has sent a message yet.
      const isOwn = written.wasRepeated && before.queuedAt === request.now;
      return isOwn ? { ...before, queuedAt: null, queuedFor: null, queuedTrigger: null } : before;
    },

    async expedite(key, { startAt, now }) {
      const parts = updateExpression(
        { ...wokenBy(startAt, now), held_until: null },
        { set: ['queued_for = :start'], values: { ':start': startAt } },
      );
      const conditions = [
        // Something waits,
        'attribute_exists(queued_at)',
        // for later than this,
        'queued_for > :start',
        // and no run will see to it by itself.
        'attribute_not_exists(lease_token)',
      ];
      return (await table.write(key, { parts, conditions }, 'NONE')) !== undefined;
    },

    async call(key, { entry, now }) {
      const parts = updateExpression(
        { ...wokenBy(now, now), waiting: null, held_until: null, queued_for: now },
        { names: { '#entry': 'entry' }, values: { ':entry': entry } },
      );
      const conditions = [
        // It waits, under this very entry,
        'attribute_exists(queued_at)',
        'waiting.#entry = :entry',
        // and no run has come by itself meanwhile.
        'attribute_not_exists(lease_token)',
      ];
      return (await table.write(key, { parts, conditions }, 'NONE')) !== undefined;
    },

    async acquire(key, { token, now }) {
      const parts = updateExpression(
        // The tick looks at the lease from now on.
        { lease_token: token, lease_beat: 0, due_at: now, ...nothingQueued, seen: null, resend_wait_ms: null },
        {
          set: [
            'started_seq = requested_seq',
            'run_trigger = if_not_exists(queued_trigger, :schedule)',
            'run_confirm_deletions = if_not_exists(queued_confirm, :false)',
            'run_requested_at = if_not_exists(queued_at, :now)',
            'run_refs = if_not_exists(queued_refs, :unnamed)',
            'run_named = if_not_exists(queued_named, :zero)',
          ],
          values: {
            ':unnamed': unnamed,
            ':zero': 0,
            ':schedule': scheduleTrigger,
            ':false': false,
            ':true': true,
            ':now': now,
            ':soon': now + earlyMs,
          },
        },
      );
      const conditions = [
        // Nobody holds it,
        'attribute_not_exists(lease_token)',
        // something is requested that no run has seen to (this also fails for a mirror that is gone),
        'requested_seq > done_seq',
        // a retry's time has come,
        '(attribute_not_exists(held_until) OR held_until <= :soon)',
        // and it may run.
        'enabled = :true',
        'attribute_not_exists(paused)',
      ];
      const item = await table.write(key, { parts, conditions }, 'ALL_NEW');
      if (item !== undefined) return mirrorOfItem(item);
      // Where an answer was lost, the SDK's second try finds the lease taken, by the first. Taking it again would forget who asked for the run.
      const held = await get(key);
      return held?.leaseToken === token ? held : undefined;
    },

    async begin(key, token, now) {
      const parts = updateExpression({ update_status: 'started', last_update_started_at: now }, { values: { ':token': token } });
      return (await table.write(key, { parts, conditions: [isMine] }, 'NONE')) !== undefined;
    },

    async renew(key, token) {
      const parts = updateExpression({}, { set: ['lease_beat = lease_beat + :one'], values: { ':one': 1, ':token': token } });
      return (await table.write(key, { parts, conditions: [isMine] }, 'NONE')) !== undefined;
    },

    async release(key, token, release) {
      return (await tryForms(key, release, [isMine], { ':token': token })) ?? 'lost';
    },

    ...createDueMirrors({ ...deps, table }),

    async breakLease({ leaseToken, leaseBeat, ...key }, decide) {
      const mirror = await get(key);
      if (mirror === undefined || mirror.leaseToken === null || mirror.leaseToken !== leaseToken || mirror.leaseBeat !== leaseBeat)
        return undefined;
      const values = { ':token': leaseToken, ':beat': leaseBeat };
      // The same holder, and not a beat further.
      const answer = await tryForms(key, await decide(mirror), [isMine, 'lease_beat = :beat'], values);
      return answer === undefined ? undefined : mirror;
    },

    async markDead(key, { error, now }) {
      const parts = updateExpression(attributesOf({ updateStatus: 'failed', lastError: error, lastUpdateAt: now }));
      const conditions = ['requested_seq > done_seq', 'attribute_not_exists(lease_token)'];
      return (await table.write(key, { parts, conditions }, 'NONE')) !== undefined;
    },
  };
}

const isMine = 'lease_token = :token';
/** What `run_refs` is where no request has named any. */
const unnamed = new Set(['*']);
/** Clocks differ a little. */
const earlyMs = 5_000;

/** A paused mirror, or one that is disabled or gone, takes no request. */
function requestWrite(request: UpdateRequest): ConditionalWrite {
  const queued = queuedBy(request);
  return {
    parts: updateExpression(request.confirmDeletions ? { queued_confirm: true } : {}, {
      ...queued,
      values: { ...queued.values, ...(request.refs === undefined ? {} : { ':refs_kept': serviceLimits.waitingRefs }) },
    }),
    conditions: [
      ...['attribute_exists(pk)', 'enabled = :true', 'attribute_not_exists(paused)'],
      ...(request.refs === undefined ? [] : [`(attribute_not_exists(queued_refs) OR size(queued_refs) < :refs_kept)`]),
    ],
  };
}

function resumingWrite(request: UpdateRequest): ConditionalWrite {
  const changes = {
    paused: null,
    failed_runs: 0,
    failing_since: null,
    attempts: 0,
    ...(request.confirmDeletions ? { queued_confirm: true } : {}),
  };
  return {
    parts: updateExpression(changes, queuedBy({ ...request, refs: undefined })),
    conditions: ['attribute_exists(pk)', 'enabled = :true', 'attribute_exists(paused)'],
  };
}
