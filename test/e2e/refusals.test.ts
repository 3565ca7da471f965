import { describe, expect, it } from 'vitest';
import { git } from '../support/git.ts';
import type { Exchange, GitHttpServerOptions } from '../support/git-http-server.ts';
import { hook, line, resultsOf, type Scenario, scenario } from '../support/scenario.ts';

const base = {
  parents: line,
  source: { 'heads/main': 'c3', 'heads/x': 'y', 'heads/new': 'x' },
  target: { 'heads/main': 'c1', 'heads/x': 'c2' },
} as const;
const before = { 'heads/main': 'c1', 'heads/x': 'c2' };
const after = { 'heads/main': 'c3', 'heads/x': 'y', 'heads/new': 'x' };

const pushes = ({ targetServer }: Scenario): number =>
  targetServer.log.filter(({ method, service }) => method === 'POST' && service === 'git-receive-pack').length;
const isPush = ({ service, isRpc }: Exchange): boolean => isRpc && service === 'git-receive-pack';
const reasonOf = (run: Awaited<ReturnType<Scenario['sync']>>, ref: string): string =>
  run.refs.find((outcome) => outcome.ref === `refs/${ref}`)?.reason ?? '';

describe('a target that refuses', () => {
  it('one ref by an update hook gets the others in the same push', async () => {
    const made = await scenario(base);
    await hook(made.target, 'update', 'if [ "$1" = refs/heads/x ]; then echo "x is frozen until Monday" >&2; exit 1; fi');
    const run = await made.sync();
    expect([run.outcome, run.error?.code, pushes(made)]).toEqual(['partial', 'refs_rejected', 1]);
    expect(resultsOf(run)).toEqual(['created heads/new', 'rejected heads/x', 'updated heads/main']);
    expect(reasonOf(run, 'heads/x')).toContain('x is frozen until Monday');
    expect(await made.refs()).toEqual({ ...after, 'heads/x': 'c2' });
  });

  it('the whole batch because of one ref gets all the others, and the culprit stands with the words of the hook', async () => {
    const many = Object.fromEntries(Array.from({ length: 39 }, (_, index) => [`heads/b${String(index).padStart(2, '0')}`, 'x']));
    const made = await scenario({ ...base, source: { 'heads/main': 'c3', ...many } });
    await hook(
      made.target,
      'pre-receive',
      'while read old new ref; do if [ "$ref" = refs/heads/b23 ]; then echo "b23 needs a ticket" >&2; exit 1; fi; done',
    );
    const run = await made.sync('--no-delete');
    expect([run.counts.created, run.counts.updated, run.counts.rejected]).toEqual([38, 1, 1]);
    expect(reasonOf(run, 'heads/b23')).toContain('b23 needs a ticket');
    const { 'heads/b23': _culprit, ...rest } = many;
    expect(await made.refs()).toEqual({ 'heads/main': 'c3', 'heads/x': 'c2', ...rest });
    // 40 refs are halved six times at most, and each halving makes two pushes.
    expect(pushes(made)).toBeLessThanOrEqual(13);
  });

  it('everything is asked a bounded number of times', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`heads/b${index}`, 'x']));
    const made = await scenario({ ...base, source: { 'heads/main': 'c3', ...many } });
    await hook(made.target, 'pre-receive', 'echo "closed for today" >&2; exit 1');
    const run = await made.sync('--no-delete');
    expect([run.outcome, run.error?.code, run.counts.rejected]).toEqual(['partial', 'refs_rejected', 41]);
    for (const { ref, result } of run.refs)
      if (result === 'rejected') expect(reasonOf(run, ref.replace('refs/', ''))).toContain('closed for today');
    expect(pushes(made)).toBeLessThanOrEqual(2 * 41 - 1);
    expect(await made.refs()).toEqual(before);
  });

  it('within a reference transaction, and gives no report, is read again ref by ref', async () => {
    const made = await scenario(base);
    await hook(
      made.target,
      'reference-transaction',
      '[ "$1" = prepared ] || exit 0\nwhile read old new ref; do [ "$ref" = refs/heads/x ] && exit 1; done; exit 0',
    );
    const run = await made.sync();
    expect(resultsOf(run)).toEqual(['created heads/new', 'rejected heads/x', 'updated heads/main']);
    expect(await made.refs()).toEqual({ ...after, 'heads/x': 'c2' });
  });

  it('one of many within a reference transaction does not hold back those behind it, and is no failed run when it stands alone', async () => {
    const names = Array.from({ length: 12 }, (_, number) => `heads/h${number}`);
    const made = await scenario({ parents: line, source: Object.fromEntries(names.map((name) => [name, 'c3'])), target: {} });
    await hook(
      made.target,
      'reference-transaction',
      '[ "$1" = prepared ] || exit 0\nwhile read old new ref; do [ "$ref" = refs/heads/h5 ] && exit 1; done; exit 0',
    );
    const run = await made.sync();
    expect([run.outcome, run.counts.created, run.counts.rejected]).toEqual(['partial', 11, 1]);
    const again = await made.sync();
    expect([again.outcome, again.error?.code, resultsOf(again)]).toEqual(['partial', 'refs_rejected', ['rejected heads/h5']]);
  });

  it('all within reference transactions is a failure with a code', async () => {
    const made = await scenario(base);
    await hook(made.target, 'reference-transaction', '[ "$1" = prepared ] && exit 1; exit 0');
    const run = await made.sync();
    expect([run.outcome, run.counts.rejected]).toEqual([run.error?.code === 'refs_rejected' ? 'partial' : 'failed', 3]);
    expect(['report_missing', 'refs_rejected']).toContain(run.error?.code);
    expect(await made.refs()).toEqual(before);
  });

  it.each([
    [
      'receive.denyNonFastForwards',
      ['created heads/new', 'rejected heads/x', 'updated heads/main'],
      { ...after, 'heads/x': 'c2', 'heads/old': 'c1' },
    ],
    [
      'receive.denyDeletes',
      ['created heads/new', 'forced heads/x', 'rejected heads/old', 'updated heads/main'],
      { ...after, 'heads/old': 'c1' },
    ],
  ])('some by %s gets the rest', async (setting, results, refs) => {
    const made = await scenario({ ...base, target: { ...base.target, 'heads/old': 'c1' } });
    await git(made.target, ['config', setting, 'true']);
    const run = await made.sync(...(setting.endsWith('Forwards') ? ['--no-delete'] : []));
    expect(resultsOf(run).filter((result) => !result.startsWith('kept'))).toEqual(results);
    expect(await made.refs()).toEqual(refs);
  });

  it.each([401, 403, 404, 500, 503])('the push itself with status %i moves nothing and does not try twice', async (status) => {
    const made = await scenario({
      ...base,
      targetServer: {
        intercept: (exchange) => {
          if (!isPush(exchange)) return false;
          exchange.request.resume();
          exchange.response.writeHead(status).end();
          return true;
        },
      },
    });
    const run = await made.sync();
    expect([run.outcome, run.counts.rejected, pushes(made)]).toEqual(['failed', 3, 1]);
    expect(await made.refs()).toEqual(before);
  });
});

