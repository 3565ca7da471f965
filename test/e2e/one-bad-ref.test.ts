/** One bad ref never holds the others back, whatever the refusal: each with a real git at both ends. */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunOutcome } from '../../lib/mirror/outcome.ts';
import { git } from '../support/git.ts';
import { hook, line, resultsOf, type Scenario, type ScenarioSpec, scenario } from '../support/scenario.ts';

const base = {
  parents: line,
  source: { 'heads/main': 'c3', 'heads/x': 'y', 'heads/new': 'x' },
  target: { 'heads/main': 'c1', 'heads/x': 'c2' },
} as const satisfies ScenarioSpec;

const pushes = ({ targetServer }: Scenario): number =>
  targetServer.log.filter(({ method, service }) => method === 'POST' && service === 'git-receive-pack').length;
const refOf = (run: RunOutcome, ref: string) => run.refs.find((outcome) => outcome.ref === `refs/${ref}`);

/** A commit on top of c1 with a file of this many incompressible bytes, at `ref` of the source. */
async function addLarge({ folder, source, oid }: Scenario, ref: string, bytes: number): Promise<string> {
  const path = join(folder, 'large');
  await writeFile(path, randomBytes(bytes));
  const blob = await git(source, ['hash-object', '-w', path]);
  const tree = await git(source, ['mktree'], { input: `100644 blob ${blob}\tlarge\n` });
  const commit = await git(source, ['commit-tree', tree, '-p', oid('c1'), '-m', 'large']);
  await git(source, ['update-ref', `refs/${ref}`, commit]);
  return blob;
}

/** A commit whose date git fsck complains about. */
async function badCommit({ source, oid }: Scenario, parent = 'c3'): Promise<string> {
  const tree = await git(source, ['rev-parse', 'refs/heads/main^{tree}']);
  return git(source, ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], {
    input: `tree ${tree}\nparent ${oid(parent)}\nauthor A <a@b> 1700000000 +0000\ncommitter no-date\n\nbad\n`,
  });
}

async function targetRef({ target }: Scenario, ref: string): Promise<string> {
  return git(target, ['for-each-ref', '--format=%(objectname)', `refs/${ref}`]);
}

