import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import typescript from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/git.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const rulesFile = join(root, '.dependency-cruiser.cjs');

interface Cruised {
  readonly modules: readonly { readonly source: string; readonly dependencies: readonly unknown[] }[];
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly to: string; readonly rule: { readonly name: string } }[];
  };
}

/** Runs dependency-cruiser with the project's rules in a folder. */
function cruise(folder: string, parts: readonly string[]): Promise<Cruised> {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  return new Promise((resolve, reject) => {
    const args = [program, '--config', rulesFile, '--output-type', 'json', ...parts];
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1 << 28 }, (_error, stdout, stderr) => {
      // Its exit status is the number of violations.
      try {
        resolve(JSON.parse(stdout) as Cruised);
      } catch {
        reject(new Error(`dependency-cruiser printed no result: ${stderr}`));
      }
    });
  });
}

function violations({ summary }: Cruised): string[] {
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort();
}

describe('the layers', () => {
  it('hold for every import of the project', async () => {
    const cruised = await cruise(root, ['functions', 'lib', 'test', 'infra']);
    expect(violations(cruised)).toEqual([]);
    // A cruiser that cannot read TypeScript finds nothing wrong, because it finds nothing.
    const ours = cruised.modules.filter(({ source }) => /^(lib|functions)\//.test(source));
    expect(ours.length).toBeGreaterThan(40);
    expect(ours.flatMap(({ dependencies }) => dependencies).length).toBeGreaterThan(100);
  });

  it('name every folder of lib', () => {
    const { forbidden } = createRequire(import.meta.url)(rulesFile) as { forbidden: readonly { name: string }[] };
    const names = new Set(forbidden.map(({ name }) => name));
    const folders = readdirSync(join(root, 'lib'));
    expect(folders.filter((folder) => !names.has(`lib-${folder}-layer`))).toEqual([]);
  });
});

describe('a test file in the folder of a layer', () => {
  const isLayer = (name: string) => existsSync(join(root, 'lib', name.split('/')[0] ?? '')) && name.includes('/');
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.test\.tsx?$/.test(name) && isLayer(name),
  );

  it('has the path of the file in lib that it tests, or says in its first line what several files do together', () => {
    expect(tests.length).toBeGreaterThan(100);
    const isTwin = (name: string) =>
      ['.ts', '.tsx'].some((end) => existsSync(join(root, 'lib', name.replace(/(\.property)?\.test\.tsx?$/, end))));
    const unexplained = tests.filter((name) => !isTwin(name) && !readFileSync(join(root, 'test', name), 'utf8').startsWith('/** '));
    expect(unexplained).toEqual([]);
  });
});

describe('no file of ours', () => {
  // As root, `git config --global` would replace the device by a file.
  it('gives git a device for a configuration', () => {
    const sources = ['functions', 'lib', 'infra', 'test', '.ci'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    );
    const texts = sources
      .filter((name) => /\.[a-z]*[jt]sx?$|\.py$|run$/.test(name))
      .map((name) => [name, readFileSync(join(root, name), 'utf8')]);
    expect(texts.length).toBeGreaterThan(500);
    expect(texts.filter(([, text = '']) => /GIT_CONFIG_\w+\W{1,6}dev\/null/.test(text)).map(([name]) => name)).toEqual([]);
  });
});

describe('lib/api and lib/console', () => {
  /** Casts and `!`, as `file: text`. */
  function castsIn(file: string, text: string): readonly string[] {
    const source = typescript.createSourceFile(file, text, typescript.ScriptTarget.Latest, true);
    const found: string[] = [];
    const look = (node: typescript.Node): void => {
      const isCast = typescript.isAsExpression(node) && node.type.getText() !== 'const';
      if (isCast || typescript.isNonNullExpression(node) || typescript.isTypeAssertionExpression(node))
        found.push(`${file}: ${node.getText()}`);
      typescript.forEachChild(node, look);
    };
    look(source);
    return found;
  }

  it('cast nothing to another type but what they read from Secrets Manager, which only they write', () => {
    const files = ['lib/api', 'lib/console'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.tsx?$/.test(name))
        .map((name) => join(folder, name)),
    );
    expect(files.length).toBeGreaterThan(120);
    const casts = files.flatMap((file) => castsIn(file, readFileSync(join(root, file), 'utf8')));
    expect(casts.filter((cast) => !/await (deps\.)?secrets\.read\(.*\) as \w+$/.test(cast))).toEqual([]);
  });

  it.each(['const a = b as string;', 'const a = b!;', 'const a = <string>b;', 'const a = b as unknown as string;'])(
    'would be told of %s',
    (text) => expect(castsIn('lib/api/planted.ts', text).length).toBeGreaterThan(0),
  );

  it('may say `as const` and `satisfies`', () => {
    expect(castsIn('lib/api/planted.ts', 'const a = [1] as const satisfies readonly number[];')).toEqual([]);
  });
});

