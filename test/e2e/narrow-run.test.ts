import { describe, expect, it } from 'vitest';
import type { NarrowInput } from '../../lib/mirror/list-narrowly.ts';
import { git } from '../support/git.ts';
import type { LoggedRequest } from '../support/git-http-server.ts';
import { hook, line, resultsOf, type Scenario, type ScenarioSpec, scenario } from '../support/scenario.ts';
import { narrowInput, syncOnce } from '../support/sync.ts';

const quiet = ['--lfs', 'off'];
const asked = (log: readonly LoggedRequest[]): string[] => log.map(({ method, url }) => `${method} ${url.replace(/^\/\w+\.git\//, '')}`);

/** A mirror whose ends are known, and its requests from now on. */
async function known(spec: Omit<ScenarioSpec, 'parents'>, options: readonly string[] = quiet) {
  const made = await scenario({ parents: line, ...spec });
  const input = await narrowInput(made.sourceUrl, made.targetUrl, options);
  if (input === undefined) throw new Error('these ends are not for narrow runs');
  made.sourceServer.log.length = 0;
  made.targetServer.log.length = 0;
  return { made, input };
}

const run = (made: Scenario, narrow: NarrowInput, options: readonly string[] = quiet) =>
  syncOnce(made.sourceUrl, made.targetUrl, options, { narrow });

describe('a narrow run', () => {
  it('asks for the event’s refs at both ends, fetches and pushes: no discovery, and nothing about other refs', async () => {
    const others = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`heads/other-${index}`, 'c1']));
    const { made, input } = await known({ source: { ...others, 'heads/main': 'c3' }, target: { ...others, 'heads/main': 'c2' } }, [
      ...quiet,
      '--keep-divergent-refs',
    ]);
    expect(input.refs).toEqual(['refs/heads/main']);
    const { outcome, way } = await run(made, input);
    expect(resultsOf(outcome)).toEqual(['updated heads/main']);
    expect(await made.refs()).toMatchObject({ 'heads/main': 'c3' });
    expect(way).toMatchObject({ path: 'narrow', found: { 'refs/heads/main': made.oid('c3') } });
    expect(way.gaveUp).toBeUndefined();
    const requests = { source: asked(made.sourceServer.log), target: asked(made.targetServer.log) };
    expect(requests.target).toEqual(['POST git-upload-pack', 'POST git-receive-pack']);
    // The list and the pack, which proves that it was a fast-forward.
    expect(requests.source).toEqual(Array.from({ length: 2 }, () => 'POST git-upload-pack'));
    expect(way.requests).toBe(requests.source.length + requests.target.length);
    const bytes = [...made.sourceServer.log, ...made.targetServer.log].reduce((sum, entry) => sum + entry.bytes, 0);
    expect(bytes).toBeLessThan(3_000);
  });

  it('moves nothing where nothing has moved, with two requests', async () => {
    const { made, input } = await known({ source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2' } });
    await git(made.target, ['fetch', '-q', made.source, '+refs/heads/main:refs/heads/main']);
    const { outcome, way } = await run(made, input);
    expect([outcome.refs, way.path, way.requests]).toEqual([[], 'narrow', 2]);
  });

  it('makes a new branch and a new tag, with what the target’s default branch has left out of the pack', async () => {
    const { made, input } = await known({
      source: { 'heads/main': 'c3', 'heads/n/y': 'y', 'tags/v1': 'c3' },
      target: { 'heads/main': 'c3' },
    });
    const { outcome, way } = await run(made, input);
    expect([resultsOf(outcome), way.path]).toEqual([['created heads/n/y', 'created tags/v1'], 'narrow']);
    expect(await made.refs()).toEqual({ 'heads/main': 'c3', 'heads/n/y': 'y', 'tags/v1': 'c3' });
  });
});

describe('an ordinary run follows in the same job', () => {
  it.each<[string, Omit<ScenarioSpec, 'parents'>, readonly string[], boolean]>([
    ['where a ref is to be deleted', { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2', 'heads/old': 'c1' } }, quiet, false],
    ['where a ref diverged', { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'x' } }, [...quiet, '--keep-divergent-refs'], false],
    [
      'where a name is in the way of a new one',
      { source: { 'heads/main': 'c3', 'heads/a': 'c3' }, target: { 'heads/main': 'c3', 'heads/a/b': 'c1' } },
      quiet,
      false,
    ],
    [
      'where the target says no, because a new name lies below another one',
      { source: { 'heads/main': 'c3', 'heads/a/b': 'c3' }, target: { 'heads/main': 'c3', 'heads/a': 'x' } },
      [...quiet, '--no-delete'],
      false,
    ],
    [
      'where a ref is a symbolic one on the target',
      { source: { 'heads/main': 'c3', 'heads/s': 'c3' }, target: { 'heads/main': 'c2' }, symrefs: { 'heads/s': 'heads/main' } },
      quiet,
      false,
    ],
    [
      'where the target does not speak v2 any more',
      { source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2' }, targetServer: { v0Only: true } },
      quiet,
      true,
    ],
  ])('%s', async (_, spec, options, isSurprise) => {
    const reference = await scenario({ parents: line, ...spec });
    await reference.sync(...options);
    const { made, input } = await known(spec, options);
    const { way } = await run(made, input, options);
    expect(way).toMatchObject({ path: 'ordinary', gaveUp: { isSurprise } });
    expect(await made.refs()).toEqual(await reference.refs());
  });

  it('where the source has another default branch by now', async () => {
    const { made, input } = await known({
      source: { 'heads/main': 'c3', 'heads/t': 'c1' },
      target: { 'heads/main': 'c2', 'heads/t': 'c1' },
    });
    await git(made.source, ['symbolic-ref', 'HEAD', 'refs/heads/t']);
    const { way } = await run(made, input);
    expect(way).toMatchObject({ path: 'ordinary', gaveUp: { isSurprise: false } });
    expect(await made.refs()).toEqual({ 'heads/main': 'c3', 'heads/t': 'c1' });
  });

  it('where a hook of the target refuses, whose words it then tells', async () => {
    const { made, input } = await known({ source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2' } });
    await hook(made.target, 'update', 'echo "not today" >&2; exit 1');
    const { outcome, way } = await run(made, input);
    expect([way.path, resultsOf(outcome)]).toEqual(['ordinary', ['rejected heads/main']]);
    expect(outcome.refs[0]?.reason).toContain('not today');
  });

  it('where somebody moved the ref between the list and the push', async () => {
    let race = async (): Promise<void> => {};
    const { made, input } = await known({
      source: { 'heads/main': 'c3' },
      target: { 'heads/main': 'c1' },
      targetServer: {
        async intercept({ service, isRpc }) {
          const once = race;
          if (service !== 'git-receive-pack' || !isRpc) return false;
          race = async () => {};
          await once();
          return false;
        },
      },
    });
    await git(made.target, ['fetch', '-q', made.store.path, made.oid('x')]);
    race = async () => void (await git(made.target, ['update-ref', 'refs/heads/main', made.oid('x')]));
    const { outcome, way } = await run(made, input);
    expect([way.path, resultsOf(outcome), await made.refs()]).toEqual(['ordinary', ['forced heads/main'], { 'heads/main': 'c3' }]);
  });
});

it('Servers of other names, and a source that speaks v0, are not for narrow runs', async () => {
  const spec = { parents: line, source: { 'heads/main': 'c3' }, target: { 'heads/main': 'c2' } };
  const other = await scenario({ ...spec, sourceServer: { v0Only: true } });
  expect(await narrowInput(other.sourceUrl, other.targetUrl, quiet)).toBeUndefined();
});
