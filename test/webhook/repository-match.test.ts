import { describe, expect, it } from 'vitest';
import { matchRepository } from '../../lib/webhook/repository-match.ts';
import { aMirror, aProject } from './samples.ts';

const one = aMirror({ id: 7 });
const two = aMirror({ id: 8, url: 'https://other.example.com/tools/anvil.git' });
const pull = aMirror({ id: 9, direction: 'pull', url: 'https://upstream.example.com/smith/anvil.git' });
const contents = { project: aProject(), mirrors: [one, two, pull], hooks: [] };

describe('matchRepository', () => {
  it("gives an event of the project's repository to all its push mirrors", () => {
    expect(matchRepository(['https://git.example.com/tools/anvil'], contents)).toEqual({ of: 'project', mirrors: [one, two] });
  });

  it('gives an event of the upstream to the pull mirror', () => {
    expect(matchRepository(['git@upstream.example.com:smith/anvil.git'], contents)).toEqual({ of: 'upstream', mirrors: [pull] });
  });

  it('looks at every address of the event', () => {
    const addresses = ['not an address', 'https://elsewhere.example.com/x/y', 'ssh://git@git.example.com:2222/tools/anvil.git'];
    expect(matchRepository(addresses, contents).of).toBe('project');
  });

  it('asks all mirrors where the event names no repository', () => {
    expect(matchRepository(undefined, contents)).toEqual({ of: null, mirrors: [one, two, pull] });
  });

  it('names the stranger, without what may be secret in its address', () => {
    const { of, mirrors, reason } = matchRepository(['https://ada:s3cret@git.example.com/other/thing\u001b[31m.git'], contents);
    expect({ of, mirrors }).toEqual({ of: null, mirrors: [] });
    expect(reason).not.toContain('s3cret');
    const named = matchRepository(['https://ada:s3cret@git.example.com/other/thing.git'], contents);
    expect(named.reason).toContain('git.example.com/other/thing');
    expect(named.reason).not.toContain('s3cret');
  });

  it("does not take a push mirror's target for a source", () => {
    expect(matchRepository([one.url], contents).mirrors).toEqual([]);
  });

  it.each([
    ['no push mirrors', ['https://git.example.com/tools/anvil.git'], 'project'],
    ['no mirrors', undefined, null],
  ])('says that the project has %s', (_, repositories, of) => {
    const found = matchRepository(repositories, { ...contents, mirrors: repositories === undefined ? [] : [pull] });
    expect(found).toMatchObject({ of, mirrors: [] });
    expect(found.reason).toBeDefined();
  });

  it('tells the two sides of a bidirectional project apart', () => {
    const remote = 'https://remote.example.com/tools/anvil.git';
    const both = { ...contents, mirrors: [aMirror({ id: 7, url: remote }), aMirror({ id: 9, direction: 'pull', url: remote })] };
    expect(matchRepository(['https://git.example.com/tools/anvil.git'], both).mirrors.map(({ mirror }) => mirror)).toEqual([7]);
    expect(matchRepository([remote], both).mirrors.map(({ mirror }) => mirror)).toEqual(['pull']);
  });

  describe('with both ends on one host and path', () => {
    const project = { ...aProject(), repositoryUrl: 'http://forge.example.com:3000/team/anvil.git' };
    const push = aMirror({ id: 7 });
    const numbers = (addresses: readonly string[], upstream: string) =>
      matchRepository(addresses, { project, mirrors: [push, aMirror({ id: 9, direction: 'pull', url: upstream })], hooks: [] }).mirrors.map(
        ({ mirror }) => mirror,
      );

    it.each([
      ['the project', ['http://forge.example.com:3000/team/anvil.git', 'ssh://git@forge.example.com:2200/team/anvil.git'], [7]],
      ['the upstream', ['http://forge.example.com:4000/team/anvil.git', 'ssh://git@forge.example.com:2201/team/anvil.git'], ['pull']],
      ['either', ['ssh://git@forge.example.com:2201/team/anvil.git'], [7, 'pull']],
      ['either, by its path alone', ['/team/anvil'], [7, 'pull']],
      ['neither', ['http://forge.example.com:5000/team/anvil.git'], []],
    ])('asks those that the event is of: %s', (_, addresses, asked) => {
      expect(numbers(addresses, 'http://forge.example.com:4000/team/anvil.git')).toEqual(asked);
    });

    it('takes the same address over SSH for the exact one too', () => {
      const upstream = 'ssh://git@forge.example.com:2201/team/anvil.git';
      expect(numbers([upstream, 'http://forge.example.com:4000/team/anvil.git'], upstream)).toEqual(['pull']);
      expect(
        numbers(['http://forge.example.com:3000/team/anvil.git', 'ssh://git@forge.example.com:2200/team/anvil.git'], upstream),
      ).toEqual([7]);
    });
  });
});
