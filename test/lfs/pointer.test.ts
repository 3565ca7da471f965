import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodePointer, parsePointer } from '../../lib/lfs/pointer.ts';
import { temporaryFolder } from '../support/git.ts';
import { isAvailable } from '../support/programs.ts';

const oid = 'a1'.repeat(32);
const version = 'version https://git-lfs.github.com/spec/v1';
const other = `sha256:${'0'.repeat(64)}`;

const texts: Readonly<Record<string, string>> = {
  'as it should be': `${version}\noid sha256:${oid}\nsize 12\n`,
  'without a line end': `${version}\noid sha256:${oid}\nsize 12`,
  'with CRLF': `${version}\r\noid sha256:${oid}\r\nsize 12\r\n`,
  'with empty lines': `\n${version}\n\noid sha256:${oid}\nsize 12\n\n`,
  'of 0 bytes': `${version}\noid sha256:${oid}\nsize 0\n`,
  'of hawser': `version https://hawser.github.com/spec/v1\noid sha256:${oid}\nsize 12\n`,
  'of git-media': `version http://git-media.io/v/2\noid sha256:${oid}\nsize 12\n`,
  'with an extension': `${version}\next-0-case ${other}\noid sha256:${oid}\nsize 12\n`,
  'with extensions out of order': `${version}\next-1-b ${other}\next-0-a ${other}\noid sha256:${oid}\nsize 12\n`,
  'with two extensions of one priority': `${version}\next-0-b ${other}\next-0-a ${other}\noid sha256:${oid}\nsize 12\n`,
  'with an extension without a hash': `${version}\next-0-a yes\noid sha256:${oid}\nsize 12\n`,
  'with an unknown key': `${version}\nfoo bar\noid sha256:${oid}\nsize 12\n`,
  'with a line too many': `${version}\noid sha256:${oid}\nsize 12\nx y\n`,
  'out of order': `${version}\nsize 12\noid sha256:${oid}\n`,
  'of another version': `version https://git-lfs.github.com/spec/v2\noid sha256:${oid}\nsize 12\n`,
  'of another hash': `${version}\noid md5:${oid}\nsize 12\n`,
  'with a short hash': `${version}\noid sha256:${oid.slice(1)}\nsize 12\n`,
  'with capitals': `${version}\noid sha256:${oid.toUpperCase()}\nsize 12\n`,
  'of negative size': `${version}\noid sha256:${oid}\nsize -12\n`,
  'of no size': `${version}\noid sha256:${oid}\nsize\n`,
  'with a space too many': `${version} \noid sha256:${oid}\nsize 12\n`,
  'that is talked about': `A pointer looks like this:\n${version}\noid sha256:${oid}\nsize 12\n`,
  'that is empty': '',
};

describe.skipIf(!isAvailable('gitLfs'))('A pointer is what git-lfs takes for one', () => {
  it.each(Object.entries(texts))('%s', async (_, text) => {
    const { path, remove } = await temporaryFolder();
    onTestFinished(remove);
    await writeFile(join(path, 'file'), text);
    const check = promisify(execFile)('git-lfs', ['pointer', '--check', '--file', join(path, 'file')], { cwd: path });
    const isPointer = await check.then(
      () => true,
      () => false,
    );
    // An empty file is its own pointer for git-lfs; there is nothing to move.
    expect(parsePointer(Buffer.from(text)) !== undefined).toBe(isPointer && text !== '');
  });
});

const pointers = fc.record({
  oid: fc.stringMatching(/^[0-9a-f]{64}$/),
  size: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  extensions: fc
    .uniqueArray(fc.tuple(fc.nat({ max: 9 }), fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[0-9a-f]{64}$/)), {
      selector: ([n]) => n,
      maxLength: 4,
    })
    .map((list) =>
      list.sort(([x], [y]) => x - y).map(([n, name, hash]): readonly [string, string] => [`ext-${n}-${name}`, `sha256:${hash}`]),
    ),
});

describe('pointers', () => {
  it('are shorter than 1024 bytes, as the specification says', () => {
    const text = `${version}\noid sha256:${oid}\nsize 12\n`;
    expect(parsePointer(Buffer.from(text.padEnd(1023, '\n')))).toMatchObject({ oid });
    expect(parsePointer(Buffer.from(text.padEnd(1024, '\n')))).toBeUndefined();
  });

  it('are read as they were written', () => {
    fc.assert(
      fc.property(pointers, (pointer) => {
        expect(parsePointer(Buffer.from(encodePointer(pointer)))).toEqual(pointer);
      }),
    );
  });

  it('are never found in arbitrary bytes, and nothing throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1100 }), (bytes) => {
        expect(parsePointer(bytes)).toBeUndefined();
      }),
    );
  });
});