describe('one ref', () => {
  it('whose tip git fsck complains about stays alone, and is named', async () => {
    const made = await scenario({ ...base, source: { ...base.source, 'heads/bad': 'c3' } });
    const bad = await badCommit(made);
    await git(made.source, ['update-ref', 'refs/heads/bad', bad]);
    await git(made.target, ['config', 'receive.fsckObjects', 'true']);
    const run = await made.sync('--no-delete');
    expect([run.outcome, run.error?.code]).toEqual(['partial', 'objects_refused']);
    expect(run.error?.message).toContain('refs/heads/bad');
    expect(resultsOf(run)).toEqual(['created heads/new', 'forced heads/x', 'rejected heads/bad', 'updated heads/main']);
    expect(refOf(run, 'heads/bad')?.reason).toContain(bad);
    expect(pushes(made)).toBeLessThanOrEqual(3);
  });

  it('with a file that git fsck complains about is told with the commit and path of that file', async () => {
    const made = await scenario({ ...base, source: { ...base.source, 'heads/bad': 'c3' } });
    const content = '[submodule "x"]\n\tpath = x\n\turl = -u./payload\n';
    const blob = await git(made.source, ['hash-object', '-w', '--stdin'], { input: content });
    const folder = await git(made.source, ['mktree'], { input: `100644 blob ${blob}\t.gitmodules\n` });
    const tree = await git(made.source, ['mktree'], { input: `040000 tree ${folder}\tvendor\n` });
    const bad = await git(made.source, ['commit-tree', tree, '-p', made.oid('c3'), '-m', 'bad']);
    const above = await git(made.source, ['commit-tree', tree, '-p', bad, '-m', 'above']);
    await git(made.source, ['update-ref', 'refs/heads/bad', above]);
    await git(made.target, ['config', 'receive.fsckObjects', 'true']);
    const run = await made.sync('--no-delete');
    expect(resultsOf(run)).toEqual(['created heads/new', 'forced heads/x', 'rejected heads/bad', 'updated heads/main']);
    expect(refOf(run, 'heads/bad')?.reason).toMatch(new RegExp(`\\(${blob} is vendor/\\.gitmodules in commit (${bad}|${above})\\)`));
  });

  it('with such a commit in its history stays alone among forty', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`heads/b${String(number).padStart(2, '0')}`, 'x']));
    const made = await scenario({ ...base, source: { ...base.source, ...many }, target: {} });
    const bad = await badCommit(made);
    const tree = await git(made.source, ['rev-parse', 'refs/heads/main^{tree}']);
    const above = await git(made.source, ['commit-tree', tree, '-p', bad, '-m', 'above']);
    await git(made.source, ['update-ref', 'refs/heads/b17', above]);
    await git(made.target, ['config', 'receive.fsckObjects', 'true']);
    const run = await made.sync();
    expect([run.outcome, run.error?.code, run.counts.created, run.counts.rejected]).toEqual(['partial', 'objects_refused', 42, 1]);
    expect(refOf(run, 'heads/b17')?.reason).toContain(bad);
    expect(pushes(made)).toBeLessThanOrEqual(15);
  });

  it.each(['receive.maxInputSize', 'a proxy'])('over the limit of %s stays alone', async (by) => {
    const limit = 1_000_000;
    const made = await scenario({ ...base, ...(by === 'a proxy' ? { targetServer: { maxRequestBytes: limit } } : {}) });
    await addLarge(made, 'heads/a-large', 24_000_000);
    if (by !== 'a proxy') await git(made.target, ['config', 'receive.maxInputSize', String(limit)]);
    const run = await made.sync('--no-delete');
    expect([run.outcome, run.error?.code]).toEqual(['partial', 'push_too_large']);
    expect(run.error?.message).toContain('refs/heads/a-large');
    expect(run.error?.hint).toContain('receive.maxInputSize');
    expect(resultsOf(run)).toEqual(['created heads/new', 'forced heads/x', 'rejected heads/a-large', 'updated heads/main']);
    // What is refused early is not sent to its end.
    expect(run.bytes).toBeLessThan(48_000_000);
  });

  it('that alone is over the limit is not sent again with other deltas', async () => {
    const made = await scenario({ ...base, source: { 'heads/main': 'c1' }, target: { 'heads/main': 'c1' } });
    await addLarge(made, 'heads/large', 3_000_000);
    await git(made.target, ['config', 'receive.maxInputSize', '1000000']);
    const run = await made.sync();
    expect([run.error?.code, pushes(made)]).toEqual(['push_too_large', 1]);
  });

  it.each(['blob', 'tip'])('whose %s the source has lost is the only one left behind, and the source is to blame', async (lost) => {
    const made = await scenario({ ...base, source: { ...base.source } });
    const blob = await addLarge(made, 'heads/a-broken', 1000);
    const oid = lost === 'blob' ? blob : await git(made.source, ['rev-parse', 'refs/heads/a-broken']);
    await rm(join(made.source, 'objects', oid.slice(0, 2), oid.slice(2)), { force: true });
    const run = await made.sync('--no-delete', '--lfs', 'off');
    expect(resultsOf(run).filter((result) => !result.endsWith('a-broken'))).toEqual([
      'created heads/new',
      'forced heads/x',
      'updated heads/main',
    ]);
    const broken = refOf(run, 'heads/a-broken');
    expect([run.outcome, run.error?.code, broken?.result]).toEqual(['partial', 'source_damaged', 'unreadable']);
    expect(broken?.reason).toContain(oid);
    expect(run.error?.hint).toContain('git fsck on the source');
  });

  it('that was moved at the source meanwhile is listed again, and moves', async () => {
    let made: Scenario | undefined;
    let isMoved = false;
    made = await scenario({
      ...base,
      sourceServer: {
        intercept: async ({ isRpc, request }) => {
          // After the list, before the pack.
          if (isRpc && made !== undefined && !isMoved && Number(request.headers['content-length'] ?? 0) > 200) {
            isMoved = true;
            await git(made.source, ['update-ref', 'refs/heads/new', made.oid('c2')]);
            await git(made.source, ['update-ref', '-d', 'refs/heads/x']);
            await git(made.source, ['reflog', 'expire', '--expire=now', '--all']);
            await git(made.source, ['-c', 'gc.auto=0', 'prune', '--expire=now']);
          }
          return false;
        },
      },
    });
    const run = await made.sync('--no-delete', '--lfs', 'off');
    expect(isMoved).toBe(true);
    expect([run.outcome, run.error]).toEqual(['success', null]);
    expect(await targetRef(made, 'heads/new')).toBe(made.oid('c2'));
  });
});

