/** What a target has to do with a push whose end is held back, whatever program serves it: one suite for every Git server. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../lib/core/deadline.ts';
import { limits } from '../../lib/core/limits.ts';
import { ReceivePack } from '../../lib/git/client/push-pack.ts';
import { UploadPack } from '../../lib/git/client/upload-pack.ts';
import type { Oid } from '../../lib/git/object-id.ts';
import { createTransport } from '../../lib/git/transport/create-transport.ts';
import { parseRepositoryUrl } from '../../lib/git/transport/repository-url.ts';
import { HeldEnd } from '../../lib/mirror/held-end.ts';
import { relay } from '../../lib/mirror/relay.ts';
import { createAddressGuard } from '../../lib/net/address-guard.ts';
import { createHttpClient } from '../../lib/net/http-client.ts';
import { commitTo } from '../support/commit-to.ts';
import { git, refsOf, temporaryFolder } from '../support/git.ts';
import { beginningOf } from '../support/git-http-server.ts';
import { lfsScenario, oidOf } from '../support/lfs-scenario.ts';
import { started } from '../support/scenario.ts';
import { type RemoteEnd, syncEnds } from '../support/ssh-sync.ts';

/** Over HTTP, what is shorter goes in one piece, and nothing of it before its end. */
const packBytes = limits.bufferedRequestBytes * 1.5;

export interface HeldTarget {
  /** An empty repository that takes pushes. */
  readonly path: string;
  readonly end: RemoteEnd;
}

/** Declares the tests. */
export function itTakesHeldPushes(make: () => Promise<HeldTarget>): void {
  const leavesNothing = async (path: string): Promise<void> => {
    await expect.poll(() => leftOvers(path), { timeout: 10_000 }).toEqual([]);
  };

  it('says no to a large push whose end never comes, keeps nothing of it, and takes the next one whose end comes late', async () => {
    const { path, end } = await make();
    const source = await sourceOf();
    const push = await relayTo(end, source);
    const first = new HeldEnd({ heldMs: 1, givenUpMs: limits.givenUpMs });
    const given = await push(first);
    expect(given.kind).toBe('given up');
    expect(given.bytes).toBeGreaterThan(packBytes / 2);
    expect(first.cutOff.aborted).toBe(false);
    expect(await refsOf(path, ['refs/'])).toEqual({});
    await leavesNothing(path);

    const late = new HeldEnd({ heldMs: 60_000, givenUpMs: limits.givenUpMs });
    const wait = late.wait.bind(late);
    late.wait = () => {
      setTimeout(() => late.letGo(), 200);
      return wait();
    };
    expect(await push(late)).toMatchObject({ kind: 'answered', answer: { report: { unpack: 'ok' } } });
    expect(await refsOf(path)).toEqual({ 'refs/heads/main': source.commit });
    await git(path, ['fsck', '--strict']);
    await leavesNothing(path);
  });

  it('is pushed to anew, after the LFS objects, when pointers are found while the end is held back', async () => {
    const { path, end } = await make();
    const made = await lfsScenario();
    let packsSent = 0;
    const source = await started(join(made.folder, 'source'), {
      async intercept({ isRpc, request, response }) {
        const body = isRpc ? await beginningOf(request) : '';
        if (!body.includes('command=fetch')) return false;
        if (body.includes('thin-pack')) response.on('finish', () => packsSent++);
        // The look: all of the pack is on its way, the target's own buffers hold a part of it at most.
        else await expect.poll(() => packsSent, { timeout: 20_000 }).toBe(1);
        return false;
      },
    });
    const large = Buffer.from('large');
    await made.commit({ 'a.bin': incompressible(), 'b.bin': large });
    const lfsUrls = [`--source-lfs-url=${made.source.url}/info/lfs`, `--target-lfs-url=${made.target.url}/info/lfs`];
    const run = () => syncEnds({ url: source.url('repo.git') }, end, ['--allow-address=127.0.0.0/8', ...lfsUrls]);
    const outcome = await run();
    expect(outcome).toMatchObject({ outcome: 'success', error: null, counts: { created: 1 }, lfs: { moved: 1, failed: 0 } });
    expect(packsSent).toBe(2);
    expect(await made.target.lfs.objects()).toEqual([oidOf(large)]);
    expect(await refsOf(path)).toEqual(await refsOf(made.source.path));
    await git(path, ['fsck', '--strict']);
    await leavesNothing(path);
    expect(await run()).toMatchObject({ outcome: 'success', refs: [], bytes: 0 });
  });
}

const incompressible = (): string => randomBytes(packBytes).toString('base64');

/** What packs leave behind that have no end: git's and JGit's quarantine folders and temporary packs. */
async function leftOvers(repository: string): Promise<string[]> {
  const found = await readdir(join(repository, 'objects'), { recursive: true });
  return found.filter((name) => /incoming|tmp|temp|noz/i.test(name));
}

interface Source {
  readonly url: string;
  readonly commit: Oid;
}

async function sourceOf(): Promise<Source> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'repo.git');
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  const commit = (await commitTo(path, { 'a.bin': incompressible() })) as Oid;
  return { url: (await started(folder.path)).url('repo.git'), commit };
}

/** Relays main of the source, each time over transports of its own. */
async function relayTo(end: RemoteEnd, source: Source) {
  const deadline = createDeadline(120_000);
  const guard = createAddressGuard(['127.0.0.0/8']);
  const http = createHttpClient(guard);
  onTestFinished(() => http.close());
  onTestFinished(() => deadline.clear());
  const connect = ({ url, credential, hostKeys = [] }: RemoteEnd) =>
    createTransport({ url: parseRepositoryUrl(url, 'T').url, credential, hostKeys }, { guard, http, deadline });
  return async (held: HeldEnd) => {
    const transports = [connect({ url: source.url }), connect(end)] as const;
    try {
      return await relay(
        {
          source: await UploadPack.open(transports[0]),
          target: await ReceivePack.open(transports[1]),
          commands: [{ ref: 'refs/heads/main', old: null, new: source.commit }],
          haves: [],
          thinPack: true,
          end: held,
        },
        { deadline, onBytes: () => {}, onPackSent: () => {} },
      );
    } finally {
      for (const transport of transports) await transport.close();
    }
  };
}
