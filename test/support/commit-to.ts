/** Commits made without a work tree, by `git fast-import`. */
import { git } from './git.ts';

/** On top of main, straight into a bare repository. */
export async function commitTo(path: string, files: Readonly<Record<string, string>>): Promise<string> {
  const parent = await git(path, ['rev-parse', '--verify', '--quiet', 'refs/heads/main']).catch(() => '');
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
  const lines = [
    'commit refs/heads/main\ncommitter Test <test@example.org> 1700000000 +0000\n',
    data('files'),
    parent === '' ? '' : `from ${parent}\n`,
    ...Object.entries(files).map(([name, text]) => `M 100644 inline ${name}\n${data(text)}`),
  ];
  await git(path, ['fast-import', '--quiet', '--force'], { input: `${lines.join('')}\n` });
  return git(path, ['rev-parse', 'refs/heads/main']);
}
