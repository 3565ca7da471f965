/** Makes the repositories that are mirrored: the same objects in every run, by `git fast-import`, packed as a host keeps them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { git, gitEnvironment } from '../support/git.ts';
import { createVocabulary, PseudoRandom } from './pseudo-random.ts';

export interface RepositoryShape {
  /** On the main branch; other branches fork from it and add one to four each. */
  readonly commits: number;
  readonly branches: number;
  /** Every second one annotated. */
  readonly tags: number;
  /** Source files; each main commit edits one to four of them. */
  readonly files: number;
  /** Bytes of incompressible files (pictures, archives), spread over the history. */
  readonly assetBytes: number;
}

/** A bare repository in `path` (which must not exist): text that changes line by line, trees, merges, assets, branches, tags. */
export async function makeRepository(path: string, shape: RepositoryShape): Promise<void> {
  await createBare(path);
  await fastImport(path, Readable.from(history(shape)));
  await git(path, ['repack', '-a', '-d', '-f', '-q', '--depth=50', '--window=10', '--write-bitmap-index']);
  await git(path, ['pack-refs', '--all']);
  await git(path, ['commit-graph', 'write', '--reachable']);
}

/** Blobs of 1 MB that neither compress nor resemble each other, on one branch. */
export async function makeLargeRepository(path: string, megabytes: number, perCommit = 20): Promise<void> {
  await createBare(path);
  await fastImport(path, Readable.from(blobs(megabytes, perCommit)), ['-c', 'core.compression=0']);
}

/** Adds one commit to each of these branches. `label` tells one round from the next. */
export async function addCommits(path: string, branches: readonly string[], label: string): Promise<void> {
  const commits = branches.flatMap((ref) => {
    const entries = [fileEntry('CHANGES', Buffer.from(`${label} ${ref}\n`))];
    return commit({ ref, parents: `from ${ref}^0\n`, message: label, entries, minute: 1_000_000 });
  });
  await fastImport(path, Readable.from(commits));
}

/** The given refs, written the way `git pack-refs` does: 50,000 loose ones would take minutes. */
export async function writePackedRefs(path: string, refs: ReadonlyMap<string, string>): Promise<void> {
  const kept = (await readFile(join(path, 'packed-refs'), 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => /^[0-9a-f]{40} /.test(line));
  const lines = [...kept, ...[...refs].map(([name, oid]) => `${oid} ${name}`)];
  lines.sort((a, b) => (a.slice(41) < b.slice(41) ? -1 : 1));
  await writeFile(join(path, 'packed-refs'), `# pack-refs with: sorted \n${lines.join('\n')}\n`);
}

export async function createBare(path: string): Promise<void> {
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
}

async function fastImport(path: string, stream: Readable, options: readonly string[] = []): Promise<void> {
  const child = spawn('git', ['-C', path, ...options, '-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet', '--force'], {
    env: gitEnvironment,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(child, 'close');
  await pipeline(stream, child.stdin);
  const [status] = await ended;
  if (status !== 0) throw new Error(`git fast-import ended with ${status}`);
}

function* history({ commits, branches, tags, files, assetBytes }: RepositoryShape): Generator<Buffer> {
  const random = new PseudoRandom(1);
  const word = createVocabulary(random, 4000);
  const line = (): string => Array.from({ length: random.integer(3, 11) }, word).join(' ');
  const texts = Array.from({ length: files }, () => Array.from({ length: Math.ceil(8 + 250 * random.next() ** 3) }, line));
  const pathOf = (file: number): string => `src/${file % 37}/${file % 7}/file-${file}.ts`;
  const text = (file: number): Buffer => fileEntry(pathOf(file), Buffer.from(`${(texts[file] as string[]).join('\n')}\n`));
  const edited = (): Buffer => {
    const file = random.integer(0, files - 1);
    const lines = texts[file] as string[];
    for (let edits = random.integer(1, 5); edits > 0; edits--) lines.splice(random.integer(0, lines.length), random.integer(0, 1), line());
    return text(file);
  };
  const assets = 24;
  let assetBytesLeft = assetBytes;

  for (let number = 1; number <= commits; number++) {
    const entries = number === 1 ? texts.map((_, file) => text(file)) : Array.from({ length: random.integer(1, 4) }, edited);
    const share = (assetBytesLeft / (commits - number + 1)) * 2 * random.next();
    // One large asset now and then rather than a small one in every commit.
    if (share > 0 && (random.next() < 0.02 || number === commits)) {
      const bytes = Math.min(assetBytesLeft, Math.round(number === commits ? assetBytesLeft : share * 50));
      assetBytesLeft -= bytes;
      entries.push(fileEntry(`assets/picture-${random.integer(1, assets)}.png`, random.bytes(bytes)));
    }
    const isMerge = number > 50 && random.next() < 0.1;
    const parents = number === 1 ? '' : `from :${number - 1}\n${isMerge ? `merge :${number - random.integer(5, 40)}\n` : ''}`;
    yield* commit({ ref: 'refs/heads/main', parents, message: line(), entries, minute: number, mark: number });
  }
  for (let branch = 1; branch < branches; branch++) {
    let parents = `from :${Math.ceil(commits * (1 - random.next() ** 2 * 0.9))}\n`;
    for (let left = random.integer(1, 4); left > 0; left--) {
      yield* commit({ ref: branchName(branch), parents, message: line(), entries: [edited()], minute: commits + branch });
      parents = '';
    }
  }
  for (let tag = 1; tag <= tags; tag++) {
    const mark = Math.ceil((commits * tag) / tags);
    if (tag % 2 === 0) yield Buffer.from(`reset refs/tags/v0.${tag}\nfrom :${mark}\n\n`);
    else
      yield Buffer.from(
        `tag v0.${tag}\nfrom :${mark}\ntagger Test <test@example.org> 1700000000 +0000\n${data(Buffer.from(`release ${tag}`))}`,
      );
  }
}

/** `branch` counts from 1; main is not among them. */
export function branchName(branch: number): string {
  return `refs/heads/${['feature', 'fix', 'release'][branch % 3]}/topic-${branch}`;
}

function* blobs(megabytes: number, perCommit: number): Generator<Buffer> {
  const random = new PseudoRandom(2);
  for (let at = 0; at < megabytes; at += perCommit) {
    const entries = Array.from({ length: Math.min(perCommit, megabytes - at) }, (_, index) =>
      fileEntry(`data/${at + index}.bin`, random.bytes(1_000_000)),
    );
    yield* commit({ ref: 'refs/heads/main', parents: '', message: `part ${at}`, entries, minute: at });
  }
}

interface CommitSpec {
  readonly ref: string;
  /** `from` and `merge` lines. */
  readonly parents: string;
  readonly message: string;
  readonly entries: readonly Buffer[];
  /** Minutes after the first commit. */
  readonly minute: number;
  /** Names the commit for later ones. */
  readonly mark?: number;
}

/** The pieces of a fast-import commit. */
function commit({ ref, parents, message, entries, minute, mark }: CommitSpec): Buffer[] {
  const committer = `committer Test <test@example.org> ${1_500_000_000 + 60 * minute} +0000\n`;
  const head = `commit ${ref}\n${mark === undefined ? '' : `mark :${mark}\n`}${committer}`;
  return [Buffer.from(`${head}${data(Buffer.from(message))}${parents}`), ...entries, Buffer.from('\n')];
}

function data(bytes: Buffer): string {
  return `data ${bytes.length}\n${bytes.toString()}\n`;
}

function fileEntry(path: string, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`M 100644 inline ${path}\ndata ${content.length}\n`), content, Buffer.from('\n')]);
}