describe('a first mirror that is too large for one request', () => {
  it('is split, the default branch first', async () => {
    const parents: Record<string, string[]> = { root: [] };
    const source: Record<string, string> = { 'heads/main': 'root' };
    for (let index = 0; index < 12; index++) {
      parents[`n${index}`] = [index === 0 ? 'root' : `n${index - 1}`];
      source[`heads/n${String(index).padStart(2, '0')}`] = `n${index}`;
    }
    const made = await scenario({ parents, source, target: {}, targetServer: { maxRequestBytes: 1500 } });
    const run = await made.sync();
    expect([run.outcome, run.counts.created]).toEqual(['success', 13]);
    expect(await made.refs()).toEqual(source);
    expect(pushes(made)).toBeGreaterThan(2);
  });

  it('gives up where a single ref is too large, and says so', async () => {
    const made = await scenario({ ...base, target: {}, targetServer: { maxRequestBytes: 300 } });
    const run = await made.sync();
    expect([run.outcome, run.error?.code]).toEqual(['partial', 'push_too_large']);
    expect(run.error?.hint).toContain('client_max_body_size');
    expect(await made.refs()).toEqual({});
    // Together, their oldest commit alone, then each ref: none twice.
    expect(pushes(made)).toBeLessThanOrEqual(7);
  });
});