describe('a lock at the target', () => {
  it.each(['refs/heads/x.lock', 'packed-refs.lock'])('%s that goes away is waited for', async (lock) => {
    let made: Scenario | undefined;
    let seen = 0;
    made = await scenario({
      ...base,
      target: { ...base.target, 'heads/old': 'c1' },
      targetServer: {
        intercept: async ({ isRpc, service }) => {
          if (isRpc && service === 'git-receive-pack' && ++seen === 2 && made !== undefined) await rm(join(made.target, lock));
          return false;
        },
      },
    });
    await git(made.target, ['pack-refs', '--all']);
    await writeFile(join(made.target, lock), '');
    const run = await made.sync();
    expect([run.outcome, run.error]).toEqual(['success', null]);
    expect(seen).toBe(2);
  });

  it('that stays holds back one ref, and the run is tried again later', async () => {
    const made = await scenario(base);
    await writeFile(join(made.target, 'refs/heads/x.lock'), '');
    const run = await made.sync('--no-delete');
    expect([run.outcome, run.error?.code]).toEqual(['partial', 'target_locked']);
    expect(resultsOf(run)).toEqual(['created heads/new', 'rejected heads/x', 'updated heads/main']);
    expect(run.error?.hint).toContain('.lock');
    await rm(join(made.target, 'refs/heads/x.lock'));
  });
});

describe('many refs', () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, number) => [`heads/h${String(number).padStart(3, '0')}`, 'c1']));

  it('that the target hides cost one push', async () => {
    const made = await scenario({ ...base, source: { 'heads/main': 'c3', ...many } });
    await git(made.target, ['config', 'receive.hideRefs', 'refs/heads/h']);
    for (let digit = 0; digit < 10; digit++) await git(made.target, ['config', '--add', 'receive.hideRefs', `refs/heads/h${digit}`]);
    for (const name of Object.keys(many)) await git(made.target, ['config', '--add', 'receive.hideRefs', `refs/${name}`]);
    const run = await made.sync('--no-delete');
    expect([run.counts.rejected, run.counts.updated, pushes(made)]).toEqual([300, 1, 1]);
    expect(refOf(run, 'heads/h007')?.reason).toBe('deny updating a hidden ref');
  });

  it('that may not be deleted cost one push', async () => {
    const made = await scenario({ ...base, source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c1', ...many } });
    await git(made.target, ['config', 'receive.denyDeletes', 'true']);
    const run = await made.sync('--confirm-deletions');
    expect([run.counts.rejected, run.counts.updated, pushes(made)]).toEqual([300, 1, 1]);
  });

  it('that an update hook refuses cost one push, and each has its own words only', async () => {
    const made = await scenario({ ...base, source: { 'heads/main': 'c3', ...many } });
    await hook(made.target, 'update', 'case "$1" in refs/heads/h*) echo "$1 needs a ticket" >&2; exit 1;; esac');
    const run = await made.sync('--no-delete');
    expect([run.counts.rejected, pushes(made)]).toEqual([300, 1]);
    expect(refOf(run, 'heads/h007')?.reason).toMatch(/^hook declined(: refs\/heads\/h007 needs a ticket)?$/);
    expect(refOf(run, 'heads/h299')?.reason).toMatch(
      /^hook declined: refs\/heads\/h299 needs a ticket( \| error: hook declined to update refs\/heads\/h299)?$/,
    );
    expect(JSON.stringify(run).length).toBeLessThan(120_000);
  });

  it('that a pre-receive hook refuses all alike are given up after a bounded number of pushes', async () => {
    const made = await scenario({ ...base, source: { 'heads/main': 'c3', ...many } });
    await hook(made.target, 'pre-receive', 'echo "closed for today" >&2; exit 1');
    const run = await made.sync('--no-delete');
    expect(run.counts.rejected).toBe(303 - 2);
    expect(pushes(made)).toBeLessThanOrEqual(42);
    expect(refOf(run, 'heads/h007')?.reason).toContain('closed for today');
  });
});

