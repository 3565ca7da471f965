import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { line, resultsOf, scenario } from '../support/scenario.ts';

const both = { 'heads/main': 'c3', 'heads/old': 'c1', 'tags/v': 'c1' };

describe('a ref whose file is empty, as after a power cut', () => {
  it.each([
    ['push', []],
    ['push that keeps divergent refs', ['--keep-divergent-refs']],
    ['pull', ['--direction', 'pull']],
    ['pull that overwrites', ['--direction', 'pull', '--overwrite-diverged-branches']],
  ])('at a v0 source is refused by name, deletes and overwrites nothing, and the rest moves: %s', async (_, options) => {
    const made = await scenario({ parents: line, source: { ...both, 'heads/new': 'x' }, target: both, sourceServer: { v0Only: true } });
    for (const ref of ['refs/heads/old', 'refs/tags/v']) await truncate(join(made.source, ref));
    const dry = await made.sync(...options, '--dry-run');
    const run = await made.sync(...options);
    expect(resultsOf(run)).toEqual(['created heads/new', 'rejected heads/old', 'rejected tags/v']);
    expect([run.outcome, dry.refs]).toEqual(['partial', run.refs]);
    expect(await made.refs()).toEqual({ ...both, 'heads/new': 'x' });
  });

  it('at the target is refused by name', async () => {
    const made = await scenario({ parents: line, source: { ...both, 'heads/new': 'x' }, target: both });
    await truncate(join(made.target, 'refs/heads/old'));
    const run = await made.sync();
    // git itself takes no push while it has a broken ref: the other one is refused in its words.
    expect([run.outcome, resultsOf(run)]).toEqual(['partial', ['rejected heads/new', 'rejected heads/old']]);
    expect(run.refs.find(({ ref }) => ref === 'refs/heads/old')?.reason).toContain('broken there');
  });
});

describe('a source whose HEAD stands for a tag', () => {
  it.each(['v2', 'v0'])('has no default branch (%s), so nothing is deleted: the tag may never get to the target', async (protocol) => {
    const target = { 'heads/main': 'c3', 'heads/own': 'y' };
    const source = { 'heads/main': 'c3', 'tags/t': 'y' };
    const made = await scenario({ parents: line, source, sourceHead: 'tags/t', target, sourceServer: { v0Only: protocol === 'v0' } });
    const run = await made.sync('--tags', 'v.*');
    expect(run.refs).toMatchObject([{ ref: 'refs/heads/own', result: 'kept', reason: 'the source has no default branch' }]);
    expect(await made.refs()).toEqual(target);
  });
});
