import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchHost } from '../../../lib/jobs/hosts/watch-host.ts';
import { git, temporaryFolder } from '../../support/git.ts';
import { type GitHttpServer, startGitHttpServer } from '../../support/git-http-server.ts';
import { transportTo } from '../../support/http-transport.ts';

const listRefs = Buffer.from('0014command=ls-refs\n0000');
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: GitHttpServer;

beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder.path, 'repo.git'));
  await git(join(folder.path, 'repo.git'), ['init', '--quiet', '--bare']);
  server = await startGitHttpServer({ root: folder.path });
});
afterAll(async () => {
  await server.close();
  await folder.remove();
});

/** What is noted of a conversation with git-upload-pack that asks once; `isKnown`: as narrow runs do, without its advertisement. */
async function noted(url: string, isKnown: boolean): Promise<(string | undefined)[]> {
  const notes: (string | undefined)[] = [];
  const transport = watchHost(transportTo(url), (failure) => notes.push(failure?.code));
  try {
    const conversation = await transport.open('git-upload-pack', { protocol: 2, assumeV2: isKnown });
    conversation.advertisement?.destroy();
    const answer = await conversation.request(listRefs);
    answer.destroy();
  } catch {
    // Noted, or of no interest to the host's health.
  }
  return notes;
}

describe.each([
  ['that begins with its advertisement', false],
  ['of a narrow run, without one', true],
])('a conversation %s', (_, isKnown) => {
  it('tells once that the host answers', async () => {
    expect(await noted(server.url('repo.git'), isKnown)).toEqual([undefined]);
  });

  it('tells that it does not', async () => {
    expect(await noted('http://127.0.0.1:9/repo.git', isKnown)).toEqual(['connection_failed']);
  });

  it('takes a repository that is not there for an answer', async () => {
    expect(await noted(server.url('no-such.git'), isKnown)).toEqual([undefined]);
  });
});