describe('the words of the target', () => {
  it('survive when it cannot be listed again', async () => {
    let pushed = false;
    const made = await scenario({
      ...base,
      targetServer: {
        intercept: ({ isRpc, service, request, response }) => {
          if (isRpc && service === 'git-receive-pack') pushed = true;
          else if (pushed) {
            request.resume();
            response.writeHead(503).end();
            return true;
          }
          return false;
        },
      },
    });
    await hook(made.target, 'update', 'if [ "$1" = refs/heads/x ]; then echo "x is frozen until Monday" >&2; exit 1; fi');
    const run = await made.sync('--no-delete');
    expect([run.outcome, run.error?.code]).toEqual(['partial', 'server_error']);
    expect(resultsOf(run)).toEqual(['created heads/new', 'rejected heads/x', 'updated heads/main']);
    expect(refOf(run, 'heads/x')?.reason).toMatch(/frozen until Monday.*not verified/);
  });

  it('come without progress', async () => {
    const made = await scenario({ ...base, source: { 'heads/main': 'c3' }, target: {} });
    await addLarge(made, 'heads/large', 2_000_000);
    await hook(made.target, 'pre-receive', 'echo "closed for today" >&2; exit 1');
    const run = await made.sync();
    expect(refOf(run, 'heads/large')?.reason).toBe('pre-receive hook declined: closed for today');
  });
});

describe('a push that breaks off', () => {
  const hangUpAfter = (bytes: number): NonNullable<ScenarioSpec['targetServer']> => {
    let broken = false;
    return {
      intercept: ({ isRpc, service, request }) => {
        if (!isRpc || service !== 'git-receive-pack' || broken) return false;
        let received = 0;
        request.on('data', (chunk: Buffer) => {
          received += chunk.length;
          if (received < bytes) return;
          broken = true;
          request.socket.destroy();
        });
        return true;
      },
    };
  };

  it('early is begun again, and the run says so', async () => {
    const made = await scenario({ ...base, source: { 'heads/main': 'c3' }, target: {}, targetServer: hangUpAfter(1_500_000) });
    await addLarge(made, 'heads/large', 3_000_000);
    const run = await made.sync();
    expect([run.outcome, run.counts.created]).toEqual(['success', 2]);
    expect(run.notes.map(({ code }) => code)).toEqual(['push_sent_again']);
  });

  it('late is left to the next run', async () => {
    const made = await scenario({ ...base, source: { 'heads/main': 'c3' }, target: {}, targetServer: hangUpAfter(20_000_000) });
    await addLarge(made, 'heads/large', 24_000_000);
    const run = await made.sync();
    expect([run.outcome, run.error?.code, run.notes, pushes(made)]).toEqual(['failed', 'connection_failed', [], 1]);
    expect(run.bytes).toBeLessThan(24_100_000);
  });
});
