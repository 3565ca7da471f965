/** What runs leave to be told: news-of-run.ts and leave-news.ts, with the real life of an update around them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../lib/core/error-catalogue.ts';
import { GitferryError } from '../../../lib/core/errors.ts';
import { createRedactor } from '../../../lib/core/redact.ts';
import { serviceLimits } from '../../../lib/core/service-limits.ts';
import { runJob } from '../../../lib/jobs/runs/run-job.ts';
import type { SyncedRun } from '../../../lib/jobs/runs/run-sync.ts';
import { type RunFacts, summarise } from '../../../lib/mirror/outcome.ts';
import type { Mirror, MirrorKey } from '../../../lib/model/mirror.ts';
import { type NoticeType, noticeTypeNames } from '../../../lib/model/notice.ts';
import { timeLeft } from '../../support/job-bench.ts';
import { type NotifyBench, openNotifyBench, type Receiver, startReceiver, verified } from '../../support/notify-bench.ts';

let bench: NotifyBench;
let receiver: Receiver;
let signingSecret: string;
beforeAll(async () => {
  [bench, receiver] = await Promise.all([openNotifyBench(), startReceiver()]);
  ({ signingSecret } = await bench.webhook(receiver, { events: noticeTypeNames }));
});
beforeEach(() => {
  receiver.received.length = 0;
});
afterAll(() => Promise.all([bench.close(), receiver.close()]));

interface RunOptions extends Partial<RunFacts> {
  readonly code?: ErrorCode;
  readonly detail?: string;
}

async function run(key: MirrorKey, { code, detail = '', ...facts }: RunOptions = {}): Promise<void> {
  const redactor = createRedactor([]);
  const error = code === undefined ? undefined : new GitferryError(code, { detail });
  const plain = { refs: [], error, divergedDefaultBranch: undefined, bytes: 0, durationMs: 0, dryRun: false, notes: [] };
  const synced: SyncedRun = { outcome: summarise({ ...plain, ...facts }, redactor), defaultBranch: null, redactor };
  bench.clock.add(3600_000);
  await bench.request(key, { kind: 'manual', who: 'test' });
  await runJob({ projectId: key.projectId, mirror: key.mirror }, { deadline: timeLeft() }, { ...bench, sync: async () => synced });
  await bench.notify();
}

interface Heard {
  readonly type: NoticeType;
  readonly [field: string]: unknown;
}

/** Since the last call. */
function heard(): Heard[] {
  return receiver.received.splice(0).map((received) => verified(received, signingSecret).data as Heard);
}
const types = (): string[] => heard().map(({ type }) => type);

async function healthy(options: Parameters<NotifyBench['made']>[0] = {}): Promise<Mirror> {
  const { mirror } = await bench.made(options);
  await run(mirror);
  expect(types()).toEqual(['mirror.first_success']);
  return mirror;
}

