/** Compiles serverless.yml with osls, offline, in a temporary copy whose packages are placeholders. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zipSync } from 'fflate';
import { temporaryFolder } from '../support/git.ts';

export interface TemplateResource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation's properties are asserted on, not relied on
  readonly Properties: any;
}

export interface Template {
  readonly Resources: Record<string, TemplateResource>;
  readonly Outputs: Record<string, { readonly Value: unknown }>;
}

export interface Compiled {
  readonly template: Template;
  /** Of the compiled template, for cfn-lint. */
  readonly file: string;
  remove(): Promise<void>;
}

const root = new URL('../../', import.meta.url).pathname;
const run = promisify(execFile);

/** Rejects with what osls says when it refuses. */
export async function compileTemplate(parameters: Readonly<Record<string, string>>, stage = 'dev'): Promise<Compiled> {
  const folder = await temporaryFolder();
  const at = (...parts: string[]) => join(folder.path, ...parts);
  await cp(join(root, 'serverless.yml'), at('serverless.yml'));
  await cp(join(root, 'infra'), at('infra'), { recursive: true });
  await cp(join(root, 'package.json'), at('package.json'));
  await symlink(join(root, 'node_modules'), at('node_modules'));
  await mkdir(at('dist', 'packages'), { recursive: true });
  const placeholder = zipSync({ 'index.mjs': new TextEncoder().encode('export const handler = () => {};\n') });
  for (const name of ['webhook', 'api', 'worker', 'schedule', 'update-now', 'notify', 'dead-letter'])
    await writeFile(at('dist', 'packages', `${name}.zip`), placeholder);
  const given = Object.entries(parameters).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
  try {
    await run(process.execPath, [at('node_modules', 'osls', 'bin', 'serverless.js'), 'package', '--stage', stage, ...given], {
      cwd: folder.path,
      // Nothing of the person's own: neither a region nor credentials.
      env: { PATH: process.env['PATH'], HOME: folder.path, AWS_REGION: 'eu-west-1', SLS_INTERACTIVE_SETUP_ENABLE: '0' },
    });
  } catch (error) {
    await folder.remove();
    throw new Error(String((error as { stdout?: string }).stdout) + String((error as { stderr?: string }).stderr));
  }
  const file = at('.serverless', 'cloudformation-template-update-stack.json');
  return { template: JSON.parse(await readFile(file, 'utf8')), file, remove: folder.remove };
}
