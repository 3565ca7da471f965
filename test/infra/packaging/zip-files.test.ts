import fc from 'fast-check';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { zipFiles } from '../../../infra/packaging/zip-files.ts';

const contents = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}(\/[a-z]{1,8}\.mjs)?$/), fc.uint8Array({ maxLength: 300 }), { maxKeys: 8 });

describe('a package’s archive', () => {
  it('holds what it was given', () => {
    fc.assert(
      fc.property(contents, (files) => {
        const found = unzipSync(zipFiles(files));
        expect(Object.keys(found).sort()).toEqual(Object.keys(files).sort());
        for (const [name, content] of Object.entries(files)) expect(Buffer.from(found[name] ?? []).equals(content)).toBe(true);
      }),
    );
  });

  it('is the same whatever the order, the time and the time zone', () => {
    const [a, b] = [Buffer.from('one'), Buffer.from('two'.repeat(1000))];
    const zone = process.env['TZ'];
    const archives = ['UTC', 'Pacific/Auckland', 'America/New_York'].flatMap((timeZone) => {
      process.env['TZ'] = timeZone;
      return [zipFiles({ a, b }), zipFiles({ b, a })];
    });
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
    for (const archive of archives) expect(Buffer.from(archive).equals(archives[0] ?? a)).toBe(true);
  });

  it('lets every user read its files, and none change or run them', () => {
    const archive = Buffer.from(zipFiles({ 'index.mjs': Buffer.from('x') }));
    const directory = archive.indexOf(Buffer.from('504b0102', 'hex'));
    expect(archive[directory + 5]).toBe(3);
    expect(archive.readUInt32LE(directory + 38) >>> 16).toBe(0o100644);
  });
});
