import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly hasInstallScript?: boolean; readonly integrity?: string; readonly optional?: boolean }>
  >;
}
interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const lock = JSON.parse(read('package-lock.json')) as Lock;
const declared = { ...manifest.dependencies, ...manifest.devDependencies };
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');

/** The names in the first cells of the tables. */
function namesIn(document: string): string[] {
  const cells = document.split('\n').flatMap((line) => (line.startsWith('| `') ? [line.split('|')[1] ?? ''] : []));
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

describe('dependencies', () => {
  it('all have their reason, and nothing else has one', () => {
    expect(namesIn(read('docs/decisions/0002-dependencies.md')).sort()).toEqual(Object.keys(declared).sort());
  });

  it('are pinned exactly', () => {
    expect(Object.values(declared).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('are locked with a checksum each', () => {
    expect(locked.length).toBeGreaterThan(200);
    // npm leaves it out for the binaries of other systems, which are optional and not here.
    const isHere = (path: string): boolean => existsSync(new URL(`../../${path}`, import.meta.url));
    const unchecked = locked.filter(
      ([path, { integrity, optional }]) => !/^sha512-/.test(integrity ?? '') && (optional !== true || isHere(path)),
    );
    expect(unchecked.map(([path]) => path)).toEqual([]);
  });

  it('run an install script only where that was decided, and need it for re2 and esbuild alone', () => {
    const scripted = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    // fsevents is for another system and is not installed here.
    expect([...new Set(scripted)].filter((name) => name !== 'fsevents').sort()).toEqual(Object.keys(manifest.allowScripts).sort());
    expect(
      Object.keys(manifest.allowScripts)
        .filter((name) => manifest.allowScripts[name])
        .sort(),
    ).toEqual(['esbuild', 're2']);
  });
});

describe('SECURITY.md', () => {
  const text = read('SECURITY.md');
  const rows = text.split('\n').filter((line) => line.startsWith('|') && line.includes('test/'));

  it('names a test for each defence, and each of them is there', () => {
    const named = [...text.matchAll(/\btest\/[\w./-]+/g)].map(([path]) => path);
    expect(rows.length).toBeGreaterThan(25);
    expect(named.filter((path) => !/\.test\.ts$/.test(path) || !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
    const threats =
      text
        .split('\n## Threats')[1]
        ?.split('\n')
        .filter((line) => /^\| (?!threat)/.test(line)) ?? [];
    expect(threats.filter((row) => !row.includes('.test.ts'))).toEqual([]);
  });

  it('links to files that are there', () => {
    const links = [
      ...`${text}${read('docs/security.md').replaceAll('](../', '](').replaceAll('](decisions', '](docs/decisions')}`.matchAll(
        /\]\(([^)#]+)\)/g,
      ),
    ].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(4);
    expect(links.filter((link) => !existsSync(new URL(`../../${link}`, import.meta.url)))).toEqual([]);
  });
});