describe('a forbidden import is reported', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let found: readonly string[];

  const planted = [
    ['lib/core/upwards.ts', '../git/pack/pack.ts', 'lib-core-layer'],
    ['lib/net/upwards.ts', '../git/pack/pack.ts', 'lib-net-layer'],
    ['lib/credentials/upwards.ts', '../git/pack/pack.ts', 'lib-credentials-layer'],
    ['lib/credentials/sideways.ts', '../mirror/plan.ts', 'lib-credentials-layer'],
    ['lib/git/upwards.ts', '../mirror/plan.ts', 'lib-git-layer'],
    ['lib/mirror/upwards.ts', '../cli/usage.ts', 'lib-mirror-layer'],
    ['lib/mirror/sideways.ts', '../net/client.ts', 'lib-mirror-layer'],
    ['lib/cli/upwards.ts', '../../functions/main.ts', 'lib-cli-layer'],
    ['lib/local/sideways.ts', '../mirror/plan.ts', 'lib-local-layer'],
    ['lib/git/wire/upwards.ts', '../client/client.ts', 'git-wire-layer'],
    ['lib/git/pack/upwards.ts', '../transport/transport.ts', 'git-pack-layer'],
    ['lib/git/transport/upwards.ts', '../client/client.ts', 'git-transport-layer'],
    ['lib/git/transport/http/sideways.ts', '../ssh/ssh.ts', 'git-transport-http-or-ssh'],
    ['lib/api/input/upwards.ts', '../routes/route.ts', 'api-input-output-layer'],
    ['lib/api/use-cases/upwards.ts', '../routes/route.ts', 'api-use-cases-layer'],
    ['lib/api/http/sideways.ts', '../routes/route.ts', 'api-http-layer'],
    ['lib/aws/table/upwards.ts', '../mirrors/mirror.ts', 'aws-table-layer'],
    ['lib/jobs/hosts/sideways.ts', '../runs/run.ts', 'jobs-hosts-layer'],
    ['lib/jobs/requests/sideways.ts', '../tick/tick.ts', 'jobs-requests-layer'],
    ['lib/core/tested.ts', '../../test/support.ts', 'no-tests-in-production'],
    ['functions/tested.ts', '../test/support.ts', 'no-tests-in-production'],
    ['lib/git/transport/undici.ts', 'undici', 'single-importer-of-undici'],
    ['lib/mirror/isomorphic.ts', 'isomorphic-git', 'single-importer-of-isomorphic-git'],
    ['lib/cli/re2.ts', 're2', 'single-importer-of-re2'],
    ['functions/ipaddr.ts', 'ipaddr.js', 'single-importer-of-ipaddr-js'],
    ['lib/git/programs.ts', 'node:child_process', 'no-programs'],
    ['lib/core/missing.ts', './nowhere.ts', 'not-to-unresolvable'],
    ['lib/core/circle-a.ts', './circle-b.ts', 'no-circular'],
  ] as const;

  /** What the planted files import, and a file that nobody needs. */
  const files: Record<string, string> = {
    'tsconfig.json': '{}',
    'lib/core/circle-b.ts': "import { value as other } from './circle-a.ts';\nexport const value = other;\n",
    'lib/core/orphan.ts': 'export const value = 1;\n',
    ...Object.fromEntries(
      [
        'lib/git/pack/pack',
        'lib/git/transport/transport',
        'lib/git/client/client',
        'lib/net/client',
        'lib/mirror/plan',
        'lib/cli/usage',
        'lib/git/transport/ssh/ssh',
        'lib/api/routes/route',
        'lib/aws/mirrors/mirror',
        'lib/jobs/runs/run',
        'lib/jobs/tick/tick',
      ].map((file) => [`${file}.ts`, 'export const value = 1;\n']),
    ),
    'functions/main.ts': 'export const value = 1;\n',
    'test/support.ts': 'export const value = 1;\n',
    ...Object.fromEntries(
      ['undici', 'isomorphic-git', 're2', 'ipaddr.js'].flatMap((name) => [
        [`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' })],
        [`node_modules/${name}/index.js`, 'exports.value = 1;\n'],
      ]),
    ),
  };

  beforeAll(async () => {
    folder = await temporaryFolder();
    for (const [from, to] of planted) files[from] ??= `import { value as imported } from '${to}';\nexport const value = imported;\n`;
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder.path, path)), { recursive: true });
      await writeFile(join(folder.path, path), text);
    }
    found = (await cruise(folder.path, ['functions', 'lib', 'test'])).summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`);
  });
  afterAll(() => folder.remove());

  it.each(planted)('%s must not import %s (%s)', (from, _to, rule) => {
    expect(found).toContain(`${rule}: ${from}`);
  });

  it('and so is a file that nothing uses', () => {
    expect(found).toContain('no-orphans: lib/core/orphan.ts');
  });
});

describe('each source file', () => {
  const filesOf = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|mjs)$/.test(file) && !file.endsWith('.test.ts'))
      .map((file) => `${folder}/${file}`)
      .sort();
  const sources = [...filesOf('lib'), ...filesOf('functions')];
  // Tests say what they are about in their names; what helps them says it like everything else.
  const owned = [...sources, ...filesOf('infra'), ...filesOf('test')];
  const text = (file: string): string => readFileSync(join(root, file), 'utf8');
  const breaking = (files: readonly string[], breaks: (text: string) => boolean): string[] => files.filter((file) => breaks(text(file)));

  it('is looked at', () => expect(sources.length).toBeGreaterThan(40));

  it('has at most 300 lines', () => {
    expect(breaking(sources, (source) => source.split('\n').length - 1 > 300)).toEqual([]);
  });

  it('begins with a sentence on what it owns', () => {
    const sentence = /^(#!.*\n)?\/\*\* \S.{15,}[.?] \*\/\n/;
    expect(breaking(owned, (source) => !sentence.test(source))).toEqual([]);
  });

  it('leaves the environment to functions/wiring.ts', () => {
    const readers = breaking(sources, (source) =>
      /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/.test(source),
    );
    expect(readers).toEqual(['functions/wiring.ts']);
  });

  it('sets no variable but the one with which the SDK is asked not to warn', () => {
    const written = [...text('functions/wiring.ts').matchAll(/process\.env(?:\.|\[')(\w+)(?:'\])?\s*=(?!=)|delete process\.env/g)].map(
      ([, name]) => name,
    );
    expect(written).toEqual(['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED']);
  });
});
