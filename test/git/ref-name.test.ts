import { spawn } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBranch, isTag, NamesInTheWay, refNameFault, shortRefName } from '../../lib/git/ref-name.ts';
import { gitEnvironment } from '../support/git.ts';

/** The oracle: what git itself accepts. */
function gitAccepts(name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    spawn('git', ['check-ref-format', name], { env: gitEnvironment, stdio: 'ignore' })
      .on('error', reject)
      .on('close', (status) => resolve(status === 0));
  });
}

const names = [
  'refs/heads/main',
  'refs/heads/feature/x',
  'refs/heads/größer',
  'refs/heads/日本',
  'refs/heads/-x',
  'refs/heads/a-b_c+d=e,f!g#h%i&j(k)l',
  'refs/heads/{x}',
  "refs/heads/'quoted'",
  'refs/heads/"double"',
  'refs/heads/$(x)`y`;|<>',
  'refs/heads/@',
  'refs/heads/x@y',
  'refs/heads/HEAD',
  'refs/heads',
  'refs/heads/a.b',
  'refs/heads/lock',
  'refs/heads/a.locked',
  'refs/heads/a.LOCK',
  'refs/heads/a.lock',
  'refs/heads/a.lock/b',
  'refs/heads/.lock',
  'refs/heads/.a',
  'refs/heads/a/.b',
  'refs/.heads/a',
  'refs/heads/a.',
  'refs/heads/a./b',
  'refs/heads/a..b',
  'refs/heads/a...b',
  'refs/heads//a',
  'refs/heads/a//b',
  'refs/heads/a/',
  'refs/heads/',
  'refs/',
  'refs/heads/@{',
  'refs/heads/a@{1}',
  'refs/heads/a b',
  'refs/heads/a\tb',
  'refs/heads/a\nb',
  'refs/heads/a\x7fb',
  'refs/heads/a\x01b',
  'refs/heads/a\u0085b',
  'refs/heads/a~1',
  'refs/heads/a^',
  'refs/heads/a:b',
  'refs/heads/a?',
  'refs/heads/a*',
  'refs/heads/a[b',
  'refs/heads/a]b',
  'refs/heads/a\\b',
];

describe('a ref name', () => {
  it.each(names)('%j is accepted if git accepts it', async (name) => {
    expect(refNameFault(name) === undefined).toBe(await gitAccepts(name));
  });

  it('is accepted if and only if git accepts it', async () => {
    const parts = fc.constantFrom(
      'a',
      'B',
      '1',
      '.',
      '..',
      '/',
      '@',
      '{',
      '@{',
      '.lock',
      'lock',
      '-',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      '\\',
      ' ',
      'é',
      '🚢',
      '\x1f',
      '\x7f',
      ']',
      '}',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { minLength: 1, maxLength: 6 }), async (pieces) => {
        const name = `refs/${pieces.join('')}`;
        expect(refNameFault(name) === undefined).toBe(await gitAccepts(name));
      }),
      { numRuns: 250 },
    );
  });

  it.each([
    ['is not below refs/', 'HEAD'],
    ['is empty', ''],
    ['is @', '@'],
    ['holds a NUL, which git cannot even be asked about', 'refs/heads/a\0b'],
    ['was not UTF-8', 'refs/heads/a\ufffd'],
    ['is longer than file systems and messages bear', `refs/heads/${'é'.repeat(520)}`],
  ])('is refused if it %s', (_, name) => expect(refNameFault(name)).toEqual(expect.any(String)));

  it('may have 1,024 bytes', () => {
    expect(refNameFault(`refs/heads/${'a'.repeat(1013)}`)).toBeUndefined();
    expect(refNameFault(`refs/heads/${'a'.repeat(1014)}`)).toBeDefined();
  });
});

describe('kinds of refs', () => {
  it.each([
    ['refs/heads/main', 'main', true, false],
    ['refs/heads/a/b', 'a/b', true, false],
    ['refs/tags/v1', 'v1', false, true],
    ['refs/headsx/main', 'refs/headsx/main', false, false],
    ['refs/notes/commits', 'refs/notes/commits', false, false],
    ['HEAD', 'HEAD', false, false],
  ])('%s is %s for short; branch: %s, tag: %s', (name, short, branch, tag) => {
    expect([shortRefName(name), isBranch(name), isTag(name)]).toEqual([short, branch, tag]);
  });
});

describe('a name in the way', () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', 'a.', 'a-b', '!'), { minLength: 1, maxLength: 4 })
    .map((words) => `refs/heads/${words.join('/')}`);
  const conflicts = (one: string, other: string): boolean => one.startsWith(`${other}/`) || other.startsWith(`${one}/`);

  it('is found if and only if there is one', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 20 }), name, (given, ref) => {
        // As in a repository: no two of them are in each other's way.
        const names = given.filter((one, index) => !given.slice(0, index).some((other) => conflicts(one, other)));
        const found = new NamesInTheWay(names).of(ref);
        expect(found !== undefined).toBe(names.some((other) => conflicts(ref, other)));
        if (found !== undefined) expect(names.includes(found) && conflicts(ref, found)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('is found among names of thousands of folders without a list of all of them', () => {
    const names = Array.from({ length: 200 }, (_, index) => `refs/heads/${index}${'/a'.repeat(30_000)}`);
    const before = process.memoryUsage().heapUsed;
    expect(new NamesInTheWay(names).of('refs/heads/7/a/a')).toBe(names[7]);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000);
  });
});