describe('people are told', () => {
  it('once that a mirror fails, however often it does, and once that it is well again', async () => {
    const mirror = await healthy();
    await run(mirror, { code: 'permission_denied', detail: 'HTTP 403.' });
    const [failing] = heard();
    expect(failing).toMatchObject({ type: 'mirror.failing', error: { code: 'permission_denied' }, mirror: { id: mirror.id } });
    expect(failing!['text']).toContain('What to do:');
    for (let n = 0; n < 5; n++) await run(mirror, { code: 'permission_denied' });
    expect(types()).toEqual([]);
    await run(mirror);
    await run(mirror);
    expect(types()).toEqual(['mirror.recovered']);
  });

  it('of what is tried again only when it has failed for good', async () => {
    const mirror = await healthy();
    for (let attempt = 1; attempt < serviceLimits.attempts; attempt++) await run(mirror, { code: 'pack_truncated' });
    expect(types()).toEqual([]);
    await run(mirror, { code: 'pack_truncated' });
    expect(types()).toEqual(['mirror.failing']);
  });

  it('once that a mirror is paused', async () => {
    const mirror = await healthy();
    for (let n = 0; n < 30; n++) await run(mirror, { code: 'permission_denied' });
    expect(types()).toEqual(['mirror.failing', 'mirror.paused']);
  });

  it('what needs a decision: deletions that are held back, a default branch that has diverged, a key that is not there', async () => {
    const held = await healthy();
    const notes = [{ code: 'deletions_held_back', message: '12 deletions are held back.', count: 12 } as const];
    await run(held, { notes });
    await run(held, { notes });
    expect(heard().map(({ type, decision, count }) => [type, decision, count])).toEqual([
      ['mirror.needs_decision', 'deletions_held_back', 12],
    ]);

    const { mirror: pull } = await bench.made({ direction: 'pull' });
    const diverged = { ref: 'refs/heads/main', result: 'diverged', old: '1'.repeat(40), new: '2'.repeat(40), reason: null } as const;
    await run(pull, { divergedDefaultBranch: 'refs/heads/main', refs: [diverged] });
    expect(heard().map(({ type, decision }) => [type, decision])).toEqual([['mirror.needs_decision', 'default_branch_diverged']]);

    const { mirror: keyed } = await bench.made({ mirror: { url: 'ssh://git@key.example/a/b.git', authMethod: 'ssh_public_key' } });
    await run(keyed, { code: 'credentials_refused', detail: 'key.example refused the key.' });
    expect(heard().map(({ type, decision }) => [type, decision])).toEqual([['mirror.needs_decision', 'key_not_at_host']]);
  });

  it('which refs moved, with old and new value', async () => {
    const mirror = await healthy();
    const [old, value] = ['1'.repeat(40), '2'.repeat(40)];
    await run(mirror, {
      refs: [
        { ref: 'refs/heads/main', result: 'updated', old, new: value, reason: null },
        { ref: 'refs/heads/kept', result: 'kept', old, new: null, reason: null },
      ],
    });
    const [updated] = heard();
    expect(updated).toMatchObject({
      type: 'mirror.updated',
      refs: [{ ref: 'refs/heads/main', result: 'updated', old, new: value }],
      refs_total: 1,
    });
  });

  it('once that a host refuses a shared credential, for all mirrors that use it there', async () => {
    const secretName = await bench.secrets.create('credential', { username: 'svc', password: 'x' });
    const now = bench.clock.now();
    const shared = await bench.records.credentials.create({ name: 'svc-mirror', secretName, createdAt: now, updatedAt: now });
    const credential = { kind: 'shared', credentialId: shared.id } as const;
    const mirrors: Mirror[] = [];
    for (let n = 0; n < 5; n++) mirrors.push(await healthy({ mirror: { url: `https://refusing.example/a/${n}.git`, credential } }));
    const refuse = async () => {
      for (const mirror of mirrors) await run(mirror, { code: 'credentials_refused', detail: `${mirror.url} answered 401.` });
    };
    await refuse();
    expect(heard().map(({ type, title }) => [type, title])).toEqual([
      ['credential.refused', 'refusing.example refuses the credential svc-mirror: 5 mirrors'],
    ]);
    for (let n = 0; n < 30; n++)
      await run(mirrors[0]!, { code: 'credentials_refused', detail: 'https://refusing.example/a/0.git answered 401.' });
    expect(types()).toEqual([]);
    await bench.records.mirrors.resetFailingUsers(shared.id);
    for (const mirror of mirrors) await run(mirror);
    expect(types()).toEqual(['credential.accepted']);
    await refuse();
    expect(types()).toEqual(['credential.refused']);
  });
});

describe('nothing is left in the table', () => {
  it('where no channel hears of it', async () => {
    const mirror = await healthy();
    const outbox = { ...bench.outbox, isHeard: async () => false, put: () => Promise.reject(new Error('it is left')) };
    await bench.request(mirror, { kind: 'manual', who: 'test' });
    bench.clock.add(3600_000);
    const redactor = createRedactor([]);
    const facts = {
      refs: [],
      error: new GitferryError('permission_denied'),
      divergedDefaultBranch: undefined,
      bytes: 0,
      durationMs: 0,
      dryRun: false,
      notes: [],
    };
    const synced: SyncedRun = { outcome: summarise(facts, redactor), defaultBranch: null, redactor };
    const key = { projectId: mirror.projectId, mirror: mirror.mirror };
    expect(await runJob(key, { deadline: timeLeft() }, { ...bench, outbox, sync: async () => synced })).toBe('done');
  });
});