describe('a ref that somebody else moves between the list and the push', () => {
  /** Moves x just before a push is passed on, `times` times: to c1, c2, c1, ... */
  const racing = (times: number) => {
    const state: { made?: Scenario; left: number } = { left: times };
    const targetServer: Omit<GitHttpServerOptions, 'root'> = {
      intercept: async (exchange) => {
        if (isPush(exchange) && state.left > 0 && state.made !== undefined) {
          const to = state.left-- % 2 === 1 ? 'c1' : 'c3';
          await git(state.made.target, ['update-ref', 'refs/heads/x', state.made.oid(to)]);
        }
        return false;
      },
    };
    return { state, targetServer };
  };
  const race = { ...base, target: { ...base.target, 'heads/pin': 'c3' } };

  it('once is planned again and then moves', async () => {
    const { state, targetServer } = racing(1);
    const made = await scenario({ ...race, targetServer });
    state.made = made;
    const run = await made.sync('--no-delete');
    expect([run.outcome, run.error]).toEqual(['success', null]);
    expect(run.refs.find(({ ref }) => ref === 'refs/heads/x')).toMatchObject({
      result: 'updated',
      old: made.oid('c1'),
      new: made.oid('y'),
    });
    expect(await made.refs()).toEqual({ ...after, 'heads/pin': 'c3' });
  });

  it('again and again is reported as raced, with the value of the other left in place', async () => {
    const { state, targetServer } = racing(1000);
    const made = await scenario({ ...race, targetServer });
    state.made = made;
    const run = await made.sync('--no-delete');
    expect([run.outcome, run.error?.code]).toEqual(['partial', 'refs_raced']);
    expect(resultsOf(run)).toEqual(['created heads/new', 'kept heads/pin', 'raced heads/x', 'updated heads/main']);
    expect(['c1', 'c3']).toContain((await made.refs())['heads/x']);
    expect(pushes(made)).toBeLessThanOrEqual(4);
  });

  it('to the very value that was meant is done', async () => {
    let made: Scenario | undefined;
    const targetServer: Omit<GitHttpServerOptions, 'root'> = {
      intercept: async (exchange) => {
        if (isPush(exchange) && made !== undefined) await git(made.target, ['update-ref', 'refs/heads/x', made.oid('c3')]);
        return false;
      },
    };
    made = await scenario({ ...race, source: { ...base.source, 'heads/x': 'c3' }, targetServer });
    const run = await made.sync('--no-delete');
    expect([run.outcome, run.counts.raced, run.counts.rejected]).toEqual(['success', 0, 0]);
    expect((await made.refs())['heads/x']).toBe('c3');
  });

  it('and is to be deleted keeps the new commits of the other', async () => {
    let made: Scenario | undefined;
    const targetServer: Omit<GitHttpServerOptions, 'root'> = {
      intercept: async (exchange) => {
        if (isPush(exchange) && made !== undefined) await git(made.target, ['update-ref', 'refs/heads/old', made.oid('y')]);
        return false;
      },
    };
    made = await scenario({
      parents: line,
      source: { 'heads/main': 'c3' },
      target: { 'heads/main': 'c3', 'heads/old': 'c1', 'heads/pin': 'y' },
      targetServer,
    });
    const run = await made.sync();
    expect(resultsOf(run)).toEqual(['kept heads/old', 'kept heads/pin']);
    expect((await made.refs())['heads/old']).toBe('y');
  });
});
